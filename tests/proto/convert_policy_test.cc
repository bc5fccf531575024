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

// A field of a part of a policy: how it is written and what becomes of it.
struct FieldCase {
  std::string field;
  std::string value;
  std::function<bool(const Policy&)> is_read;
};

Share Fraction(double fraction) { return Share::FromFraction(fraction); }

#define READS(field, wanted) [](const Policy& policy) { return policy.field == (wanted); }

std::vector<FieldCase> BreakerFields() {
  return {
      {"window_duration", "{ seconds: 60 }",
       READS(circuit_breaker.window_duration, absl::Seconds(60))},
      {"window_calls", ": 50", READS(circuit_breaker.window_calls, 50u)},
      {"consecutive_failures", ": 7", READS(circuit_breaker.consecutive_failures, 7u)},
      {"failure_rate_threshold", ": 0.3",
       READS(circuit_breaker.failure_rate_threshold, Fraction(0.3))},
      {"slow_call_rate_threshold", ": 0.7 slow_call_duration_threshold { seconds: 1 }",
       READS(circuit_breaker.slow_call_rate_threshold, Fraction(0.7))},
      {"slow_call_duration_threshold", "{ seconds: 2 }",
       READS(circuit_breaker.slow_call_duration_threshold, absl::Seconds(2))},
      {"minimum_calls", ": 33", READS(circuit_breaker.minimum_calls, 33u)},
      {"min_failing_clients", ": 4", READS(circuit_breaker.min_failing_clients, 4u)},
      {"open_duration", "{ seconds: 5 }", READS(circuit_breaker.open_duration, absl::Seconds(5))},
      {"open_multiplier", ": 1.5", READS(circuit_breaker.open_multiplier, Fraction(1.5))},
      {"jitter", ": 0.25", READS(circuit_breaker.jitter, Fraction(0.25))},
      {"max_open_duration", "{ seconds: 3600 }",
       READS(circuit_breaker.max_open_duration, absl::Hours(1))},
      {"honor_retry_after", ": true", READS(circuit_breaker.honor_retry_after, true)},
      {"max_probes", ": 9", READS(circuit_breaker.max_probes, 9u)},
      {"success_threshold", ": 8", READS(circuit_breaker.success_threshold, 8u)},
      {"probe_timeout", "{ seconds: 11 }", READS(circuit_breaker.probe_timeout, absl::Seconds(11))},
      {"ramp_duration", "{ seconds: 12 }", READS(circuit_breaker.ramp_duration, absl::Seconds(12))},
      {"ramp_initial", ": 0.05", READS(circuit_breaker.ramp_initial, Fraction(0.05))}};
}

std::vector<FieldCase> RetryFields() {
  return {{"max_attempts", ": 5", READS(retry.max_attempts, 5u)},
          {"base_backoff", "{ seconds: 2 }", READS(retry.base_backoff, absl::Seconds(2))},
          {"backoff_multiplier", ": 3", READS(retry.backoff_multiplier, Fraction(3))},
          {"max_backoff", "{ seconds: 20 }", READS(retry.max_backoff, absl::Seconds(20))},
          {"jitter", ": 0.5", READS(retry.jitter, Fraction(0.5))},
          {"timeout_multiplier", ": 1.5", READS(retry.timeout_multiplier, Fraction(1.5))},
          {"rate_limit_multiplier", ": 4", READS(retry.rate_limit_multiplier, Fraction(4))},
          {"unsent_multiplier", ": 0.25", READS(retry.unsent_multiplier, Fraction(0.25))},
          {"likely_multiplier", ": 0.75", READS(retry.likely_multiplier, Fraction(0.75))},
          {"unlikely_multiplier", ": 6", READS(retry.unlikely_multiplier, Fraction(6))},
          {"retry_failure_rate_limit", ": 0.7", READS(retry.failure_rate_limit, Fraction(0.7))},
          {"min_success_probability", ": 0.2", READS(retry.min_success_probability, Fraction(0.2))},
          {"explore_share", ": 0.01", READS(retry.explore_share, Fraction(0.01))},
          {"base_timeout", "{ seconds: 3 }", READS(retry.base_timeout, absl::Seconds(3))},
          {"timeout_growth", ": 2.5", READS(retry.timeout_growth, Fraction(2.5))},
          {"max_timeout", "{ seconds: 30 }", READS(retry.max_timeout, absl::Seconds(30))}};
}

std::vector<FieldCase> HedgeFields() {
  return {{"percentile", ": 0.95", READS(hedge.percentile, Fraction(0.95))},
          {"delay", "{ nanos: 20000000 }", READS(hedge.delay, absl::Milliseconds(20))},
          {"min_samples", ": 7", READS(hedge.min_samples, 7u)}};
}

std::vector<FieldCase> RateLimitFields() {
  return {{"rate", ": 100", READS(rate_limit.rate, 100u)},
          {"per", "{ seconds: 60 }", READS(rate_limit.per, absl::Minutes(1))},
          {"burst", ": 30", READS(rate_limit.burst, 30u)}};
}

std::vector<FieldCase> BulkheadFields() {
  return {{"max_concurrent", ": 40", READS(bulkhead.max_concurrent, 40u)},
          {"lease_timeout", "{ seconds: 15 }", READS(bulkhead.lease_timeout, absl::Seconds(15))}};
}

std::vector<FieldCase> QueueFields() {
  return {{"max_wait", "{ seconds: 2 }", READS(queue.max_wait, absl::Seconds(2))},
          {"max_queue", ": 50", READS(queue.max_queue, 50u)}};
}

std::vector<FieldCase> IdempotencyFields() {
  return {{"ttl", "{ seconds: 3600 }", READS(idempotency.ttl, absl::Hours(1))},
          {"max_keys", ": 99", READS(idempotency.max_keys, 99u)}};
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

// Every field of the schema's part reaches core, and no field does so that is not in this list.
template <typename Settings>
void ExpectEveryFieldIsRead(absl::string_view part, const std::vector<FieldCase>& cases) {
  SCOPED_TRACE(part);
  std::set<std::string> fields;
  for (const FieldCase& c : cases) {
    fields.insert(c.field);
    EXPECT_FALSE(c.is_read(Policy{})) << c.field << " is tested with its default";
    EXPECT_TRUE(c.is_read(Read(absl::StrCat(part, " { ", c.field, c.value, " }")))) << c.field;
  }
  const google::protobuf::Descriptor* all = Settings::descriptor();
  EXPECT_EQ(static_cast<int>(fields.size()), all->field_count());
  for (int i = 0; i < all->field_count(); ++i) EXPECT_EQ(fields.count(all->field(i)->name()), 1u);
}

TEST(ConvertPolicyTest, EveryBreakerFieldIsRead) {
  ExpectEveryFieldIsRead<v1::CircuitBreakerSettings>("circuit_breaker", BreakerFields());
}

// What a breaker has beside its circuit breaker.
TEST(ConvertPolicyTest, EveryFieldOfTheOtherPartsIsRead) {
  ExpectEveryFieldIsRead<v1::RetrySettings>("retry", RetryFields());
  ExpectEveryFieldIsRead<v1::HedgeSettings>("hedge", HedgeFields());
  ExpectEveryFieldIsRead<v1::RateLimitSettings>("rate_limit", RateLimitFields());
  ExpectEveryFieldIsRead<v1::BulkheadSettings>("bulkhead", BulkheadFields());
  ExpectEveryFieldIsRead<v1::QueueSettings>("queue", QueueFields());
  ExpectEveryFieldIsRead<v1::IdempotencySettings>("idempotency", IdempotencyFields());
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

// As above, of advice: each 0 has a meaning of its own.
TEST(ConvertPolicyTest, AnExplicitZeroOfAdviceIsNotAbsent) {
  const RetryPolicy retry = Read(
                                "retry { jitter: 0 timeout_multiplier: 0 rate_limit_multiplier: 0 "
                                "unsent_multiplier: 0 likely_multiplier: 0 unlikely_multiplier: 0 "
                                "retry_failure_rate_limit: 0 min_success_probability: 0 "
                                "explore_share: 0 base_timeout {} }")
                                .retry;
  EXPECT_EQ(retry, (RetryPolicy{.jitter = Share(),
                                .timeout_multiplier = Share(),
                                .rate_limit_multiplier = Share(),
                                .unsent_multiplier = Share(),
                                .likely_multiplier = Share(),
                                .unlikely_multiplier = Share(),
                                .failure_rate_limit = Share(),
                                .min_success_probability = Share(),
                                .explore_share = Share()}));
  EXPECT_EQ(Read("hedge { percentile: 0 delay {} }").hedge, HedgePolicy{});
  for (const char* field : {"max_attempts: 0", "base_backoff {}", "backoff_multiplier: 0",
                            "max_backoff {}", "base_timeout { seconds: 1 } timeout_growth: 0",
                            "base_timeout { seconds: 1 } max_timeout {}"}) {
    EXPECT_EQ(FieldsAtFault(absl::StrCat("retry { ", field, " }")).size(), 1u) << field;
  }
  EXPECT_THAT(FieldsAtFault("hedge { min_samples: 0 }"), ElementsAre("hedge.min_samples"));
}

// As above, of what bounds calls. Nobody waits where a queue is 0 long; that is no mistake.
TEST(ConvertPolicyTest, AnExplicitZeroOfALimitIsNotAbsent) {
  EXPECT_EQ(Read("queue { max_wait {} max_queue: 0 }").queue,
            (QueuePolicy{.max_wait = absl::ZeroDuration(), .max_queue = 0}));
  EXPECT_FALSE(Read("rate_limit { rate: 0 }").rate_limit.on());
  EXPECT_FALSE(Read("bulkhead { max_concurrent: 0 }").bulkhead.on());
  EXPECT_FALSE(Read("idempotency { ttl {} }").idempotency.on());
  EXPECT_EQ(Read("rate_limit { rate: 5 burst: 0 }").rate_limit, (RateLimitPolicy{.rate = 5}));
  EXPECT_THAT(FieldsAtFault("rate_limit { rate: 1 per {} }"), ElementsAre("rate_limit.per"));
  EXPECT_THAT(FieldsAtFault("bulkhead { max_concurrent: 1 lease_timeout {} }"),
              ElementsAre("bulkhead.lease_timeout"));
  EXPECT_THAT(FieldsAtFault("idempotency { ttl { seconds: 1 } max_keys: 0 }"),
              ElementsAre("idempotency.max_keys"));
}

// A default must not make another field, which somebody did write, useless or wrong.
TEST(ConvertPolicyTest, DefaultsFollowWhatWasWritten) {
  EXPECT_EQ(Read("circuit_breaker { window_calls: 5 }").circuit_breaker.minimum_calls, 5u);
  EXPECT_EQ(Read("circuit_breaker { window_calls: 500 }").circuit_breaker.minimum_calls, 20u);
  EXPECT_EQ(
      Read("circuit_breaker { open_duration { seconds: 3600 } }").circuit_breaker.max_open_duration,
      absl::Hours(1));
  EXPECT_EQ(Read("retry { base_backoff { seconds: 60 } }").retry.max_backoff, absl::Minutes(1));
  EXPECT_EQ(Read("retry { base_timeout { seconds: 3600 } }").retry.max_timeout, absl::Hours(1));
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

// The same of every other part.
TEST(ConvertPolicyTest, NamesEveryFieldOfTheOtherPartsThatIsOutOfRange) {
  EXPECT_THAT(FieldsAtFault("retry { max_attempts: 101 base_backoff { seconds: 5 } max_backoff "
                            "{ seconds: 4 } jitter: 1.5 unsent_multiplier: -1 explore_share: nan } "
                            "hedge { percentile: 95 delay { seconds: -1 } min_samples: 10001 } "
                            "rate_limit { rate: 1000001 per { seconds: 3601 } burst: 1000001 } "
                            "bulkhead { max_concurrent: 100001 lease_timeout { seconds: 86401 } } "
                            "queue { max_wait { seconds: 61 } max_queue: 100001 } "
                            "idempotency { ttl { seconds: 86401 } max_keys: 1000001 }"),
              ::testing::UnorderedElementsAre(
                  "retry.max_attempts", "retry.max_backoff", "retry.jitter",
                  "retry.unsent_multiplier", "retry.explore_share", "hedge.percentile",
                  "hedge.delay", "hedge.min_samples", "rate_limit.rate", "rate_limit.per",
                  "rate_limit.burst", "bulkhead.max_concurrent", "bulkhead.lease_timeout",
                  "queue.max_wait", "queue.max_queue", "idempotency.ttl", "idempotency.max_keys"));
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
