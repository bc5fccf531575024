#include "core/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace fusebox {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Change = std::function<void(Policy&)>;

std::vector<FieldError> ErrorsOf(const Change& change) {
  Policy policy;
  change(policy);
  return Validate(policy);
}

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
  EXPECT_THAT(ErrorsOf([](Policy& policy) {
                policy.retry = {.timeout_growth = Share(), .max_timeout = absl::ZeroDuration()};
              }),
              IsEmpty());
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
  EXPECT_THAT(ErrorsOf([](Policy& policy) {
                policy.circuit_breaker.slow_call_duration_threshold = absl::Hours(100);
              }),
              IsEmpty());
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
