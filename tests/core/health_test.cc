#include "core/health.h"

#include "core/guard_fixture.h"

namespace fusebox {
namespace {

// A breaker that nobody called is not sick.
TEST(HealthTest, ScoreIsOneWithoutCalls) { EXPECT_EQ(HealthScore({}), 1); }

// score = success rate x (1 - half the slow rate).
TEST(HealthTest, ScoreMultipliesSuccessRateWithHalfOfTheSlowRate) {
  EXPECT_DOUBLE_EQ(HealthScore({.calls = 10}), 1);
  EXPECT_DOUBLE_EQ(HealthScore({.calls = 10, .failures = 3}), 0.7);
  EXPECT_DOUBLE_EQ(HealthScore({.calls = 10, .failures = 0, .slow = 10}), 0.5);
  EXPECT_DOUBLE_EQ(HealthScore({.calls = 10, .failures = 5, .slow = 4}), 0.4);
  EXPECT_DOUBLE_EQ(HealthScore({.calls = 10, .failures = 10, .slow = 10}), 0);
}

// Load balancers take a backend out on UNHEALTHY, so only OPEN may say it.
TEST(HealthTest, OpenIsUnhealthyWhateverTheScore) {
  EXPECT_EQ(JudgeHealth(State::kOpen, false, 1), Health::kUnhealthy);
  EXPECT_EQ(JudgeHealth(State::kClosed, false, 0), Health::kDegraded);
}

// A recovering dependency is usable, but not trusted yet.
TEST(HealthTest, HalfOpenAndRampingAreDegraded) {
  EXPECT_EQ(JudgeHealth(State::kHalfOpen, false, 1), Health::kDegraded);
  EXPECT_EQ(JudgeHealth(State::kClosed, true, 1), Health::kDegraded);
}

// The border is part of the contract: DEGRADED is below 0.9.
TEST(HealthTest, IsHealthyFromAScoreOfNineTenths) {
  EXPECT_EQ(JudgeHealth(State::kClosed, false, 0.9), Health::kHealthy);
  EXPECT_EQ(JudgeHealth(State::kClosed, false, 0.899), Health::kDegraded);
}

using GuardHealthTest = GuardTest;

// RATE_LIMITED is a failure for health too, although it ends no run.
TEST_F(GuardHealthTest, RateLimitedCallsLowerTheScore) {
  Call(Outcome::kSuccess, 8);
  Call(Outcome::kRateLimited, 2);
  EXPECT_DOUBLE_EQ(Look().score, 0.8);
  EXPECT_EQ(Look().health, Health::kDegraded);
}

// One look says all: the health follows the breaker around its circle.
TEST_F(GuardHealthTest, FollowsTheBreakerAround) {
  breaker().ramp_duration = absl::Seconds(10);
  EXPECT_EQ(Look().health, Health::kHealthy);
  Trip();
  EXPECT_EQ(Look().health, Health::kUnhealthy);
  Pass(breaker().open_duration);
  EXPECT_EQ(Look().health, Health::kDegraded);  // Half-open.
  Close();
  EXPECT_EQ(Look().health, Health::kDegraded);  // Ramping.
  Pass(breaker().ramp_duration);
  EXPECT_EQ(Look().health, Health::kHealthy);
}

// Who looks at very many sees what a snapshot of each would show, and does what was due.
TEST_F(GuardHealthTest, AConditionIsThePartOfASnapshotThatTellsHowItFeels) {
  const auto look = [this] {
    const Condition condition = guard_.TakeCondition(Ruling(), now_, source_, transitions_);
    const Snapshot snapshot = Look();
    EXPECT_EQ(condition.state, snapshot.state);
    EXPECT_EQ(condition.health, snapshot.health);
    EXPECT_EQ(condition.score, snapshot.score);
    return condition;
  };
  breaker().ramp_duration = absl::Seconds(10);
  EXPECT_EQ(look(), Condition{});
  Call(Outcome::kSuccess, 8);
  Call(Outcome::kRateLimited, 2);
  EXPECT_DOUBLE_EQ(look().score, 0.8);
  Trip();
  EXPECT_EQ(look().state, State::kOpen);
  now_ += breaker().open_duration;
  EXPECT_EQ(look().state, State::kHalfOpen);  // By itself: nobody else looked before.
  Close();
  EXPECT_EQ(look().health, Health::kDegraded);
}

}  // namespace
}  // namespace fusebox
