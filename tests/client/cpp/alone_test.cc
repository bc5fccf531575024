#include "client/cpp/local/alone.h"

#include "gtest/gtest.h"

namespace fusebox::internal {
namespace {

Policy Fleet() {
  Policy policy;
  policy.circuit_breaker.minimum_calls = 1'000;
  policy.circuit_breaker.min_failing_clients = 3;
  policy.rate_limit = {.rate = 100, .per = absl::Seconds(1), .burst = 50};
  policy.bulkhead.max_concurrent = 40;
  policy.retry_budget.min_retries_per_second = 10;
  return policy;
}

TEST(AloneTest, WhatCountsCallsIsMultipliedByTheShare) {
  const Policy alone = Alone(Fleet(), 0.1);
  EXPECT_EQ(alone.circuit_breaker.minimum_calls, 100u);
  EXPECT_EQ(alone.rate_limit.rate, 10u);
  EXPECT_EQ(alone.rate_limit.burst, 5u);
  EXPECT_EQ(alone.rate_limit.per, absl::Seconds(1));
  EXPECT_EQ(alone.bulkhead.max_concurrent, 4u);
  EXPECT_EQ(alone.retry_budget.min_retries_per_second, 1u);
}

TEST(AloneTest, SharesOfCallsAndRunsOfFailuresStay) {
  const Policy alone = Alone(Fleet(), 0.1);
  EXPECT_EQ(alone.circuit_breaker.failure_rate_threshold,
            Fleet().circuit_breaker.failure_rate_threshold);
  EXPECT_EQ(alone.circuit_breaker.consecutive_failures,
            Fleet().circuit_breaker.consecutive_failures);
  EXPECT_EQ(alone.retry_budget.retry_ratio, Fleet().retry_budget.retry_ratio);
}

TEST(AloneTest, ThereIsOnlyOneClientToAsk) {
  EXPECT_EQ(Alone(Fleet(), 1).circuit_breaker.min_failing_clients, 1u);
}

TEST(AloneTest, FiveCallsAreTheLeastToJudgeBy) {
  EXPECT_EQ(Alone(Fleet(), 0.001).circuit_breaker.minimum_calls, 5u);
  Policy eager = Fleet();
  eager.circuit_breaker.minimum_calls = 3;
  EXPECT_EQ(Alone(eager, 0.001).circuit_breaker.minimum_calls, 3u);
}

TEST(AloneTest, ARateBelowOneCallIsOneCallInALongerTime) {
  const Policy alone = Alone(Fleet(), 0.001);
  EXPECT_EQ(alone.rate_limit.rate, 1u);
  EXPECT_EQ(alone.rate_limit.per, absl::Seconds(10));
  EXPECT_EQ(alone.rate_limit.burst, 1u);
}

TEST(AloneTest, NothingIsSwitchedOffNorOn) {
  const Policy alone = Alone(Fleet(), 1e-9);
  EXPECT_EQ(alone.bulkhead.max_concurrent, 1u);
  EXPECT_TRUE(alone.rate_limit.on());
  EXPECT_LE(alone.rate_limit.per, absl::Hours(1));
  const Policy plain = Alone(Policy(), 0.5);
  EXPECT_FALSE(plain.rate_limit.on());
  EXPECT_FALSE(plain.bulkhead.on());
}

TEST(AloneTest, IsAValidPolicy) {
  for (const double share : {1.0, 0.3, 0.001, 1e-9}) {
    EXPECT_TRUE(Validate(Alone(Fleet(), share)).empty());
  }
}

}  // namespace
}  // namespace fusebox::internal
