#include "core/health_rollup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Condition kWell = {};
constexpr Condition kProbing = {.state = State::kHalfOpen, .health = Health::kDegraded};
constexpr Condition kOpen = {.state = State::kOpen, .health = Health::kUnhealthy};

constexpr Condition Failing(double score) {
  return {.state = State::kClosed, .health = Health::kDegraded, .score = score};
}

HealthRollup Of(const std::vector<Condition>& conditions) {
  HealthRollup rollup;
  for (const Condition& condition : conditions) {
    rollup.Add("db/" + std::to_string(rollup.breakers()), condition);
  }
  return rollup;
}

std::vector<std::string> Worst(const HealthRollup& rollup) {
  std::vector<std::string> names;
  for (const HealthRollup::Member& member : rollup.worst()) names.push_back(member.name);
  return names;
}

// A prefix is a path: "payments" must not catch "payments.v2" or "paymentservice".
TEST(IsUnderTest, CoversThePathItselfAndWholeSegmentsBelowIt) {
  EXPECT_TRUE(IsUnder("payments", "payments"));
  EXPECT_TRUE(IsUnder("payments", "payments/charge"));
  EXPECT_TRUE(IsUnder("payments", "payments/charge/eu"));
  EXPECT_TRUE(IsUnder("payments/charge", "payments/charge/eu"));
  EXPECT_FALSE(IsUnder("payments", "payments.v2/charge"));
  EXPECT_FALSE(IsUnder("payments", "paymentservice"));
  EXPECT_FALSE(IsUnder("payments/charge", "payments"));
  EXPECT_FALSE(IsUnder("payments", "db/payments"));
}

TEST(IsUnderTest, TheEmptyPathCoversAll) {
  EXPECT_TRUE(IsUnder("", "payments"));
  EXPECT_TRUE(IsUnder("", "payments/charge"));
}

// Nobody may take nothing for health: whoever asks has to say that nothing is there.
TEST(HealthRollupTest, OfNoBreakersNothingCanBeSaid) {
  const HealthRollup none;
  EXPECT_EQ(none.health(), std::nullopt);
  EXPECT_EQ(none.breakers(), 0u);
  EXPECT_EQ(none.score(), 1);
  EXPECT_THAT(none.worst(), IsEmpty());
}

TEST(HealthRollupTest, IsHealthyWhenEveryBreakerIs) {
  EXPECT_EQ(Of({kWell}).health(), Health::kHealthy);
  EXPECT_EQ(Of({kWell, kWell}).health(), Health::kHealthy);
}

// Nothing takes calls, so there is nowhere to send them.
TEST(HealthRollupTest, IsUnhealthyWhenEveryBreakerIs) {
  EXPECT_EQ(Of({kOpen}).health(), Health::kUnhealthy);
  EXPECT_EQ(Of({kOpen, kOpen}).health(), Health::kUnhealthy);
}

// One sick dependency of several is no reason to take all of them out.
TEST(HealthRollupTest, IsDegradedWhenOnlySomeAreUnwell) {
  EXPECT_EQ(Of({kWell, kOpen}).health(), Health::kDegraded);
  EXPECT_EQ(Of({kWell, kProbing}).health(), Health::kDegraded);
  EXPECT_EQ(Of({kWell, kProbing, kOpen}).health(), Health::kDegraded);
  EXPECT_EQ(Of({kOpen, kOpen, kOpen, kProbing}).health(), Health::kDegraded);
}

// Taken out, a dependency that probes would get no calls by which to recover.
TEST(HealthRollupTest, IsDegradedWhenEveryBreakerIs) {
  EXPECT_EQ(Of({kProbing}).health(), Health::kDegraded);
  EXPECT_EQ(Of({kProbing, Failing(0)}).health(), Health::kDegraded);
}

TEST(HealthRollupTest, CountsEachKind) {
  const HealthRollup rollup = Of({kWell, kWell, kWell, kProbing, Failing(0.5), kOpen});
  EXPECT_EQ(rollup.healthy(), 3u);
  EXPECT_EQ(rollup.degraded(), 2u);
  EXPECT_EQ(rollup.unhealthy(), 1u);
  EXPECT_EQ(rollup.breakers(), 6u);
}

TEST(HealthRollupTest, TheScoreIsTheLowest) {
  EXPECT_EQ(Of({kWell, Failing(0.4), Failing(0.7)}).score(), 0.4);
  EXPECT_EQ(Of({Condition{.score = 0.95}, kWell}).score(), 0.95);
}

TEST(HealthRollupTest, ListsWhatIsUnwellTheWorstFirst) {
  HealthRollup rollup;
  rollup.Add("well", kWell);
  rollup.Add("failing", Failing(0.2));
  rollup.Add("open/b", kOpen);
  rollup.Add("slow", Failing(0.8));
  rollup.Add("open/a", kOpen);
  EXPECT_THAT(Worst(rollup), ElementsAre("open/a", "open/b", "failing", "slow"));
  EXPECT_EQ(rollup.worst()[2],
            (HealthRollup::Member{.name = "failing", .condition = Failing(0.2)}));
}

// A walk adds breakers in the order of their places, which says nothing of them.
TEST(HealthRollupTest, KeepsTheTenWorstInWhicheverOrderTheyCome) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  std::vector<std::pair<std::string, Condition>> breakers;
  for (int i = 0; i < 100; ++i) {
    breakers.emplace_back("db/" + std::to_string(1000 + i), Failing((i % 50) / 100.0));
  }
  std::shuffle(breakers.begin(), breakers.end(), random);
  HealthRollup rollup;
  for (const auto& [name, condition] : breakers) rollup.Add(name, condition);
  EXPECT_THAT(Worst(rollup), ElementsAre("db/1000", "db/1050", "db/1001", "db/1051", "db/1002",
                                         "db/1052", "db/1003", "db/1053", "db/1004", "db/1054"));
  EXPECT_EQ(rollup.degraded(), 100u);
}

}  // namespace
}  // namespace fusebox
