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

using P = CircuitBreakerPolicy;
using B = RetryBudgetPolicy;
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
             Budget(&B::min_retries_per_second, 1'000'001u)}));

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
        Case{"retry_budget.retry_ratio", "0.0005", "at least 0.001", Ratio(0.0005)}));

INSTANTIATE_TEST_SUITE_P(
    Durations, PolicyRangeTest,
    ::testing::Values(Case{"circuit_breaker.window_duration", "99.999999ms", "between 100ms and 1h",
                           Breaker(&P::window_duration, absl::Milliseconds(100) - kNs())},
                      Case{"circuit_breaker.window_duration", "1h0.000000001s", "(default 10s)",
                           Breaker(&P::window_duration, absl::Hours(1) + kNs())},
                      Case{"circuit_breaker.slow_call_duration_threshold", "0",
                           "between 1ms and 24h", Slow(absl::ZeroDuration())},
                      Case{"circuit_breaker.slow_call_duration_threshold", "24h0.000000001s",
                           "needed by slow_call_rate_threshold", Slow(absl::Hours(24) + kNs())},
                      Case{"circuit_breaker.open_duration", "0", "between 1ms and 1h (default 30s)",
                           Breaker(&P::open_duration, absl::ZeroDuration())},
                      Case{"circuit_breaker.max_open_duration", "29.999999999s",
                           "between 30s and 24h",
                           Breaker(&P::max_open_duration, absl::Seconds(30) - kNs())},
                      Case{"circuit_breaker.max_open_duration", "24h0.000000001s",
                           "at least open_duration",
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
                           Budget(&B::window, absl::Minutes(1) + kNs())}));

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
  });
  std::vector<std::string> fields;
  for (const FieldError& error : errors) fields.push_back(error.field);
  EXPECT_THAT(fields, ElementsAre("name", "match[1]", "shared_retry_budget",
                                  "circuit_breaker.max_probes", "retry_budget.window"));
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
