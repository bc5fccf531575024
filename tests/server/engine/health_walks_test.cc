#include "server/engine/health_walks.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/error.h"

namespace fusebox {
namespace {

using Turn = absl::StatusOr<HealthWalks::Turn>;

class HealthWalksTest : public ::testing::Test {
 protected:
  Turn Take(const std::string& key = "payments") {
    Turn turn = walks_.Take(key, now_);
    EXPECT_TRUE(turn.ok()) << turn.status();
    return turn;
  }
  // As many walks as may be under way; each is paused if it `pauses`.
  void BeginAll(bool pauses = true) {
    for (size_t i = 0; i < HealthWalks::kMaxWalks; ++i) {
      const std::string key = "begun " + std::to_string(i);
      Turn turn = Take(key);
      ASSERT_TRUE(turn->walk.has_value());
      if (pauses) Pause(std::move(turn), key);
    }
  }
  // As many keys as are kept, none of which has a report.
  void FillWithThoseThatWait() {
    BeginAll();
    for (size_t i = HealthWalks::kMaxWalks; i < HealthWalks::kMaxKept; ++i) {
      EXPECT_FALSE(Take(std::to_string(i))->walk.has_value());
    }
  }
  void Pause(Turn&& turn, const std::string& key = "payments") {
    walks_.Pause(key, *std::move(turn->walk), now_);
  }
  std::shared_ptr<const HealthReport> Finish(Turn&& turn, const std::string& key = "payments") {
    return walks_.Finish(key, *std::move(turn->walk), now_);
  }
  // From nothing to a report.
  std::shared_ptr<const HealthReport> Make(const std::string& key = "payments") {
    Turn turn = Take(key);
    EXPECT_TRUE(turn->walk.has_value());
    return Finish(std::move(turn), key);
  }

  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  HealthWalks walks_;
};

TEST_F(HealthWalksTest, WhoAsksFirstWalks) {
  const Turn turn = Take();
  ASSERT_TRUE(turn->walk.has_value());
  EXPECT_EQ(turn->report, nullptr);
  EXPECT_EQ(turn->walk->next, 0u);
  EXPECT_EQ(turn->walk->report.since, now_);
}

// A load balancer has many probes, and a walk may go over a million breakers.
TEST_F(HealthWalksTest, AReportIsGivenToAllForASecond) {
  const std::shared_ptr<const HealthReport> report = Make();
  now_ += absl::Seconds(1) - absl::Nanoseconds(1);
  EXPECT_EQ(Take()->report, report);
  now_ += absl::Nanoseconds(1);
  const Turn turn = Take();
  EXPECT_EQ(turn->report, nullptr);
  EXPECT_TRUE(turn->walk.has_value());
}

// Nobody waits for who walks: they come again.
TEST_F(HealthWalksTest, WhileOneWalksNobodyElseDoes) {
  Turn walker = Take();
  const Turn other = Take();
  EXPECT_EQ(other->report, nullptr);
  EXPECT_FALSE(other->walk.has_value());
  const std::shared_ptr<const HealthReport> report = Finish(std::move(walker));
  EXPECT_EQ(Take()->report, report);
}

// Who began it may have given up meanwhile.
TEST_F(HealthWalksTest, APausedWalkIsGoneOnWithByWhoeverAsks) {
  const Tick began = now_;
  Turn turn = Take();
  turn->walk->next = 2'000;
  turn->walk->report.rollup.Add("payments", {});
  Pause(std::move(turn));
  now_ += absl::Milliseconds(500);
  const Turn next = Take();
  ASSERT_TRUE(next->walk.has_value());
  EXPECT_EQ(next->walk->next, 2'000u);
  EXPECT_EQ(next->walk->report.rollup.breakers(), 1u);
  EXPECT_EQ(next->walk->report.since, began);
}

// What it has seen so far is too old to be part of a report of now.
TEST_F(HealthWalksTest, AWalkThatNobodyWentOnWithIsBegunAnew) {
  Turn turn = Take();
  turn->walk->next = 2'000;
  Pause(std::move(turn));
  now_ += absl::Seconds(1);
  const Turn next = Take();
  ASSERT_TRUE(next->walk.has_value());
  EXPECT_EQ(next->walk->next, 0u);
  EXPECT_EQ(next->walk->report.since, now_);
}

// However long it took: else of a walk that takes long there would never be a report.
TEST_F(HealthWalksTest, AReportIsAsFreshAsTheEndOfItsWalk) {
  const Tick began = now_;
  Turn turn = Take();
  for (int i = 0; i < 4; ++i) {
    Pause(std::move(turn));
    now_ += absl::Milliseconds(900);
    turn = Take();
  }
  const std::shared_ptr<const HealthReport> report = Finish(std::move(turn));
  EXPECT_EQ(report->since, began);
  EXPECT_EQ(Take()->report, report);
}

TEST_F(HealthWalksTest, EachKeyHasItsOwn) {
  const std::shared_ptr<const HealthReport> payments = Make();
  const std::shared_ptr<const HealthReport> orders = Make("orders");
  EXPECT_NE(payments, orders);
  EXPECT_EQ(Take()->report, payments);
  EXPECT_EQ(Take("orders")->report, orders);
}

// Whoever may ask may ask for any prefix.
TEST_F(HealthWalksTest, KeepsThoseThatWereAskedForLast) {
  const std::shared_ptr<const HealthReport> used = Make("used");
  Make("unused");
  for (size_t i = 0; i < HealthWalks::kMaxKept - 1; ++i) {
    EXPECT_EQ(Take("used")->report, used);
    Make(std::to_string(i));
  }
  EXPECT_EQ(Take("used")->report, used);
  EXPECT_TRUE(Take("unused")->walk.has_value());
}

// Else two keys too many would drop each other's walks, and neither would ever be done.
TEST_F(HealthWalksTest, AWalkThatIsUnderWayIsNotDropped) {
  Turn walked = Take("walked");
  Turn turn = Take("paused");
  turn->walk->next = 2'000;
  Pause(std::move(turn), "paused");
  for (size_t i = 0; i < 2 * HealthWalks::kMaxKept; ++i) Make(std::to_string(i));
  EXPECT_FALSE(Take("walked")->walk.has_value());  // Still by the first.
  const std::shared_ptr<const HealthReport> report = Finish(std::move(walked), "walked");
  EXPECT_EQ(Take("walked")->report, report);
  const Turn next = Take("paused");
  ASSERT_TRUE(next->walk.has_value());
  EXPECT_EQ(next->walk->next, 2'000u);
}

// They share the threads with those who ask whether they may call.
TEST_F(HealthWalksTest, OnlyAFewAreUnderWayAtOnce) {
  BeginAll();
  const Turn waits = Take();
  EXPECT_EQ(waits->report, nullptr);
  EXPECT_FALSE(waits->walk.has_value());
  Turn begun = Take("begun 0");  // A pause does not end it.
  ASSERT_TRUE(begun->walk.has_value());
  EXPECT_FALSE(Take()->walk.has_value());
  Finish(std::move(begun), "begun 0");
  EXPECT_TRUE(Take()->walk.has_value());
  EXPECT_FALSE(Take("another")->walk.has_value());
}

TEST_F(HealthWalksTest, OneThatNobodyGoesOnWithIsNotUnderWay) {
  BeginAll();
  now_ += absl::Seconds(1);
  EXPECT_TRUE(Take()->walk.has_value());
  EXPECT_TRUE(Take("begun 0")->walk.has_value());
}

TEST_F(HealthWalksTest, OneThatSomebodyIsAtIsUnderWayHoweverLongItTakes) {
  BeginAll(/*pauses=*/false);
  now_ += absl::Hours(1);
  EXPECT_FALSE(Take()->walk.has_value());
}

TEST_F(HealthWalksTest, OneTooManyThatWouldWaitIsRefused) {
  FillWithThoseThatWait();
  const absl::Status error = walks_.Take("payments", now_).status();
  EXPECT_EQ(error.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(error), "TOO_MANY_HEALTH_WALKS");
  Turn begun = Take("begun 0");
  ASSERT_TRUE(begun->walk.has_value());
  Finish(std::move(begun), "begun 0");  // A report may go.
  EXPECT_TRUE(Take()->walk.has_value());
}

TEST_F(HealthWalksTest, WhoHasNotAskedForASecondWaitsNoMore) {
  FillWithThoseThatWait();
  now_ += absl::Seconds(1);
  EXPECT_TRUE(Take()->walk.has_value());
}

}  // namespace
}  // namespace fusebox
