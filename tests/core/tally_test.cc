// Calls that their caller decided and summed up count as if each had been told of by itself.
#include "core/tally.h"

#include <random>
#include <vector>

#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;

class TallyTest : public GuardTest {
 protected:
  Verdict Count(const Tally& tally) {
    return guard_.Count(Ruling(), tally, now_, source_, transitions_);
  }
  Verdict Count(const OutcomeCounts& outcomes) { return Count(Tally{.outcomes = outcomes}); }
  // No rule trips it.
  void NeverTrip() {
    breaker().consecutive_failures = 0;
    breaker().failure_rate_threshold = Share();
  }
};

// What the caller decided is what was granted and refused.
TEST_F(TallyTest, CountsInWindowAndTotals) {
  breaker().consecutive_failures = 0;
  const std::vector<Tally::Refusals> refusals = {{Reason::kOpen, 3}, {Reason::kRamping, 1}};
  const OutcomeCounts outcomes{
      .successes = 14, .caller_errors = 1, .failures = 1, .timeouts = 1, .rate_limited = 1};
  const Verdict verdict = Count(
      Tally{.outcomes = outcomes, .timed = 10, .latency = absl::Seconds(2), .refusals = refusals});
  EXPECT_EQ(verdict.counted, Counted::kCounted);
  EXPECT_EQ(verdict.epoch, guard_.epoch());
  const Snapshot seen = Look();
  EXPECT_EQ(seen.window, (WindowCounts{.calls = 18, .failures = 3}));
  EXPECT_EQ(seen.totals.calls, 18u);
  EXPECT_EQ(seen.totals.successes, 15u);
  EXPECT_EQ(seen.totals.failures, 3u);
  EXPECT_EQ(seen.totals.refused, 4u);
  EXPECT_EQ(seen.totals.timed_calls, 10u);
  EXPECT_DOUBLE_EQ(seen.totals.latency_seconds, 2);
}

// A run of failures survives being summed up: it goes on from row to row,
TEST_F(TallyTest, ARunGoesOnThroughRowsWithoutASuccess) {
  breaker().consecutive_failures = 7;
  breaker().failure_rate_threshold = Share();
  Count({.successes = 9, .failures = 4, .trailing_failures = 2});
  Count({.failures = 3, .trailing_failures = 3});
  Count({.rate_limited = 5});
  EXPECT_EQ(Look().consecutive_failures, 5u);
  EXPECT_EQ(state(), State::kClosed);
  Count({.failures = 2, .trailing_failures = 2});
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_EQ(last().cause, Cause::kConsecutiveFailures);
}

// and begins anew with what came after the last success of one.
TEST_F(TallyTest, ASuccessEndsTheRunBeforeIt) {
  NeverTrip();
  Count({.failures = 6, .trailing_failures = 6});
  Count({.successes = 1, .failures = 4, .trailing_failures = 1});
  EXPECT_EQ(Look().consecutive_failures, 1u);
}

// 5 % of all is 5 % of all, however many report it: the rows are looked at as what they add up to.
TEST_F(TallyTest, TripsByTheFleetsRate) {
  breaker().consecutive_failures = 0;
  for (const char* client : {"a", "b", "c"}) {
    Count({.successes = 4, .failures = 2, .client = client});
    EXPECT_EQ(state(), State::kClosed);
  }
  Count({.failures = 6, .trailing_failures = 6, .client = "d"});
  EXPECT_EQ(last().cause, Cause::kFailureRate);
  EXPECT_EQ(last().window, (WindowCounts{.calls = 24, .failures = 12}));
  EXPECT_THAT(last().failing_clients, ElementsAre("d"));
}

// One client with a broken network is one client, however many of its calls fail.
TEST_F(TallyTest, ARowIsOneClientForTheQuorum) {
  breaker().min_failing_clients = 2;
  Count({.failures = 1'000, .trailing_failures = 1'000, .client = "lonely"});
  EXPECT_EQ(state(), State::kClosed);
  Count({.failures = 1, .trailing_failures = 1, .client = "other"});
  EXPECT_EQ(state(), State::kOpen);
}

// Slow calls count where the policy looks for them, and only there.
TEST_F(TallyTest, SlowCallsCountWhereThePolicyLooksForThem) {
  Count({.successes = 30, .slow = 30});
  EXPECT_EQ(Look().window.slow, 0u);
  breaker().slow_call_rate_threshold = Share::FromFraction(0.5);
  breaker().slow_call_duration_threshold = absl::Seconds(1);
  Count({.successes = 30, .slow = 30});
  EXPECT_EQ(last().cause, Cause::kSlowCallRate);
}

// The dependency told one of them how long to stay away.
TEST_F(TallyTest, ARetryAfterOpensItForThatLong) {
  breaker().honor_retry_after = true;
  Count({.successes = 5, .rate_limited = 1, .retry_after = absl::Seconds(7)});
  EXPECT_EQ(last().cause, Cause::kRetryAfter);
  EXPECT_EQ(last().open_for, absl::Seconds(7));
}

// What was decided by a state that is over has no vote.
TEST_F(TallyTest, OfAnotherEpochItIsLate) {
  const uint64_t before = guard_.epoch();
  HalfOpen();
  Close();
  EXPECT_EQ(Count(Tally{.outcomes = {.failures = 100}, .epoch = before}).counted, Counted::kLate);
  EXPECT_EQ(state(), State::kClosed);
  EXPECT_EQ(Look().totals.late, 100u);
  EXPECT_EQ(Count(Tally{.outcomes = {.successes = 1}, .epoch = guard_.epoch()}).counted,
            Counted::kCounted);
}

// Only calls with a permit vote on whether it has recovered.
TEST_F(TallyTest, CountsOnlyWhileClosed) {
  HalfOpen();
  EXPECT_EQ(Count(Tally{.outcomes = {.successes = 100}, .epoch = guard_.epoch()}).counted,
            Counted::kNotCounted);
  EXPECT_EQ(state(), State::kHalfOpen);
  EXPECT_EQ(Count(Tally{.outcomes = {.failures = 100}, .epoch = guard_.epoch()}).counted,
            Counted::kNotCounted);
  EXPECT_EQ(state(), State::kHalfOpen);
}

// Refusals alone are no news for the window.
TEST_F(TallyTest, RefusalsAloneCountInTheTotals) {
  const std::vector<Tally::Refusals> refusals = {{Reason::kOpen, 8}};
  EXPECT_EQ(Count(Tally{.refusals = refusals}).counted, Counted::kNotCounted);
  EXPECT_EQ(Look().totals.refused, 8u);
  EXPECT_EQ(Look().window.calls, 0u);
}

// A retry that succeeds pays for no other, so that retries do not feed on themselves.
TEST_F(TallyTest, OnlyFirstAttemptsEarnRetries) {
  budget() = {Share::FromFraction(0.5), 0, absl::Seconds(10)};
  const std::vector<Tally::Retries> retries = {{Outcome::kTimeout, 2, 3, 0},
                                               {Outcome::kFailure, 3, 1, 1}};
  EXPECT_EQ(
      Count(Tally{.outcomes = {.successes = 10, .failures = 1}, .retries = retries}).earned_calls,
      6u);
  EXPECT_EQ(Look().budget_balance, 3'000);
}

// The fleet learns of retries that are only summed up: these never helped, where first attempts
// did.
TEST_F(TallyTest, TeachesWhatRetriesAreWorth) {
  NeverTrip();
  const std::vector<Tally::Retries> retries = {{Outcome::kFailure, 2, 0, 20}};
  for (int i = 0; i < 10; ++i) {
    Count(Tally{.outcomes = {.successes = 200, .failures = 20}, .retries = retries});
  }
  for (const Experience::Estimate& estimate : Look().retry_estimates) {
    if (estimate.previous != Outcome::kFailure || estimate.attempt != 2) continue;
    EXPECT_LT(estimate.probability, 0.1);
  }
}

// Some latencies stand for all.
TEST_F(TallyTest, TeachesWhenToHedge) {
  policy_.hedge = {.percentile = Share::FromFraction(0.9), .min_samples = 100};
  EXPECT_EQ(Look().hedge_delay, std::nullopt);
  const std::vector<absl::Duration> some(5, absl::Milliseconds(40));
  Count(Tally{.outcomes = {.successes = 500}, .latency_samples = some});
  ASSERT_TRUE(Look().hedge_delay.has_value());
  EXPECT_NEAR(absl::ToDoubleMilliseconds(*Look().hedge_delay), 40, 2);
}

// However calls are divided into rows, they add up to the same.
TEST_F(TallyTest, CountsAsItsCallsWould) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937 random(seed);
  NeverTrip();
  Guard single(source_.NextEpoch(), now_);
  for (int row = 0; row < 300; ++row) {
    OutcomeCounts tally{.client = "a"};
    const auto calls = random() % 8;
    for (uint32_t i = 0; i < calls; ++i) {
      constexpr Outcome kOutcomes[] = {Outcome::kSuccess, Outcome::kCallerError, Outcome::kFailure,
                                       Outcome::kTimeout, Outcome::kRateLimited};
      const size_t kind = random() % 5;
      const Outcome outcome = kOutcomes[kind];
      single.Record(Ruling(), {.result = Result::Of(outcome), .client = "a"}, now_, source_,
                    transitions_);
      uint32_t* const counts[] = {&tally.successes, &tally.caller_errors, &tally.failures,
                                  &tally.timeouts, &tally.rate_limited};
      ++*counts[kind];
      if (IsSuccess(outcome)) tally.trailing_failures = 0;
      if (outcome == Outcome::kFailure || outcome == Outcome::kTimeout) ++tally.trailing_failures;
    }
    Count(tally);
    const Snapshot expected = single.TakeSnapshot(Ruling(), now_, source_, transitions_);
    const Snapshot seen = Look();
    ASSERT_EQ(seen.window, expected.window);
    ASSERT_EQ(seen.consecutive_failures, expected.consecutive_failures);
    ASSERT_EQ(seen.totals.successes, expected.totals.successes);
    ASSERT_EQ(seen.totals.failures, expected.totals.failures);
    ASSERT_EQ(seen.budget_balance, expected.budget_balance);
    Pass(absl::Milliseconds(random() % 500));
  }
}

}  // namespace
}  // namespace fusebox
