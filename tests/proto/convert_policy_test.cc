// From messages to policies: every field, every default, every error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/policy.h"
#include "proto/convert/convert.h"
#include "proto/convert_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A field of a policy: how it is written and what becomes of it.
struct FieldCase {
  std::string field;
  std::string value;
  std::function<bool(const Policy&)> is_read;
};

Share Fraction(double fraction) { return Share::FromFraction(fraction); }

#define READS(field, wanted) \
  [](const Policy& policy) { return policy.circuit_breaker.field == (wanted); }

std::vector<FieldCase> BreakerFields() {
  return {{"window_duration", "{ seconds: 60 }", READS(window_duration, absl::Seconds(60))},
          {"window_calls", ": 50", READS(window_calls, 50u)},
          {"consecutive_failures", ": 7", READS(consecutive_failures, 7u)},
          {"failure_rate_threshold", ": 0.3", READS(failure_rate_threshold, Fraction(0.3))},
          {"slow_call_rate_threshold", ": 0.7 slow_call_duration_threshold { seconds: 1 }",
           READS(slow_call_rate_threshold, Fraction(0.7))},
          {"slow_call_duration_threshold", "{ seconds: 2 }",
           READS(slow_call_duration_threshold, absl::Seconds(2))},
          {"minimum_calls", ": 33", READS(minimum_calls, 33u)},
          {"min_failing_clients", ": 4", READS(min_failing_clients, 4u)},
          {"open_duration", "{ seconds: 5 }", READS(open_duration, absl::Seconds(5))},
          {"open_multiplier", ": 1.5", READS(open_multiplier, Fraction(1.5))},
          {"jitter", ": 0.25", READS(jitter, Fraction(0.25))},
          {"max_open_duration", "{ seconds: 3600 }", READS(max_open_duration, absl::Hours(1))},
          {"honor_retry_after", ": true", READS(honor_retry_after, true)},
          {"max_probes", ": 9", READS(max_probes, 9u)},
          {"success_threshold", ": 8", READS(success_threshold, 8u)},
          {"probe_timeout", "{ seconds: 11 }", READS(probe_timeout, absl::Seconds(11))},
          {"ramp_duration", "{ seconds: 12 }", READS(ramp_duration, absl::Seconds(12))},
          {"ramp_initial", ": 0.05", READS(ramp_initial, Fraction(0.05))}};
}

#undef READS

Policy Read(const std::string& text) {
  std::vector<FieldError> errors;
  const Policy policy = FromProto(Parse<v1::Policy>("name: 'default' " + text), errors);
  EXPECT_THAT(errors, IsEmpty()) << text;
  return policy;
}

std::vector<std::string> FieldsAtFault(const std::string& text) {
  std::vector<FieldError> errors;
  FromProto(Parse<v1::Policy>("name: 'default' " + text), errors);
  std::vector<std::string> fields;
  for (const FieldError& error : errors) {
    fields.push_back(error.field);
    EXPECT_THAT(error.message, HasSubstr("; ")) << "no remedy";
  }
  return fields;
}

// The textbook breaker, without any configuration.
TEST(ConvertPolicyTest, AnEmptyPolicyIsTheDefault) { EXPECT_EQ(Read(""), Policy{}); }

// Every field of the schema reaches core, and no field does so that is not in this list.
TEST(ConvertPolicyTest, EveryBreakerFieldIsRead) {
  std::set<std::string> fields;
  for (const FieldCase& c : BreakerFields()) {
    fields.insert(c.field);
    EXPECT_FALSE(c.is_read(Policy{})) << c.field << " is tested with its default";
    EXPECT_TRUE(c.is_read(Read(absl::StrCat("circuit_breaker { ", c.field, c.value, " }"))))
        << c.field;
  }
  const google::protobuf::Descriptor* all = v1::CircuitBreakerSettings::descriptor();
  EXPECT_EQ(static_cast<int>(fields.size()), all->field_count());
  for (int i = 0; i < all->field_count(); ++i) EXPECT_EQ(fields.count(all->field(i)->name()), 1u);
}

// An explicit 0 switches a rule off; an absent field takes the default.
TEST(ConvertPolicyTest, AnExplicitZeroIsNotAbsent) {
  const CircuitBreakerPolicy off = Read(
                                       "circuit_breaker { consecutive_failures: 0 "
                                       "failure_rate_threshold: 0 }")
                                       .circuit_breaker;
  EXPECT_EQ(off.consecutive_failures, 0u);
  EXPECT_FALSE(off.failure_rate_threshold.on());
  for (const char* field : {"minimum_calls", "min_failing_clients", "open_multiplier", "max_probes",
                            "success_threshold", "ramp_initial", "window_calls"}) {
    EXPECT_THAT(FieldsAtFault(absl::StrCat("circuit_breaker { ", field, ": 0 }")),
                ElementsAre(absl::StrCat("circuit_breaker.", field)));
  }
  for (const char* field : {"window_duration", "open_duration", "probe_timeout"}) {
    EXPECT_THAT(FieldsAtFault(absl::StrCat("circuit_breaker { ", field, " {} }")),
                ElementsAre(absl::StrCat("circuit_breaker.", field)));
  }
}

// A default must not make another field, which somebody did write, useless or wrong.
TEST(ConvertPolicyTest, DefaultsFollowWhatWasWritten) {
  EXPECT_EQ(Read("circuit_breaker { window_calls: 5 }").circuit_breaker.minimum_calls, 5u);
  EXPECT_EQ(Read("circuit_breaker { window_calls: 500 }").circuit_breaker.minimum_calls, 20u);
  EXPECT_EQ(
      Read("circuit_breaker { open_duration { seconds: 3600 } }").circuit_breaker.max_open_duration,
      absl::Hours(1));
}

// Nobody's typing is interpreted: what is out of range is named, all of it at once.
TEST(ConvertPolicyTest, NamesEveryFieldThatIsOutOfRange) {
  EXPECT_THAT(
      FieldsAtFault("circuit_breaker { failure_rate_threshold: 50 jitter: nan "
                    "open_duration { seconds: 9223372036854775807 nanos: 999999999 } "
                    "max_open_duration { seconds: -1 } min_failing_clients: 65 } "
                    "retry_budget { retry_ratio: -1 window { seconds: 61 } }"),
      ::testing::UnorderedElementsAre(
          "circuit_breaker.failure_rate_threshold", "circuit_breaker.min_failing_clients",
          "circuit_breaker.open_duration", "circuit_breaker.jitter",
          "circuit_breaker.max_open_duration", "retry_budget.retry_ratio", "retry_budget.window"));
}

// Names and globs.
TEST(ConvertPolicyTest, ReadsNameAndMatch) {
  std::vector<FieldError> errors;
  const Policy policy =
      FromProto(Parse<v1::Policy>("name: 'databases' match: 'db/**' match: 'sql/*'"), errors);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(policy.name, "databases");
  EXPECT_THAT(policy.match, ElementsAre("db/**", "sql/*"));
  FromProto(Parse<v1::Policy>("name: 'Databases' match: 'a//b'"), errors);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].field, "name");
  EXPECT_EQ(errors[1].field, "match[0]");
}

// A budget of one's own, field by field, or the name of one that is shared.
TEST(ConvertPolicyTest, ReadsTheBudget) {
  const RetryBudgetPolicy budget =
      Read("retry_budget { retry_ratio: 0.5 min_retries_per_second: 3 window { seconds: 20 } }")
          .retry_budget;
  EXPECT_EQ(budget.retry_ratio, Fraction(0.5));
  EXPECT_EQ(budget.min_retries_per_second, 3u);
  EXPECT_EQ(budget.window, absl::Seconds(20));
  EXPECT_EQ(v1::RetryBudgetSettings::descriptor()->field_count(), 3);
  EXPECT_EQ(Read("retry_budget { retry_ratio: 0 min_retries_per_second: 0 }").retry_budget,
            (RetryBudgetPolicy{.retry_ratio = Share(), .min_retries_per_second = 0}));

  const Policy shared = Read("shared_retry_budget: 'fleet'");
  EXPECT_EQ(shared.shared_retry_budget, "fleet");
  EXPECT_EQ(shared.retry_budget, RetryBudgetPolicy{});
  EXPECT_THAT(FieldsAtFault("shared_retry_budget: 'The Fleet'"),
              ElementsAre("shared_retry_budget"));
}

// A resource of its own says where it stands.
TEST(ConvertPolicyTest, ABudgetsErrorsCarryTheirPrefix) {
  std::vector<FieldError> errors;
  FromProto(Parse<v1::RetryBudgetSettings>("min_retries_per_second: 1000001"), "budgets[2].",
            errors);
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_EQ(errors[0].field, "budgets[2].min_retries_per_second");
}

std::string Entry(absl::string_view map, absl::string_view key, absl::string_view value) {
  return absl::StrCat("classification { ", map, " { key: '", key, "' value: ", value, " } }");
}

// By the names that people read in logs.
TEST(ConvertClassificationTest, EveryGrpcCodeHasItsName) {
  for (int code = 0; code <= Classification::kMaxGrpcCode; ++code) {
    const std::string name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
    EXPECT_THAT(Read(Entry("grpc", name, "OUTCOME_IGNORED")).classification.grpc,
                ElementsAre(::testing::Pair(code, Outcome::kIgnored)));
  }
  for (const char* name : {"", "not_found", "NOT FOUND", "5", "CANCELED"}) {
    EXPECT_THAT(FieldsAtFault(Entry("grpc", name, "OUTCOME_IGNORED")),
                ElementsAre("classification.grpc"));
  }
}

// By status or by class.
TEST(ConvertClassificationTest, ReadsHttpStatusesAndClasses) {
  for (const int status : {100, 404, 599}) {
    EXPECT_THAT(Read(Entry("http", absl::StrCat(status), "OUTCOME_FAILURE")).classification.http,
                ElementsAre(::testing::Pair(status, Outcome::kFailure)));
  }
  for (int family = 1; family <= 5; ++family) {
    const Policy policy = Read(Entry("http", absl::StrCat(family, "xx"), "OUTCOME_TIMEOUT"));
    EXPECT_THAT(policy.classification.http_family,
                ElementsAre(::testing::Pair(family, Outcome::kTimeout)));
  }
  for (const char* key : {"", "99", "600", "0xx", "6xx", "5XX", "5x", "50x", "abc", "-404"}) {
    EXPECT_THAT(FieldsAtFault(Entry("http", key, "OUTCOME_FAILURE")),
                ElementsAre("classification.http"))
        << key;
  }
}

// Each outcome may be chosen, and nothing else.
TEST(ConvertClassificationTest, ReadsEveryOutcome) {
  for (const auto& [core, proto] : AllOutcomes()) {
    const Policy policy = Read(Entry("http", "404", v1::Outcome_Name(proto)));
    EXPECT_EQ(policy.classification.http.at(404), core);
  }
  for (const int value : {0, 7, -1, std::numeric_limits<int>::min()}) {
    v1::Policy message;
    message.set_name("default");
    (*message.mutable_classification()->mutable_grpc())["OK"] = static_cast<v1::Outcome>(value);
    (*message.mutable_classification()->mutable_http())["404"] = static_cast<v1::Outcome>(value);
    std::vector<FieldError> errors;
    FromProto(message, errors);
    ASSERT_EQ(errors.size(), 2u);
    EXPECT_EQ(errors[0].field, "classification.grpc.OK");
    EXPECT_EQ(errors[1].field, "classification.http.404");
  }
}

}  // namespace
}  // namespace fusebox
