#include "core/retry_advice.h"

#include <gtest/gtest.h>

namespace fusebox {
namespace {

// Draws of which nobody explores: u is 0 and all but 1, so the backoff is whole or (under full
// jitter) nearly nothing.
constexpr uint64_t kWhole = 0xffffffff'00000000;
constexpr uint64_t kNearlyNothing = 0xffffffff'ffffffff;
constexpr uint64_t kExplores = 0;

// Neither likely nor unlikely, so that nothing is multiplied.
constexpr double kEven = 0.4;

absl::Duration Ms(int64_t ms) { return absl::Milliseconds(ms); }

class RetryAdviceTest : public ::testing::Test {
 protected:
  RetryAdvice Ask() const { return Advise(policy_, inputs_); }
  RetryReason Why() const { return Ask().reason; }
  absl::Duration BackoffAfter(uint32_t attempt) {
    inputs_.attempt = attempt;
    return Ask().backoff;
  }

  RetryPolicy policy_ = {.max_attempts = 100};
  RetryInputs inputs_ = {.success_probability = kEven, .random_bits = kWhole};
};

// The whole backoff, before jitter: 100 ms, 200 ms, 400 ms, and so on up to 10 s.
TEST_F(RetryAdviceTest, BackoffGrowsUpToItsMaximum) {
  EXPECT_EQ(BackoffAfter(1), Ms(100));
  EXPECT_EQ(BackoffAfter(2), Ms(200));
  EXPECT_EQ(BackoffAfter(3), Ms(400));
  EXPECT_EQ(BackoffAfter(7), Ms(6'400));
  EXPECT_EQ(BackoffAfter(8), Ms(10'000));
  EXPECT_EQ(BackoffAfter(99), Ms(10'000));
}

// 10 ^ 98 hours are still ten seconds.
TEST_F(RetryAdviceTest, BackoffDoesNotOverflow) {
  policy_.backoff_multiplier = Share::FromFraction(10);
  policy_.rate_limit_multiplier = policy_.unlikely_multiplier = Share::FromFraction(100);
  policy_.base_backoff = policy_.max_backoff = absl::Hours(1);
  inputs_.outcome = Outcome::kRateLimited;
  inputs_.success_probability = 0.15;
  EXPECT_EQ(BackoffAfter(99), absl::Hours(1));
}

// An attempt without a number is the first.
TEST_F(RetryAdviceTest, AttemptZeroIsTheFirst) {
  policy_.base_timeout = Ms(100);
  const RetryAdvice first = Ask();
  inputs_.attempt = 0;
  EXPECT_EQ(Ask(), first);
}

// Full jitter draws from all of it, equal jitter from its second half, none from nothing.
TEST_F(RetryAdviceTest, JitterIsThePartOfTheBackoffThatIsRandom) {
  inputs_.random_bits = kNearlyNothing;
  EXPECT_LT(Ask().backoff, absl::Microseconds(1));
  policy_.jitter = Share::FromFraction(0.5);
  EXPECT_GT(Ask().backoff, Ms(50));
  EXPECT_LT(Ask().backoff, Ms(50) + absl::Microseconds(1));
  policy_.jitter = Share::FromFraction(0.2);
  inputs_.random_bits = kWhole | 0x80000000;
  EXPECT_EQ(Ask().backoff, Ms(90));
  policy_.jitter = Share();
  EXPECT_EQ(Ask().backoff, Ms(100));
}

// A timeout says that the dependency is slow; a rate limit, that there are too many of us.
TEST_F(RetryAdviceTest, TimeoutsAndRateLimitsWaitLonger) {
  inputs_.outcome = Outcome::kTimeout;
  EXPECT_EQ(Ask().backoff, Ms(200));
  inputs_.outcome = Outcome::kRateLimited;
  EXPECT_EQ(Ask().backoff, Ms(500));
}

// What never reached the dependency did not cost it anything.
TEST_F(RetryAdviceTest, UnsentCallsWaitHalf) {
  inputs_.unsent = true;
  EXPECT_EQ(Ask().backoff, Ms(50));
  inputs_.outcome = Outcome::kTimeout;  // Of the connect.
  EXPECT_EQ(Ask().backoff, Ms(50));
}

// Above a half the wait is halved, below a fifth it is tripled; at either nothing happens.
TEST_F(RetryAdviceTest, ThePredictionShortensOrLengthensTheWait) {
  const auto backoff_at = [this](double probability) {
    inputs_.success_probability = probability;
    return Ask().backoff;
  };
  EXPECT_EQ(backoff_at(0.51), Ms(50));
  EXPECT_EQ(backoff_at(0.5), Ms(100));
  EXPECT_EQ(backoff_at(0.2), Ms(100));
  EXPECT_EQ(backoff_at(0.19), Ms(300));
}

// The multipliers apply to a wait that has stopped growing, or they would do nothing to it.
TEST_F(RetryAdviceTest, MultipliersApplyToTheMaximumToo) {
  inputs_.success_probability = 0.9;
  EXPECT_EQ(BackoffAfter(50), Ms(5'000));
}

// Only failures are worth it: the caller's own errors come back, and successes need none.
TEST_F(RetryAdviceTest, OnlyFailuresAreRetried) {
  for (const Outcome outcome : {Outcome::kSuccess, Outcome::kCallerError, Outcome::kIgnored}) {
    inputs_.outcome = outcome;
    EXPECT_EQ(Ask(), RetryAdvice{}) << static_cast<int>(outcome);
    EXPECT_EQ(Why(), RetryReason::kNotRetryable);
  }
  for (const Outcome outcome : {Outcome::kFailure, Outcome::kTimeout, Outcome::kRateLimited}) {
    inputs_.outcome = outcome;
    EXPECT_TRUE(Ask().permitted) << static_cast<int>(outcome);
    EXPECT_EQ(Why(), RetryReason::kOk);
  }
}

// Three attempts are two retries.
TEST_F(RetryAdviceTest, TheLastAttemptIsTheLast) {
  policy_ = RetryPolicy();
  inputs_.attempt = 2;
  EXPECT_EQ(Why(), RetryReason::kOk);
  inputs_.attempt = 3;
  EXPECT_EQ(Ask(), (RetryAdvice{.reason = RetryReason::kAttemptsExhausted}));
  inputs_.attempt = 4'000'000'000;
  EXPECT_EQ(Why(), RetryReason::kAttemptsExhausted);
}

// A way to switch retries off.
TEST_F(RetryAdviceTest, OneAttemptIsNoRetry) {
  policy_.max_attempts = 1;
  EXPECT_EQ(Why(), RetryReason::kAttemptsExhausted);
}

// The whole fleet was told the same time: who comes back in that very moment comes with all others.
TEST_F(RetryAdviceTest, WaitsAsLongAsItWasAskedToAndThenItsBackoff) {
  inputs_.retry_after = absl::Seconds(2);
  EXPECT_EQ(Ask().backoff, Ms(2'100));
  inputs_.open_for = absl::Seconds(3);
  EXPECT_EQ(Ask().backoff, Ms(3'100));
  inputs_.open_for = absl::Seconds(10);
  EXPECT_EQ(Ask().backoff, Ms(10'000));
  EXPECT_TRUE(Ask().permitted);
}

// An hour is no backoff: the caller gives up, and learns when it could come back.
TEST_F(RetryAdviceTest, WhoeverAsksForTooLongIsNotRetried) {
  inputs_.retry_after = absl::Hours(1);
  EXPECT_EQ(Ask(), (RetryAdvice{false, RetryReason::kRetryAfter, absl::Hours(1)}));
  inputs_.open_for = absl::Seconds(30);
  EXPECT_EQ(Ask(), (RetryAdvice{false, RetryReason::kOpen, absl::Hours(1)}));
  inputs_.retry_after = absl::ZeroDuration();
  EXPECT_EQ(Ask(), (RetryAdvice{false, RetryReason::kOpen, absl::Seconds(30)}));
}

// A Retry-After in the past asks for nothing.
TEST_F(RetryAdviceTest, ANegativeRetryAfterAsksForNothing) {
  inputs_.retry_after = absl::Seconds(-5);
  EXPECT_EQ(Ask().backoff, Ms(100));
}

// Allow() would refuse it anyway.
TEST_F(RetryAdviceTest, AnEmptyBudgetAllowsNoRetry) {
  inputs_.budget_has_retry = false;
  EXPECT_EQ(Ask(), (RetryAdvice{.reason = RetryReason::kBudgetEmpty}));
}

// At eighty in a hundred, retries are most of the load and help nobody.
TEST_F(RetryAdviceTest, StopsWhereTheLastMinuteMostlyFailed) {
  inputs_.last_minute = {.calls = 100, .failures = 79};
  EXPECT_EQ(Why(), RetryReason::kOk);
  inputs_.last_minute.failures = 80;
  EXPECT_EQ(Ask(), (RetryAdvice{.reason = RetryReason::kFailing}));
  policy_.failure_rate_limit = Share();
  EXPECT_EQ(Why(), RetryReason::kOk);
}

// One call of one that failed is no failure rate.
TEST_F(RetryAdviceTest, AFewCallsAreNoFailureRate) {
  inputs_.last_minute = {.calls = 19, .failures = 19};
  EXPECT_EQ(Why(), RetryReason::kOk);
  inputs_.last_minute = {.calls = 20, .failures = 20};
  EXPECT_EQ(Why(), RetryReason::kFailing);
}

// Below the minimum the advice is to stop.
TEST_F(RetryAdviceTest, StopsWhatIsUnlikely) {
  inputs_.success_probability = 0.0999;
  EXPECT_EQ(Ask(), (RetryAdvice{.reason = RetryReason::kUnlikely}));
  inputs_.success_probability = 0.1;
  EXPECT_EQ(Why(), RetryReason::kOk);
}

// One in twenty goes through all the same, and waits as the unlikely do.
TEST_F(RetryAdviceTest, AShareOfTheUnlikelyExplores) {
  inputs_.success_probability = 0.01;
  inputs_.random_bits = kExplores;
  EXPECT_EQ(Ask(), (RetryAdvice{true, RetryReason::kExploring, Ms(300)}));
  int exploring = 0;
  for (uint64_t i = 0; i < 1'000; ++i) {
    inputs_.random_bits = (i * 4'294'967 + 2'000'000) << 32;  // Evenly over the high half.
    exploring += Ask().permitted ? 1 : 0;
  }
  EXPECT_EQ(exploring, 50);
}

// Shares of nothing and of all are meant.
TEST_F(RetryAdviceTest, NobodyOrEverybodyMayExplore) {
  inputs_.success_probability = 0.01;
  policy_.explore_share = Share();
  inputs_.random_bits = kExplores;
  EXPECT_EQ(Why(), RetryReason::kUnlikely);
  policy_.explore_share = Share::FromFraction(1);
  inputs_.random_bits = kNearlyNothing;
  EXPECT_EQ(Why(), RetryReason::kExploring);
}

// Exploring is for the estimate; what else says no, says no.
TEST_F(RetryAdviceTest, ExploringOverrulesOnlyTheEstimate) {
  inputs_.success_probability = 0.01;
  inputs_.random_bits = kExplores;
  inputs_.last_minute = {.calls = 100, .failures = 100};
  EXPECT_EQ(Why(), RetryReason::kFailing);
  inputs_.budget_has_retry = false;
  EXPECT_EQ(Why(), RetryReason::kBudgetEmpty);
}

// Whoever switched predictions off sees none of their effects.
TEST_F(RetryAdviceTest, WithoutAMinimumNothingIsPredicted) {
  policy_.min_success_probability = Share();
  for (const double probability : {0.0, 0.01, 0.15, 0.9}) {
    inputs_.success_probability = probability;
    EXPECT_EQ(Ask(), (RetryAdvice{true, RetryReason::kOk, Ms(100)})) << probability;
  }
}

// What was too short once is given longer, and never longer than the maximum.
TEST_F(RetryAdviceTest, TheNextTimeoutGrows) {
  EXPECT_EQ(Ask().next_timeout, absl::ZeroDuration());
  policy_.base_timeout = Ms(400);
  policy_.max_timeout = Ms(1'000);
  EXPECT_EQ(Ask().next_timeout, Ms(600));
  inputs_.attempt = 2;
  EXPECT_EQ(Ask().next_timeout, Ms(900));
  inputs_.attempt = 3;
  EXPECT_EQ(Ask().next_timeout, Ms(1'000));
  inputs_.budget_has_retry = false;
  EXPECT_EQ(Ask().next_timeout, absl::ZeroDuration());
}

// The first that says no is named: what the caller cannot change goes first.
TEST_F(RetryAdviceTest, ReasonsComeInTheirOrder) {
  inputs_ = {.outcome = Outcome::kSuccess,
             .attempt = 100,
             .retry_after = absl::Hours(1),
             .open_for = absl::Hours(1),
             .budget_has_retry = false,
             .last_minute = {.calls = 100, .failures = 100},
             .success_probability = 0.01,
             .random_bits = kWhole};
  EXPECT_EQ(Why(), RetryReason::kNotRetryable);
  inputs_.outcome = Outcome::kFailure;
  EXPECT_EQ(Why(), RetryReason::kAttemptsExhausted);
  inputs_.attempt = 1;
  EXPECT_EQ(Why(), RetryReason::kOpen);
  inputs_.open_for = absl::ZeroDuration();
  EXPECT_EQ(Why(), RetryReason::kRetryAfter);
  inputs_.retry_after = absl::ZeroDuration();
  EXPECT_EQ(Why(), RetryReason::kBudgetEmpty);
  inputs_.budget_has_retry = true;
  EXPECT_EQ(Why(), RetryReason::kFailing);
  inputs_.last_minute = {};
  EXPECT_EQ(Why(), RetryReason::kUnlikely);
  inputs_.success_probability = kEven;
  EXPECT_EQ(Why(), RetryReason::kOk);
}

}  // namespace
}  // namespace fusebox
