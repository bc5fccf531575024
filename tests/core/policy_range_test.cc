#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/policy.h"

namespace fusebox {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
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

// Percentages are the mistake that everybody makes once.
TEST(PolicyPercentTest, FiftySuggestsOneHalf) {
  for (const auto field : {&P::failure_rate_threshold, &P::jitter, &P::ramp_initial}) {
    const std::vector<FieldError> errors = ErrorsOf(Breaker(field, 50));
    ASSERT_EQ(errors.size(), 1u);
    EXPECT_THAT(errors[0].message, AllOf(HasSubstr("is 50;"), HasSubstr("write 0.5")));
  }
  const std::vector<FieldError> beyond = ErrorsOf(Breaker(&P::failure_rate_threshold, 101));
  ASSERT_EQ(beyond.size(), 1u);
  EXPECT_THAT(beyond[0].message, Not(HasSubstr("write")));
}

}  // namespace
}  // namespace fusebox
