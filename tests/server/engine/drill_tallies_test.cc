// Whose calls a drill refuses, counted from its begin to its end.
#include "server/engine/drill_tallies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr Tick kBegan = Tick::FromNanos(1'000);

class DrillTalliesTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const Override> Drill(std::string match = "db/*") {
    return std::make_shared<const Override>(
        Override{.began = kBegan, .match = std::move(match), .drill = true});
  }

  DrillTallies tallies_;
  const std::shared_ptr<const Override> drill_ = Drill();
};

TEST_F(DrillTalliesTest, CountsByClientTheMostFirst) {
  tallies_.Begin(drill_);
  tallies_.Count(*drill_, "search");
  tallies_.Count(*drill_, "checkout");
  tallies_.Count(*drill_, "checkout");
  const auto report = tallies_.End(*drill_, kBegan + absl::Seconds(3));
  EXPECT_EQ(report->lasted, absl::Seconds(3));
  EXPECT_EQ(report->refused, 3u);
  EXPECT_THAT(report->clients, ElementsAre(Pair("checkout", 2u), Pair("search", 1u)));
}

TEST_F(DrillTalliesTest, CountsTheFallbacksThatWereGrantedInstead) {
  tallies_.Begin(drill_);
  tallies_.CountFallback(*drill_, "db/replica");
  tallies_.CountFallback(*drill_, "cache/orders");
  tallies_.CountFallback(*drill_, "cache/orders");
  tallies_.CountFallback(*Drill("http/*"), "cache/orders");  // Not begun.
  EXPECT_THAT(tallies_.End(*drill_, kBegan)->fallbacks,
              ElementsAre(Pair("cache/orders", 2u), Pair("db/replica", 1u)));
}

// That nobody was refused is a result, too.
TEST_F(DrillTalliesTest, ReportsADrillThatRefusedNobody) {
  tallies_.Begin(drill_);
  const auto report = tallies_.End(*drill_, kBegan + absl::Seconds(3));
  EXPECT_EQ(report->lasted, absl::Seconds(3));
  EXPECT_EQ(report->refused, 0u);
  EXPECT_THAT(report->clients, IsEmpty());
}

TEST_F(DrillTalliesTest, KeepsDrillsApart) {
  const auto other = Drill("http/*");
  tallies_.Begin(drill_);
  tallies_.Begin(other);
  tallies_.Count(*drill_, "search");
  tallies_.Count(*other, "checkout");
  EXPECT_THAT(tallies_.End(*drill_, kBegan)->clients, ElementsAre(Pair("search", 1u)));
  EXPECT_THAT(tallies_.End(*other, kBegan)->clients, ElementsAre(Pair("checkout", 1u)));
}

// A call that was refused before the end may be counted after it. Nobody would ever forget what it
// left behind.
TEST_F(DrillTalliesTest, ALateCountLeavesNothingBehind) {
  auto drill = Drill();
  const std::weak_ptr<const Override> held = drill;
  tallies_.Begin(drill);
  tallies_.Count(*drill, "search");
  EXPECT_EQ(tallies_.End(*drill, kBegan)->refused, 1u);
  tallies_.Count(*drill, "search");
  EXPECT_EQ(tallies_.End(*drill, kBegan)->refused, 0u);
  tallies_.Count(*drill, "search");
  drill.reset();
  EXPECT_TRUE(held.expired());
}

TEST_F(DrillTalliesTest, CountsNothingBeforeTheBegin) {
  tallies_.Count(*drill_, "search");
  tallies_.Begin(drill_);
  tallies_.Count(*drill_, "checkout");
  EXPECT_THAT(tallies_.End(*drill_, kBegan)->clients, ElementsAre(Pair("checkout", 1u)));
}

// Its address must not become another's while somebody may still be refused by it.
TEST_F(DrillTalliesTest, HoldsADrillUntilItsEnd) {
  auto drill = Drill();
  const Override& same = *drill;
  const std::weak_ptr<const Override> held = drill;
  tallies_.Begin(std::move(drill));
  EXPECT_FALSE(held.expired());
  tallies_.End(same, kBegan);
  EXPECT_TRUE(held.expired());
}

}  // namespace
}  // namespace fusebox
