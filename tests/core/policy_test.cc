#include "core/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>

namespace fusebox {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

using Change = std::function<void(Policy&)>;

std::vector<FieldError> ErrorsOf(const Change& change) {
  Policy policy;
  change(policy);
  return Validate(policy);
}

// One field with its range: the ends are taken, what is beyond them is named.
struct Case {
  std::string field;
  std::string value;   // As the message shows it.
  std::string remedy;  // In the message: the range.
  Change bad;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.field << " is " << c.value; }

class PolicyRangeTest : public ::testing::TestWithParam<Case> {};

// A number out of range is named with its value and its range, and nothing else is.
TEST_P(PolicyRangeTest, NamesTheFieldTheValueAndTheRange) {
  EXPECT_THAT(
      ErrorsOf(GetParam().bad),
      ElementsAre(AllOf(Field(&FieldError::field, GetParam().field),
                        Field(&FieldError::message,
                              AllOf(HasSubstr(GetParam().field + " is " + GetParam().value + ";"),
                                    HasSubstr(GetParam().remedy))))));
}

// Sets a number of the circuit breaker.
template <typename T>
Change Breaker(T CircuitBreakerPolicy::*field, T value) {
  return [=](Policy& policy) { policy.circuit_breaker.*field = value; };
}
Change Breaker(Share CircuitBreakerPolicy::*field, double value) {
  return Breaker(field, Share::FromFraction(value));
}
Change Slow(absl::Duration threshold) {
  return [=](Policy& policy) {
    policy.circuit_breaker.slow_call_rate_threshold = Share::FromFraction(0.5);
    policy.circuit_breaker.slow_call_duration_threshold = threshold;
  };
}
template <typename T>
Change Budget(T RetryBudgetPolicy::*field, T value) {
  return [=](Policy& policy) { policy.retry_budget.*field = value; };
}
Change Ratio(double value) {
  return Budget(&RetryBudgetPolicy::retry_ratio, Share::FromFraction(value));
}

template <typename T>
Change Retry(T RetryPolicy::*field, T value) {
  return [=](Policy& policy) { policy.retry.*field = value; };
}
Change Retry(Share RetryPolicy::*field, double value) {
  return Retry(field, Share::FromFraction(value));
}
// Timeouts are looked at only where they are offered.
Change Timeouts(absl::Duration base, double growth, absl::Duration max) {
  return [=](Policy& policy) {
    policy.retry.base_timeout = base;
    policy.retry.timeout_growth = Share::FromFraction(growth);
    policy.retry.max_timeout = max;
  };
}
template <typename T>
Change Hedge(T HedgePolicy::*field, T value) {
  return [=](Policy& policy) { policy.hedge.*field = value; };
}
Change Percentile(double value) {
  return Hedge(&HedgePolicy::percentile, Share::FromFraction(value));
}

// Sets a number of a part that is on.
template <typename T>
Change Limit(T RateLimitPolicy::*field, T value) {
  return [=](Policy& policy) {
    policy.rate_limit.rate = 5;
    policy.rate_limit.*field = value;
  };
}
template <typename T>
Change Queue(T QueuePolicy::*field, T value) {
  return [=](Policy& policy) { policy.queue.*field = value; };
}
template <typename T>
Change Bulk(T BulkheadPolicy::*field, T value) {
  return [=](Policy& policy) {
    policy.bulkhead.max_concurrent = 5;
    policy.bulkhead.*field = value;
  };
}
template <typename T>
Change Keys(T IdempotencyPolicy::*field, T value) {
  return [=](Policy& policy) {
    policy.idempotency.ttl = absl::Minutes(1);
    policy.idempotency.*field = value;
  };
}

using P = CircuitBreakerPolicy;
using B = RetryBudgetPolicy;
using R = RetryPolicy;
using H = HedgePolicy;
using L = RateLimitPolicy;
using K = BulkheadPolicy;
using Q = QueuePolicy;
using I = IdempotencyPolicy;
constexpr auto kNs = [] { return absl::Nanoseconds(1); };

INSTANTIATE_TEST_SUITE_P(
    Counts, PolicyRangeTest,
    ::testing::Values(
        Case{"circuit_breaker.window_calls", "10001", "between 1 and 10000",
             Breaker(&P::window_calls, 10'001u)},
        Case{"circuit_breaker.consecutive_failures", "1000001", "between 0 and 1000000",
             Breaker(&P::consecutive_failures, 1'000'001u)},
        Case{"circuit_breaker.minimum_calls", "0", "between 1 and 1000000",
             Breaker(&P::minimum_calls, 0u)},
        Case{"circuit_breaker.minimum_calls", "1000001", "(default 20)",
             Breaker(&P::minimum_calls, 1'000'001u)},
        Case{"circuit_breaker.min_failing_clients", "0", "between 1 and 64",
             Breaker(&P::min_failing_clients, 0u)},
        Case{"circuit_breaker.min_failing_clients", "65", "(default 1)",
             Breaker(&P::min_failing_clients, 65u)},
        Case{"circuit_breaker.max_probes", "0", "between 1 and 1000", Breaker(&P::max_probes, 0u)},
        Case{"circuit_breaker.max_probes", "1001", "(default 3)", Breaker(&P::max_probes, 1'001u)},
        Case{"circuit_breaker.success_threshold", "0", "between 1 and 1000",
             Breaker(&P::success_threshold, 0u)},
        Case{"circuit_breaker.success_threshold", "1001", "(default 2)",
             Breaker(&P::success_threshold, 1'001u)},
        Case{"retry_budget.min_retries_per_second", "1000001", "between 0 and 1000000",
             Budget(&B::min_retries_per_second, 1'000'001u)},
        Case{"retry.max_attempts", "0", "between 1 and 100 (default 3; 1 is no retries)",
             Retry(&R::max_attempts, 0u)},
        Case{"retry.max_attempts", "101", "between 1 and 100", Retry(&R::max_attempts, 101u)},
        Case{"hedge.min_samples", "0", "between 1 and 10000 (default 100)",
             Hedge(&H::min_samples, 0u)},
        Case{"hedge.min_samples", "10001", "between 1 and 10000",
             Hedge(&H::min_samples, 10'001u)}));

INSTANTIATE_TEST_SUITE_P(
    Parts, PolicyRangeTest,
    ::testing::Values(
        Case{"rate_limit.rate", "1000001", "between 0 and 1000000", Limit(&L::rate, 1'000'001u)},
        Case{"rate_limit.per", "999.999us", "between 1ms and 1h (default 1s)",
             Limit(&L::per, absl::Milliseconds(1) - kNs())},
        Case{"rate_limit.per", "1h0.000000001s", "between 1ms and 1h",
             Limit(&L::per, absl::Hours(1) + kNs())},
        Case{"rate_limit.burst", "1000001", "between 0 and 1000000", Limit(&L::burst, 1'000'001u)},
        Case{"bulkhead.max_concurrent", "100001", "between 0 and 100000",
             Bulk(&K::max_concurrent, 100'001u)},
        Case{"bulkhead.lease_timeout", "999.999us", "between 1ms and 24h (default 60s)",
             Bulk(&K::lease_timeout, absl::Milliseconds(1) - kNs())},
        Case{"bulkhead.lease_timeout", "24h0.000000001s", "between 1ms and 24h",
             Bulk(&K::lease_timeout, absl::Hours(24) + kNs())},
        Case{"queue.max_queue", "100001", "between 0 and 100000 (default 100)",
             Queue(&Q::max_queue, 100'001u)},
        Case{"queue.max_wait", "-1ns", "between 0 and 1m", Queue(&Q::max_wait, -kNs())},
        Case{"queue.max_wait", "1m0.000000001s", "default 10s; 0 is not to wait",
             Queue(&Q::max_wait, absl::Minutes(1) + kNs())},
        Case{"idempotency.ttl", "-1ns", "between 0 and 24h", Keys(&I::ttl, -kNs())},
        Case{"idempotency.ttl", "24h0.000000001s", "which is off",
             Keys(&I::ttl, absl::Hours(24) + kNs())},
        Case{"idempotency.max_keys", "0", "between 1 and 1000000 (default 10000)",
             Keys(&I::max_keys, 0u)},
        Case{"idempotency.max_keys", "1000001", "between 1 and 1000000",
             Keys(&I::max_keys, 1'000'001u)}));

INSTANTIATE_TEST_SUITE_P(
    Fractions, PolicyRangeTest,
    ::testing::Values(
        Case{"circuit_breaker.failure_rate_threshold", "1.000001", "between 0 and 1",
             Breaker(&P::failure_rate_threshold, 1.000001)},
        Case{"circuit_breaker.failure_rate_threshold", "-0.1", "(default 0.5; 0 is off)",
             Breaker(&P::failure_rate_threshold, -0.1)},
        Case{"circuit_breaker.failure_rate_threshold", "nan", "between 0 and 1",
             Breaker(&P::failure_rate_threshold, std::nan(""))},
        Case{"circuit_breaker.open_multiplier", "0.5", "between 1 and 10 (default 1)",
             Breaker(&P::open_multiplier, 0.5)},
        Case{"circuit_breaker.open_multiplier", "10.5", "between 1 and 10",
             Breaker(&P::open_multiplier, 10.5)},
        Case{"circuit_breaker.jitter", "-0.1", "between 0 and 1 (default 0)",
             Breaker(&P::jitter, -0.1)},
        Case{"circuit_breaker.jitter", "1.1", "between 0 and 1", Breaker(&P::jitter, 1.1)},
        Case{"circuit_breaker.ramp_initial", "0", "(default 0.1)", Breaker(&P::ramp_initial, 0)},
        Case{"circuit_breaker.ramp_initial", "1.1", "and 1", Breaker(&P::ramp_initial, 1.1)},
        Case{"retry_budget.retry_ratio", "-0.1", "between 0 and 1000 (default 0.2)", Ratio(-0.1)},
        Case{"retry_budget.retry_ratio", "1001", "between 0 and 1000", Ratio(1001)},
        Case{"retry_budget.retry_ratio", "0.0005", "at least 0.001", Ratio(0.0005)},
        Case{"retry.backoff_multiplier", "0.9", "between 1 and 10 (default 2)",
             Retry(&R::backoff_multiplier, 0.9)},
        Case{"retry.backoff_multiplier", "10.1", "and 10", Retry(&R::backoff_multiplier, 10.1)},
        Case{"retry.jitter", "-0.1", "between 0 and 1 (default 1)", Retry(&R::jitter, -0.1)},
        Case{"retry.jitter", "1.1", "and 1", Retry(&R::jitter, 1.1)},
        Case{"retry.timeout_multiplier", "-1", "between 0 and 100 (default 2)",
             Retry(&R::timeout_multiplier, -1)},
        Case{"retry.rate_limit_multiplier", "101", "between 0 and 100 (default 5)",
             Retry(&R::rate_limit_multiplier, 101)},
        Case{"retry.unsent_multiplier", "101", "between 0 and 100 (default 0.5)",
             Retry(&R::unsent_multiplier, 101)},
        Case{"retry.likely_multiplier", "-1", "between 0 and 100 (default 0.5)",
             Retry(&R::likely_multiplier, -1)},
        Case{"retry.unlikely_multiplier", "101", "between 0 and 100 (default 3)",
             Retry(&R::unlikely_multiplier, 101)},
        Case{"retry.retry_failure_rate_limit", "1.1", "between 0 and 1 (default 0.8; 0 is off)",
             Retry(&R::failure_rate_limit, 1.1)},
        Case{"retry.min_success_probability", "nan", "between 0 and 1 (default 0.1; 0 is off)",
             Retry(&R::min_success_probability, std::nan(""))},
        Case{"retry.explore_share", "-0.1", "between 0 and 1 (default 0.05)",
             Retry(&R::explore_share, -0.1)},
        Case{"retry.timeout_growth", "0.5", "between 1 and 10 (default 1.5)",
             Timeouts(absl::Seconds(1), 0.5, absl::Seconds(1))},
        Case{"hedge.percentile", "0.4", "between 0.5 and 0.9999 (default 0, which is off)",
             Percentile(0.4)},
        Case{"hedge.percentile", "1", "and 0.9999", Percentile(1)},
        Case{"hedge.percentile", "99", "for 99 % write 0.99", Percentile(99)}));

INSTANTIATE_TEST_SUITE_P(
    Durations, PolicyRangeTest,
    ::testing::Values(
        Case{"circuit_breaker.window_duration", "99.999999ms", "between 100ms and 1h",
             Breaker(&P::window_duration, absl::Milliseconds(100) - kNs())},
        Case{"circuit_breaker.window_duration", "1h0.000000001s", "(default 10s)",
             Breaker(&P::window_duration, absl::Hours(1) + kNs())},
        Case{"circuit_breaker.slow_call_duration_threshold", "0", "between 1ms and 24h",
             Slow(absl::ZeroDuration())},
        Case{"circuit_breaker.slow_call_duration_threshold", "24h0.000000001s",
             "needed by slow_call_rate_threshold", Slow(absl::Hours(24) + kNs())},
        Case{"circuit_breaker.open_duration", "0", "between 1ms and 1h (default 30s)",
             Breaker(&P::open_duration, absl::ZeroDuration())},
        Case{"circuit_breaker.max_open_duration", "29.999999999s", "between 30s and 24h",
             Breaker(&P::max_open_duration, absl::Seconds(30) - kNs())},
        Case{"circuit_breaker.max_open_duration", "24h0.000000001s", "at least open_duration",
             Breaker(&P::max_open_duration, absl::Hours(24) + kNs())},
        Case{"circuit_breaker.probe_timeout", "999.999us", "between 1ms and 1h",
             Breaker(&P::probe_timeout, absl::Milliseconds(1) - kNs())},
        Case{"circuit_breaker.probe_timeout", "inf", "(default 60s)",
             Breaker(&P::probe_timeout, absl::InfiniteDuration())},
        Case{"circuit_breaker.ramp_duration", "-1s", "between 0 and 1h",
             Breaker(&P::ramp_duration, absl::Seconds(-1))},
        Case{"circuit_breaker.ramp_duration", "2h", "0, which is off",
             Breaker(&P::ramp_duration, absl::Hours(2))},
        Case{"retry_budget.window", "999.999999ms", "between 1s and 1m",
             Budget(&B::window, absl::Seconds(1) - kNs())},
        Case{"retry_budget.window", "1m0.000000001s", "(default 10s)",
             Budget(&B::window, absl::Minutes(1) + kNs())},
        Case{"retry.base_backoff", "0", "between 1ms and 1h (default 100ms)",
             Retry(&R::base_backoff, absl::ZeroDuration())},
        Case{"retry.max_backoff", "99.999999ms", "between 100ms and 1h",
             Retry(&R::max_backoff, absl::Milliseconds(100) - kNs())},
        Case{"retry.max_backoff", "inf", "at least base_backoff",
             Retry(&R::max_backoff, absl::InfiniteDuration())},
        Case{"retry.base_timeout", "-1s", "between 1ms and 1h",
             Timeouts(absl::Seconds(-1), 1, absl::Hours(1))},
        Case{"retry.max_timeout", "1s", "between 2s and 1h",
             Timeouts(absl::Seconds(2), 1, absl::Seconds(1))},
        Case{"retry.max_timeout", "2h", "at least base_timeout",
             Timeouts(absl::Seconds(2), 1, absl::Hours(2))},
        Case{"hedge.delay", "1us", "between 1ms and 1h", Hedge(&H::delay, absl::Microseconds(1))},
        Case{"hedge.delay", "2h", "(default 0, which is off)", Hedge(&H::delay, absl::Hours(2))}));

// 5 failures, 30 s, 3 probes, 2 successes: what the textbooks say, without any configuration.
TEST(PolicyTest, DefaultsAreTheTextbookBreakerAndValid) {
  const Policy policy;
  EXPECT_THAT(Validate(policy), IsEmpty());
  EXPECT_EQ(policy.name, "default");
  const CircuitBreakerPolicy& p = policy.circuit_breaker;
  EXPECT_EQ(p.consecutive_failures, 5u);
  EXPECT_EQ(p.failure_rate_threshold.fraction(), 0.5);
  EXPECT_FALSE(p.slow_call_rate_threshold.on());
  EXPECT_EQ(p.minimum_calls, 20u);
  EXPECT_EQ(p.min_failing_clients, 1u);
  EXPECT_EQ(p.window_duration, absl::Seconds(10));
  EXPECT_EQ(p.open_duration, absl::Seconds(30));
  EXPECT_EQ(p.open_multiplier.fraction(), 1);
  EXPECT_EQ(p.jitter.fraction(), 0);
  EXPECT_EQ(p.max_open_duration, absl::Minutes(10));
  EXPECT_FALSE(p.honor_retry_after);
  EXPECT_EQ(p.max_probes, 3u);
  EXPECT_EQ(p.success_threshold, 2u);
  EXPECT_EQ(p.probe_timeout, absl::Seconds(60));
  EXPECT_EQ(p.ramp_duration, absl::ZeroDuration());
  EXPECT_EQ(p.ramp_initial.fraction(), 0.1);
}

// Finagle's numbers, which users know.
TEST(PolicyTest, DefaultBudgetIsAFifthAndTenASecond) {
  const RetryBudgetPolicy budget;
  EXPECT_EQ(budget.retry_ratio.fraction(), 0.2);
  EXPECT_EQ(budget.min_retries_per_second, 10u);
  EXPECT_EQ(budget.window, absl::Seconds(10));
  EXPECT_THAT(Validate(budget, "settings."), IsEmpty());
}

// Three attempts with full jitter, as users expect; hedging is for those who ask for it.
TEST(PolicyTest, DefaultRetriesAreThreeAttemptsAndNoHedge) {
  const RetryPolicy retry;
  EXPECT_EQ(retry.max_attempts, 3u);
  EXPECT_EQ(retry.base_backoff, absl::Milliseconds(100));
  EXPECT_EQ(retry.backoff_multiplier.fraction(), 2);
  EXPECT_EQ(retry.max_backoff, absl::Seconds(10));
  EXPECT_EQ(retry.jitter.fraction(), 1);
  EXPECT_EQ(retry.timeout_multiplier.fraction(), 2);
  EXPECT_EQ(retry.rate_limit_multiplier.fraction(), 5);
  EXPECT_EQ(retry.unsent_multiplier.fraction(), 0.5);
  EXPECT_EQ(retry.likely_multiplier.fraction(), 0.5);
  EXPECT_EQ(retry.unlikely_multiplier.fraction(), 3);
  EXPECT_EQ(retry.failure_rate_limit.fraction(), 0.8);
  EXPECT_EQ(retry.min_success_probability.fraction(), 0.1);
  EXPECT_EQ(retry.explore_share.fraction(), 0.05);
  EXPECT_EQ(retry.base_timeout, absl::ZeroDuration());
  EXPECT_THAT(Validate(retry, "retry."), IsEmpty());

  const HedgePolicy hedge;
  EXPECT_FALSE(hedge.percentile.on());
  EXPECT_EQ(hedge.delay, absl::ZeroDuration());
  EXPECT_EQ(hedge.min_samples, 100u);
  EXPECT_THAT(Validate(hedge, "hedge."), IsEmpty());
}

// The ends of a range belong to it.
TEST(PolicyTest, TakesTheEndsOfEveryRangeOfRetries) {
  const Share zero, one = Share::FromFraction(1), most = Share::FromFraction(100);
  const absl::Duration ms = absl::Milliseconds(1), hour = absl::Hours(1);
  RetryPolicy low{1,    ms,   one,  ms,   zero, zero, zero, zero,
                  zero, zero, zero, zero, zero, ms,   one,  ms};
  EXPECT_THAT(Validate(low, "retry."), IsEmpty());
  const Share ten = Share::FromFraction(10);
  RetryPolicy high{100,  hour, ten, hour, one, most, most, most,
                   most, most, one, one,  one, hour, ten,  hour};
  EXPECT_THAT(Validate(high, "retry."), IsEmpty());
  EXPECT_THAT(Validate(HedgePolicy{Share::FromFraction(0.5), ms, 1}, "hedge."), IsEmpty());
  EXPECT_THAT(Validate(HedgePolicy{Share::FromFraction(0.9999), hour, 10'000}, "hedge."),
              IsEmpty());
}

// Whoever offers no timeouts need not clean up how they grow.
TEST(PolicyTest, TimeoutsMatterOnlyWhereTheyAreOffered) {
  EXPECT_THAT(ErrorsOf(Timeouts(absl::ZeroDuration(), 0, absl::ZeroDuration())), IsEmpty());
}

// The ends of a range belong to it.
TEST(PolicyTest, TakesTheLowEndOfEveryRange) {
  Policy policy;
  CircuitBreakerPolicy& p = policy.circuit_breaker;
  p.window_duration = absl::Milliseconds(100);
  p.consecutive_failures = 0;
  p.failure_rate_threshold = Share::FromFraction(0);
  p.slow_call_rate_threshold = Share::FromFraction(0.000001);
  p.slow_call_duration_threshold = absl::Milliseconds(1);
  p.minimum_calls = p.min_failing_clients = p.max_probes = p.success_threshold = 1;
  p.open_duration = p.max_open_duration = p.probe_timeout = absl::Milliseconds(1);
  p.ramp_initial = Share::FromFraction(0.000001);
  policy.retry_budget = {Share::FromFraction(0), 0, absl::Seconds(1)};
  EXPECT_THAT(Validate(policy), IsEmpty());
  p.window_calls = 1;
  policy.retry_budget.retry_ratio = Share::FromFraction(0.001);
  EXPECT_THAT(Validate(policy), IsEmpty());
}

// The ends of a range belong to it.
TEST(PolicyTest, TakesTheHighEndOfEveryRange) {
  Policy policy;
  CircuitBreakerPolicy& p = policy.circuit_breaker;
  p.window_duration = p.open_duration = p.probe_timeout = p.ramp_duration = absl::Hours(1);
  p.consecutive_failures = p.minimum_calls = 1'000'000;
  p.failure_rate_threshold = p.slow_call_rate_threshold = p.jitter = p.ramp_initial =
      Share::FromFraction(1);
  p.slow_call_duration_threshold = p.max_open_duration = absl::Hours(24);
  p.min_failing_clients = 64;
  p.open_multiplier = Share::FromFraction(10);
  p.max_probes = p.success_threshold = 1'000;
  policy.retry_budget = {Share::FromFraction(1000), 1'000'000, absl::Minutes(1)};
  EXPECT_THAT(Validate(policy), IsEmpty());
  p.window_calls = p.minimum_calls = 10'000;
  EXPECT_THAT(Validate(policy), IsEmpty());
}

// Percentages are the mistake that everybody makes once.
TEST(PolicyTest, FiftySuggestsOneHalf) {
  for (const auto field : {&P::failure_rate_threshold, &P::jitter, &P::ramp_initial}) {
    const std::vector<FieldError> errors = ErrorsOf(Breaker(field, 50));
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_THAT(errors[0].message, AllOf(HasSubstr("is 50;"), HasSubstr("write 0.5")));
  }
  const std::vector<FieldError> beyond = ErrorsOf(Breaker(&P::failure_rate_threshold, 101));
  ASSERT_EQ(beyond.size(), 1u);
  EXPECT_THAT(beyond[0].message, Not(HasSubstr("write")));
}

// A window too small for minimum_calls would never trip, silently.
TEST(PolicyTest, MinimumCallsMustFitIntoTheWindow) {
  const auto small = [](Policy& policy) { policy.circuit_breaker.window_calls = 10; };
  const std::vector<FieldError> errors = ErrorsOf(small);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "circuit_breaker.minimum_calls");
  EXPECT_THAT(errors[0].message, AllOf(HasSubstr("is 20;"), HasSubstr("window of 10 calls"),
                                       HasSubstr("at most window_calls")));
}

// Whoever switches the slow rule off need not clean up its duration.
TEST(PolicyTest, TheSlowDurationMattersOnlyWhenItsRuleIsOn) {
  EXPECT_THAT(ErrorsOf(Breaker(&P::slow_call_duration_threshold, absl::Hours(100))), IsEmpty());
}

// Nor need they clean up what belongs to a part that is off.
TEST(PolicyTest, ThePartsThatAreOffAreNotChecked) {
  EXPECT_THAT(ErrorsOf([](Policy& policy) {
                policy.rate_limit = {.per = absl::ZeroDuration(), .burst = 2'000'000};
                policy.bulkhead = {.lease_timeout = absl::ZeroDuration()};
                policy.idempotency = {.max_keys = 0};
              }),
              IsEmpty());
}

// Nothing limits or remembers until it is told to.
TEST(PolicyTest, ThePartsAreOffByDefault) {
  const Policy policy;
  EXPECT_FALSE(policy.rate_limit.on());
  EXPECT_FALSE(policy.bulkhead.on());
  EXPECT_FALSE(policy.idempotency.on());
}

// What is said to be in range is taken.
TEST(PolicyTest, ThePartsTakeTheEndsOfTheirRanges) {
  EXPECT_THAT(ErrorsOf([](Policy& policy) {
                policy.rate_limit = {1'000'000, absl::Hours(1), 1'000'000};
                policy.bulkhead = {100'000, absl::Hours(24)};
                policy.queue = {absl::Minutes(1), 100'000};
                policy.idempotency = {absl::Hours(24), 1'000'000};
              }),
              IsEmpty());
  EXPECT_THAT(ErrorsOf([](Policy& policy) {
                policy.rate_limit = {1, absl::Milliseconds(1), 0};
                policy.bulkhead = {1, absl::Milliseconds(1)};
                policy.queue = {absl::ZeroDuration(), 0};
                policy.idempotency = {absl::Nanoseconds(1), 1};
              }),
              IsEmpty());
}

// Only one of the windows is in force.
TEST(PolicyTest, TheWindowsDurationMattersOnlyWithoutWindowCalls) {
  const auto both = [](Policy& policy) {
    policy.circuit_breaker.window_calls = 100;
    policy.circuit_breaker.window_duration = absl::ZeroDuration();
  };
  EXPECT_THAT(ErrorsOf(both), IsEmpty());
}

// Names become file keys and metric labels.
TEST(PolicyTest, NamesAreLowerCaseLettersDigitsAndDashes) {
  for (const absl::string_view name : {"a", "payments-v2", "0", "-"}) {
    EXPECT_TRUE(IsResourceName(name)) << name;
  }
  EXPECT_TRUE(IsResourceName(std::string(63, 'a')));
  EXPECT_FALSE(IsResourceName(std::string(64, 'a')));
  for (const absl::string_view name : {"", "A", "a_b", "a.b", "a/b", "a b", "\xc3\xa9"}) {
    EXPECT_FALSE(IsResourceName(name)) << name;
  }
}

// Everything that is wrong at once: nobody likes to mend a file error by error.
TEST(PolicyTest, NamesEverythingThatIsWrong) {
  const std::vector<FieldError> errors = ErrorsOf([](Policy& policy) {
    policy.name = "Payments";
    policy.match = {"a", "b**"};
    policy.shared_retry_budget = "Shared";
    policy.circuit_breaker.max_probes = 0;
    policy.retry_budget.window = absl::ZeroDuration();
    policy.retry.max_attempts = 0;
    policy.hedge.min_samples = 0;
  });
  std::vector<std::string> fields;
  for (const FieldError& error : errors) fields.push_back(error.field);
  EXPECT_THAT(fields,
              ElementsAre("name", "match[1]", "shared_retry_budget", "circuit_breaker.max_probes",
                          "retry_budget.window", "retry.max_attempts", "hedge.min_samples"));
  EXPECT_THAT(errors[0].message, HasSubstr("name is \"Payments\"; use 1 to 63"));
  EXPECT_THAT(errors[1].message, HasSubstr("match[1] is \"b**\"; write * only at the end"));
  EXPECT_THAT(errors[2].message, HasSubstr("shared_retry_budget is \"Shared\"; use 1 to 63"));
}

// Each is compared with those of all other policies, and tried for new breakers.
TEST(PolicyTest, GlobsAreAtMostSixtyFour) {
  const auto globs = [](size_t count, const std::string& glob) {
    return [count, glob](Policy& policy) {
      policy.name = "db";
      policy.match.assign(count, glob);
    };
  };
  EXPECT_THAT(ErrorsOf(globs(64, "db/*")), IsEmpty());
  const std::vector<FieldError> errors = ErrorsOf(globs(65, "db/*"));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "match");
  EXPECT_THAT(errors[0].message,
              AllOf(HasSubstr("match is 65 globs; give at most 64"), HasSubstr("one more policy")));
  EXPECT_EQ(ErrorsOf(globs(100'000, "db//")).size(), 1u + 64);
}

// `default` matches all that nothing else does; every other one must say what it matches.
TEST(PolicyTest, OnlyTheDefaultHasNoMatch) {
  const std::vector<FieldError> nothing = ErrorsOf([](Policy& policy) { policy.name = "db"; });
  ASSERT_EQ(nothing.size(), 1u);
  EXPECT_EQ(nothing[0].field, "match");
  EXPECT_THAT(nothing[0].message, HasSubstr("give at least one glob"));

  const std::vector<FieldError> something = ErrorsOf([](Policy& policy) { policy.match = {"a"}; });
  ASSERT_EQ(something.size(), 1u);
  EXPECT_EQ(something[0].field, "match");
  EXPECT_THAT(something[0].message, HasSubstr("remove its match"));
}

// A shared budget is validated under its own path.
TEST(PolicyTest, ABudgetIsNamedByItsPrefix) {
  RetryBudgetPolicy budget;
  budget.min_retries_per_second = 2'000'000;
  const std::vector<FieldError> errors = Validate(budget, "settings.");
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "settings.min_retries_per_second");
}

}  // namespace
}  // namespace fusebox
