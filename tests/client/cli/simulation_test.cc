// The results are worked out by hand, under policies in which one rule is at work.
#include "client/cli/simulation.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/convert/enum_name.h"

namespace fusebox::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SimulationTest : public testing::Test {
 protected:
  SimulationTest() {
    policy_.circuit_breaker.consecutive_failures = 3;
    policy_.circuit_breaker.failure_rate_threshold = Share();
    policy_.circuit_breaker.open_duration = absl::Seconds(10);
    policy_.circuit_breaker.max_probes = 1;
    policy_.circuit_breaker.success_threshold = 1;
  }

  // A call of the trace; times in seconds.
  TracedCall& Call(double time, Outcome outcome, double latency = 0) {
    calls_.push_back({.time = Tick() + absl::Seconds(time),
                      .client = "a",
                      .result = Result::Of(outcome),
                      .latency = absl::Seconds(latency)});
    return calls_.back();
  }

  SimulationResult Run() const {
    Simulation simulation(std::make_shared<const RulingPolicy>(policy_), shared_budget_);
    for (const TracedCall& call : calls_) simulation.Take(call);
    return simulation.Finish();
  }

  // "3s CLOSED->OPEN CONSECUTIVE_FAILURES" for each transition.
  static std::vector<std::string> Changes(const SimulationResult& result) {
    std::vector<std::string> changes;
    for (const Transition& one : result.transitions) {
      changes.push_back(absl::StrCat(absl::FormatDuration(one.time - Tick()), " ",
                                     EnumName(one.from), "->", EnumName(one.to), " ",
                                     EnumName(one.cause)));
    }
    return changes;
  }

  static uint64_t RefusedFor(const SimulationResult& result, Reason reason) {
    const auto found = result.refused_for.find(reason);
    return found == result.refused_for.end() ? 0 : found->second.calls;
  }

  Policy policy_;
  std::optional<RetryBudgetPolicy> shared_budget_;
  std::vector<TracedCall> calls_;
};

TEST_F(SimulationTest, CountsWhatAPolicyWouldHaveSparedAndCost) {
  Call(0, Outcome::kSuccess, 1);
  for (const double time : {1, 2, 3}) Call(time, Outcome::kFailure);  // Opens it for 10 s.
  Call(4, Outcome::kFailure);
  Call(5, Outcome::kSuccess);
  Call(6, Outcome::kIgnored);
  Call(13, Outcome::kFailure, 1);  // A probe, which opens it again at 14,
  Call(13.5, Outcome::kSuccess);   // and while it is out there is no other.
  Call(20, Outcome::kCallerError);
  Call(25, Outcome::kSuccess, 0.5);  // A probe.
  Call(26, Outcome::kSuccess, 1);
  const SimulationResult result = Run();
  EXPECT_THAT(Changes(result),
              ElementsAre("3s CLOSED->OPEN CONSECUTIVE_FAILURES", "13s OPEN->HALF_OPEN WAIT_OVER",
                          "14s HALF_OPEN->OPEN PROBE_FAILED", "24s OPEN->HALF_OPEN WAIT_OVER",
                          "25.5s HALF_OPEN->CLOSED PROBES_SUCCEEDED"));
  EXPECT_EQ(result.traced.calls, 12u);
  EXPECT_EQ(result.traced.failures, 5u);
  EXPECT_EQ(result.traced.successes, 6u);
  EXPECT_EQ(result.refused.calls, 5u);
  EXPECT_EQ(result.refused.failures, 1u);
  EXPECT_EQ(result.refused.successes, 3u);
  EXPECT_EQ(RefusedFor(result, Reason::kOpen), 4u);
  EXPECT_EQ(RefusedFor(result, Reason::kProbesBusy), 1u);
  EXPECT_EQ(result.opened, 2u);
  EXPECT_EQ(result.late, 0u);
  EXPECT_EQ(result.length, absl::Seconds(27));
  EXPECT_EQ(result.open, absl::Seconds(20));
  EXPECT_EQ(result.half_open, absl::Seconds(2.5));
  EXPECT_EQ(result.state, State::kClosed);
}

// They were allowed before it opened, and say nothing about now.
TEST_F(SimulationTest, OutcomesInFlightWhenItOpensAreLate) {
  Call(0, Outcome::kSuccess, 5);
  Call(0.5, Outcome::kFailure, 3);
  for (const double time : {1.0, 1.5, 2.0}) Call(time, Outcome::kFailure);
  const SimulationResult result = Run();
  EXPECT_THAT(Changes(result), ElementsAre("2s CLOSED->OPEN CONSECUTIVE_FAILURES"));
  EXPECT_EQ(result.late, 2u);
  EXPECT_EQ(result.length, absl::Seconds(5));
  EXPECT_EQ(result.open, absl::Seconds(3));
  EXPECT_EQ(result.state, State::kOpen);
}

// A call that takes long fails long after calls that began later.
TEST_F(SimulationTest, CallsEndInTheOrderOfTheirEnds) {
  policy_.circuit_breaker.consecutive_failures = 2;
  Call(0, Outcome::kFailure, 4);
  Call(1, Outcome::kFailure, 1);
  Call(2.5, Outcome::kSuccess, 0.5);  // Between them, so that there are no two in a row.
  Call(6, Outcome::kSuccess);
  EXPECT_THAT(Changes(Run()), IsEmpty());
}

TEST_F(SimulationTest, ProbesThatTakeTooLongExpireAtTheirTime) {
  policy_.circuit_breaker.probe_timeout = absl::Seconds(1);
  for (const double time : {1, 2, 3}) Call(time, Outcome::kFailure);
  Call(14, Outcome::kSuccess, 5);
  const SimulationResult result = Run();
  EXPECT_THAT(Changes(result),
              ElementsAre("3s CLOSED->OPEN CONSECUTIVE_FAILURES", "13s OPEN->HALF_OPEN WAIT_OVER",
                          "15s HALF_OPEN->OPEN PROBES_EXPIRED"));
  EXPECT_EQ(result.late, 1u);
}

TEST_F(SimulationTest, NothingIsInventedBehindTheEnd) {
  for (const double time : {1, 2, 3}) Call(time, Outcome::kFailure);
  const SimulationResult result = Run();
  EXPECT_EQ(result.transition_count, 1u);
  EXPECT_EQ(result.open, absl::ZeroDuration());
  EXPECT_EQ(result.length, absl::Seconds(2));
}

TEST_F(SimulationTest, ARateLimitRefuses) {
  policy_.rate_limit = {.rate = 1, .per = absl::Seconds(1), .burst = 1};
  Call(0, Outcome::kSuccess);
  Call(0.5, Outcome::kSuccess);
  Call(1, Outcome::kSuccess);
  const SimulationResult result = Run();
  EXPECT_EQ(result.refused.successes, 1u);
  EXPECT_EQ(RefusedFor(result, Reason::kRateLimit), 1u);
}

TEST_F(SimulationTest, ABulkheadHoldsACallUntilItsEnd) {
  policy_.bulkhead.max_concurrent = 1;
  Call(0, Outcome::kSuccess, 1);
  Call(0.5, Outcome::kFailure, 1);
  Call(1, Outcome::kSuccess, 1);
  const SimulationResult result = Run();
  EXPECT_EQ(result.refused.failures, 1u);
  EXPECT_EQ(RefusedFor(result, Reason::kBulkhead), 1u);
}

TEST_F(SimulationTest, RetriesSpendTheBudget) {
  policy_.retry_budget = {.retry_ratio = Share(), .min_retries_per_second = 1};
  for (int i = 0; i < 12; ++i) Call(0, Outcome::kFailure).attempt = 2;
  policy_.circuit_breaker.consecutive_failures = 0;
  EXPECT_EQ(RefusedFor(Run(), Reason::kRetryBudget), 2u);
}

TEST_F(SimulationTest, ASharedBudgetIsSpentAndEarned) {
  policy_.shared_retry_budget = "checkout";
  shared_budget_ = {.retry_ratio = Share::FromMillionths(Share::kOne), .min_retries_per_second = 0};
  Call(0, Outcome::kFailure).attempt = 2;  // There is nothing yet.
  Call(1, Outcome::kSuccess);
  Call(2, Outcome::kFailure).attempt = 2;
  Call(3, Outcome::kFailure).attempt = 2;
  EXPECT_EQ(RefusedFor(Run(), Reason::kRetryBudget), 2u);
}

// A refused probe that holds on to its slot would keep the breaker half-open.
TEST_F(SimulationTest, AProbeThatASharedBudgetRefusesIsGivenBack) {
  policy_.shared_retry_budget = "checkout";
  shared_budget_ = {.retry_ratio = Share(), .min_retries_per_second = 0};
  for (const double time : {1, 2, 3}) Call(time, Outcome::kFailure);
  Call(14, Outcome::kSuccess).attempt = 2;
  Call(15, Outcome::kSuccess);
  EXPECT_EQ(Run().state, State::kClosed);
}

TEST_F(SimulationTest, ThePolicyClassifiesCodes) {
  policy_.classification.http[404] = Outcome::kFailure;
  for (const double time : {1, 2, 3, 4}) Call(time, {}).result = Result::Http(404);
  const SimulationResult result = Run();
  EXPECT_EQ(result.opened, 1u);
  EXPECT_EQ(result.refused.failures, 1u);
}

TEST_F(SimulationTest, ARetryAfterIsHonoured) {
  policy_.circuit_breaker.honor_retry_after = true;
  Call(0, Outcome::kRateLimited).retry_after = absl::Seconds(2);
  Call(1, Outcome::kSuccess);
  Call(2, Outcome::kSuccess);
  EXPECT_THAT(Changes(Run()),
              ElementsAre("0 CLOSED->OPEN RETRY_AFTER", "2s OPEN->HALF_OPEN WAIT_OVER",
                          "2s HALF_OPEN->CLOSED PROBES_SUCCEEDED"));
}

TEST_F(SimulationTest, SlowCallsAreSlowAndThoseWithoutLatencyNever) {
  policy_.circuit_breaker.slow_call_rate_threshold = Share::FromMillionths(500'000);
  policy_.circuit_breaker.slow_call_duration_threshold = absl::Seconds(1);
  policy_.circuit_breaker.minimum_calls = 2;
  Call(0, Outcome::kSuccess).latency.reset();
  Call(1, Outcome::kSuccess, 1);
  EXPECT_THAT(Changes(Run()), ElementsAre("2s CLOSED->OPEN SLOW_CALL_RATE"));
}

// A quorum is of clients, whose names the trace has.
TEST_F(SimulationTest, AQuorumNeedsSeveralClients) {
  policy_.circuit_breaker.min_failing_clients = 2;
  for (const double time : {1, 2, 3, 4}) Call(time, Outcome::kFailure);
  EXPECT_THAT(Changes(Run()), IsEmpty());
  Call(5, Outcome::kFailure).client = "b";
  const SimulationResult result = Run();
  ASSERT_EQ(result.opened, 1u);
  EXPECT_THAT(result.transitions[0].failing_clients, testing::UnorderedElementsAre("a", "b"));
}

TEST_F(SimulationTest, TimesMayBeThoseSince1970) {
  constexpr double kStart = 1'795'254'426;
  for (const double time : {1, 2, 3, 4}) Call(kStart + time, Outcome::kFailure);
  const SimulationResult result = Run();
  EXPECT_EQ(result.transitions[0].time - Tick(), absl::Seconds(kStart + 3));
  EXPECT_EQ(result.length, absl::Seconds(3));
}

TEST_F(SimulationTest, ChanceIsTheSameEachTime) {
  policy_.circuit_breaker.jitter = Share::FromMillionths(500'000);
  for (int i = 0; i < 2'000; ++i) Call(i, i % 2 == 0 ? Outcome::kFailure : Outcome::kRateLimited);
  const SimulationResult first = Run();
  ASSERT_GT(first.opened, 50u);
  EXPECT_NE(first.transitions[0].open_for, first.transitions[2].open_for);
  EXPECT_EQ(Changes(Run()), Changes(first));
}

TEST_F(SimulationTest, TellsTheFirstTransitionsAndCountsTheRest) {
  policy_.circuit_breaker.consecutive_failures = 1;
  policy_.circuit_breaker.open_duration = absl::Milliseconds(1);
  for (int i = 0; i < 1'000; ++i) Call(i, Outcome::kFailure);
  const SimulationResult result = Run();
  EXPECT_EQ(result.opened, 1'000u);
  EXPECT_EQ(result.transition_count, 1'999u);
  EXPECT_EQ(result.transitions.size(), kMaxToldTransitions);
}

TEST_F(SimulationTest, ATraceWithoutCallsIsNothing) {
  const SimulationResult result = Run();
  EXPECT_EQ(result.traced.calls, 0u);
  EXPECT_EQ(result.length, absl::ZeroDuration());
}

}  // namespace
}  // namespace fusebox::cli
