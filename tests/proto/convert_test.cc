// Between messages and core: every enum value, every field, every error.
#include "proto/convert/convert.h"

#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

using ::google::protobuf::TextFormat;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Tick kNow = Tick::FromNanos(1'000'000'000'000);
constexpr int kMinInt = std::numeric_limits<int>::min();

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

template <typename Core, typename Proto>
using Pairs = std::vector<std::pair<Core, Proto>>;

// Checks each pair, and that there is one for each value of the message's enum but UNSPECIFIED.
template <typename Core, typename Proto>
void ExpectAll(const Pairs<Core, Proto>& pairs, const google::protobuf::EnumDescriptor* all) {
  std::set<int> met;
  for (const auto& [core, proto] : pairs) {
    EXPECT_EQ(ToProto(core), proto) << all->FindValueByNumber(proto)->name();
    met.insert(proto);
  }
  met.insert(0);
  EXPECT_EQ(static_cast<int>(met.size()), all->value_count()) << all->name();
}

const Pairs<Outcome, v1::Outcome>& AllOutcomes() {
  static const auto& pairs =
      *new Pairs<Outcome, v1::Outcome>{{Outcome::kSuccess, v1::OUTCOME_SUCCESS},
                                       {Outcome::kFailure, v1::OUTCOME_FAILURE},
                                       {Outcome::kTimeout, v1::OUTCOME_TIMEOUT},
                                       {Outcome::kRateLimited, v1::OUTCOME_RATE_LIMITED},
                                       {Outcome::kCallerError, v1::OUTCOME_CALLER_ERROR},
                                       {Outcome::kIgnored, v1::OUTCOME_IGNORED}};
  return pairs;
}

// The enums stand in the same order, until somebody adds a value to one of them.
TEST(ConvertEnumsTest, EveryValueHasItsCounterpart) {
  ExpectAll<State, v1::State>({{State::kClosed, v1::STATE_CLOSED},
                               {State::kOpen, v1::STATE_OPEN},
                               {State::kHalfOpen, v1::STATE_HALF_OPEN}},
                              v1::State_descriptor());
  ExpectAll<Reason, v1::Reason>({{Reason::kNone, v1::REASON_UNSPECIFIED},
                                 {Reason::kOpen, v1::REASON_OPEN},
                                 {Reason::kProbesBusy, v1::REASON_PROBES_BUSY},
                                 {Reason::kRamping, v1::REASON_RAMPING},
                                 {Reason::kForcedOpen, v1::REASON_FORCED_OPEN},
                                 {Reason::kRetryBudget, v1::REASON_RETRY_BUDGET}},
                                v1::Reason_descriptor());
  ExpectAll(AllOutcomes(), v1::Outcome_descriptor());
  ExpectAll<Counted, v1::Counted>({{Counted::kCounted, v1::COUNTED_COUNTED},
                                   {Counted::kLate, v1::COUNTED_LATE},
                                   {Counted::kRepeated, v1::COUNTED_REPEATED},
                                   {Counted::kNotCounted, v1::COUNTED_NOT_COUNTED}},
                                  v1::Counted_descriptor());
  ExpectAll<Health, v1::Health>({{Health::kHealthy, v1::HEALTH_HEALTHY},
                                 {Health::kDegraded, v1::HEALTH_DEGRADED},
                                 {Health::kUnhealthy, v1::HEALTH_UNHEALTHY}},
                                v1::Health_descriptor());
  ExpectAll<OverrideMode, v1::OverrideMode>(
      {{OverrideMode::kForcedOpen, v1::OVERRIDE_MODE_FORCED_OPEN},
       {OverrideMode::kForcedClosed, v1::OVERRIDE_MODE_FORCED_CLOSED},
       {OverrideMode::kShadow, v1::OVERRIDE_MODE_SHADOW}},
      v1::OverrideMode_descriptor());
}

TEST(ConvertEnumsTest, EveryCauseHasItsCounterpart) {
  ExpectAll<Cause, v1::Cause>({{Cause::kNone, v1::CAUSE_UNSPECIFIED},
                               {Cause::kConsecutiveFailures, v1::CAUSE_CONSECUTIVE_FAILURES},
                               {Cause::kFailureRate, v1::CAUSE_FAILURE_RATE},
                               {Cause::kSlowCallRate, v1::CAUSE_SLOW_CALL_RATE},
                               {Cause::kRetryAfter, v1::CAUSE_RETRY_AFTER},
                               {Cause::kWaitOver, v1::CAUSE_WAIT_OVER},
                               {Cause::kProbeFailed, v1::CAUSE_PROBE_FAILED},
                               {Cause::kProbesExpired, v1::CAUSE_PROBES_EXPIRED},
                               {Cause::kProbesSucceeded, v1::CAUSE_PROBES_SUCCEEDED}},
                              v1::Cause_descriptor());
}

// And back: what a caller says is what is recorded.
TEST(ConvertEnumsTest, EveryOutcomeIsReadBack) {
  for (const auto& [core, proto] : AllOutcomes()) {
    v1::RecordRequest request;
    request.set_outcome(proto);
    const absl::StatusOr<Ending> ending = FromProto(request);
    ASSERT_TRUE(ending.ok()) << ending.status();
    EXPECT_EQ(ending->result.kind, Result::Kind::kOutcome);
    EXPECT_EQ(static_cast<Outcome>(ending->result.value), core);
  }
}

TEST(ConvertEnumsTest, EveryOverrideModeIsReadBack) {
  for (const OverrideMode mode :
       {OverrideMode::kForcedOpen, OverrideMode::kForcedClosed, OverrideMode::kShadow}) {
    v1::Override message;
    message.set_mode(ToProto(mode));
    const absl::StatusOr<Override> override = FromProto(message, kNow);
    ASSERT_TRUE(override.ok()) << override.status();
    EXPECT_EQ(override->mode, mode);
    EXPECT_EQ(override->expires, Tick::Max());
  }
}

// Enums are open: any number may arrive, also the ones at which arithmetic overflows.
TEST(ConvertEnumsTest, ValuesOfNoMeaningAreErrors) {
  for (const int value : {0, 7, 99, -1, kMinInt, std::numeric_limits<int>::max()}) {
    v1::RecordRequest request;
    request.set_outcome(static_cast<v1::Outcome>(value));
    const absl::Status outcome = FromProto(request).status();
    EXPECT_EQ(ErrorReason(outcome), "RESULT_INVALID");
    EXPECT_EQ(ErrorField(outcome), "outcome");
    EXPECT_THAT(std::string(outcome.message()), HasSubstr(absl::StrCat("is ", value, ";")));

    v1::Override override;
    override.set_mode(static_cast<v1::OverrideMode>(value));
    const absl::Status mode = FromProto(override, kNow).status();
    EXPECT_EQ(ErrorReason(mode), "OVERRIDE_INVALID");
    EXPECT_EQ(ErrorField(mode), "mode");
  }
}

// Who imposed what, why and until when.
TEST(ConvertOverrideTest, ReadsEveryField) {
  const auto message = Parse<v1::Override>(
      "mode: OVERRIDE_MODE_SHADOW reason: 'drill' actor: 'ada' remaining { seconds: 90 }");
  const absl::StatusOr<Override> override = FromProto(message, kNow);
  ASSERT_TRUE(override.ok());
  EXPECT_EQ(override->reason, "drill");
  EXPECT_EQ(override->actor, "ada");
  EXPECT_EQ(override->expires, kNow + absl::Seconds(90));
}

// An override that has ended before it began is a mistake; one for ever is none.
TEST(ConvertOverrideTest, ATimeToLiveIsAboveZero) {
  for (const char* remaining : {"", "seconds: -1", "nanos: -1", "seconds: -9223372036854775808"}) {
    const auto message = Parse<v1::Override>(
        absl::StrCat("mode: OVERRIDE_MODE_SHADOW remaining { ", remaining, " }"));
    const absl::Status status = FromProto(message, kNow).status();
    EXPECT_EQ(ErrorReason(status), "OVERRIDE_INVALID") << remaining;
    EXPECT_EQ(ErrorField(status), "remaining");
  }
  const auto forever =
      Parse<v1::Override>("mode: OVERRIDE_MODE_SHADOW remaining { seconds: 9223372036854775807 }");
  EXPECT_EQ(FromProto(forever, kNow)->expires, Tick::Max());
}

// To and fro, also below zero and at a nanosecond.
TEST(ConvertDurationTest, ThereAndBackAgain) {
  for (const absl::Duration duration :
       {absl::ZeroDuration(), absl::Nanoseconds(1), absl::Milliseconds(1'500), absl::Hours(24),
        -absl::Nanoseconds(1), -absl::Milliseconds(1'500), absl::Seconds(315'576'000'000)}) {
    EXPECT_EQ(FromProto(ToProto(duration)), duration);
  }
}

// A message has a longest duration, and it stands for "never".
TEST(ConvertDurationTest, WhatIsTooLongIsTheLongest) {
  for (const absl::Duration duration :
       {absl::InfiniteDuration(), absl::Seconds(400'000'000'000), absl::Seconds(1) * 1e18}) {
    EXPECT_EQ(ToProto(duration).seconds(), 315'576'000'000);
    EXPECT_EQ(ToProto(-duration).seconds(), -315'576'000'000);
  }
}

// What was measured comes through as it is.
TEST(ConvertEndingTest, ReadsWhatWasMeasured) {
  auto request = Parse<v1::RecordRequest>(
      "grpc_code: 14 latency { seconds: 1 nanos: 5 } retry_after { seconds: 86400 } client: 'c'");
  const absl::StatusOr<Ending> ending = FromProto(request);
  ASSERT_TRUE(ending.ok());
  EXPECT_EQ(ending->result.kind, Result::Kind::kGrpcCode);
  EXPECT_EQ(ending->result.value, 14);
  EXPECT_EQ(ending->latency, absl::Seconds(1) + absl::Nanoseconds(5));
  EXPECT_EQ(ending->retry_after, absl::Hours(24));
  EXPECT_EQ(ending->client, "c");
  EXPECT_EQ(ending->calls, 1u);

  request.clear_latency();
  request.clear_retry_after();
  EXPECT_EQ(FromProto(request)->latency, std::nullopt);
  EXPECT_EQ(FromProto(request)->retry_after, std::nullopt);
}

// How long a dependency asks to be left alone is its own affair; what it did still counts, and the
// policy caps the wait.
TEST(ConvertEndingTest, ARetryAfterOfMoreThanADayIsADay) {
  for (const char* wait : {"seconds: 86400", "seconds: 86400 nanos: 1", "seconds: 31536000",
                           "seconds: 9223372036854775807 nanos: 999999999"}) {
    const std::string text = absl::StrCat("http_status: 429 retry_after { ", wait, " }");
    const auto ending = FromProto(Parse<v1::RecordRequest>(text));
    ASSERT_TRUE(ending.ok()) << ending.status();
    EXPECT_EQ(ending->retry_after, absl::Hours(24));
    EXPECT_EQ(FromProto(Parse<v1::BatchRecordItem>(text))->retry_after, absl::Hours(24));
  }
}

// What is wrong is named, with its field.
TEST(ConvertEndingTest, NamesWhatIsWrong) {
  const std::vector<std::array<const char*, 3>> bad = {
      {"", "RESULT_MISSING", "result"},
      {"grpc_code: -1", "RESULT_INVALID", "grpc_code"},
      {"grpc_code: 17", "RESULT_INVALID", "grpc_code"},
      {"http_status: 99", "RESULT_INVALID", "http_status"},
      {"http_status: 600", "RESULT_INVALID", "http_status"},
      {"grpc_code: 0 latency { nanos: -1 }", "LATENCY_INVALID", "latency"},
      {"grpc_code: 0 latency { seconds: 86400 nanos: 1 }", "LATENCY_INVALID", "latency"},
      {"grpc_code: 0 latency { seconds: 9223372036854775807 nanos: 999999999 }", "LATENCY_INVALID",
       "latency"},
      {"grpc_code: 0 retry_after { seconds: -1 }", "RETRY_AFTER_INVALID", "retry_after"},
      {"grpc_code: 0 retry_after { nanos: -1 }", "RETRY_AFTER_INVALID", "retry_after"}};
  for (const auto& [text, reason, field] : bad) {
    for (const absl::Status& status : {FromProto(Parse<v1::RecordRequest>(text)).status(),
                                       FromProto(Parse<v1::BatchRecordItem>(text)).status()}) {
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
      EXPECT_EQ(ErrorReason(status), reason) << text;
      EXPECT_EQ(ErrorField(status), field) << text;
    }
  }
}

// An item is of one permit, or of an epoch and a count.
TEST(ConvertEndingTest, ReadsAnItemOfABatch) {
  const auto counted = Parse<v1::BatchRecordItem>("http_status: 503 epoch: 7 count: 1000000");
  EXPECT_EQ(FromProto(counted)->epoch, 7u);
  EXPECT_EQ(FromProto(counted)->calls, 1'000'000u);
  EXPECT_EQ(FromProto(counted)->result.kind, Result::Kind::kHttpStatus);
  EXPECT_EQ(FromProto(Parse<v1::BatchRecordItem>("grpc_code: 0 permit: 'p'"))->calls, 1u);
  for (const char* text :
       {"grpc_code: 0 count: 1000001", "grpc_code: 0 count: 4294967295",
        "grpc_code: 0 permit: 'p' count: 1", "grpc_code: 0 permit: 'p' epoch: 1"}) {
    EXPECT_EQ(ErrorReason(FromProto(Parse<v1::BatchRecordItem>(text)).status()), "COUNT_INVALID");
  }
}

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
  for (const int value : {0, 7, -1, kMinInt}) {
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

// The answer of Allow.
TEST(ConvertAnswersTest, ADecisionIsWholeInItsMessage) {
  const v1::AllowResponse denied = ToProto(Decision{.reason = Reason::kRamping,
                                                    .state = State::kHalfOpen,
                                                    .epoch = 77,
                                                    .retry_after = absl::Milliseconds(100)});
  EXPECT_EQ(denied.decision(), v1::DECISION_DENIED);
  EXPECT_EQ(denied.reason(), v1::REASON_RAMPING);
  EXPECT_EQ(denied.state(), v1::STATE_HALF_OPEN);
  EXPECT_EQ(denied.epoch(), 77u);
  EXPECT_EQ(denied.retry_after().nanos(), 100'000'000);

  const v1::AllowResponse allowed = ToProto(
      Decision{.allowed = true, .shadow_denied = true, .probe = true, .reason = Reason::kOpen});
  EXPECT_EQ(allowed.decision(), v1::DECISION_ALLOWED);
  EXPECT_TRUE(allowed.shadow_denied());
  EXPECT_TRUE(allowed.probe());
  EXPECT_EQ(allowed.reason(), v1::REASON_OPEN);
  EXPECT_FALSE(allowed.has_retry_after());
}

// The answer of Record.
TEST(ConvertAnswersTest, AVerdictIsWholeInItsMessage) {
  const v1::RecordResponse message = ToProto(Verdict{
      .state = State::kOpen, .epoch = 78, .outcome = Outcome::kTimeout, .counted = Counted::kLate});
  EXPECT_EQ(message.state(), v1::STATE_OPEN);
  EXPECT_EQ(message.epoch(), 78u);
  EXPECT_EQ(message.outcome(), v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(message.counted(), v1::COUNTED_LATE);
}

// Nothing divided by nothing is no rate.
TEST(ConvertAnswersTest, AWindowKnowsItsRates) {
  const v1::Window window = ToProto(WindowCounts{.calls = 8, .failures = 2, .slow = 4});
  EXPECT_EQ(window.calls(), 8u);
  EXPECT_EQ(window.failure_rate(), 0.25);
  EXPECT_EQ(window.slow_rate(), 0.5);
  EXPECT_EQ(ToProto(WindowCounts{}).failure_rate(), 0);
  EXPECT_EQ(ToProto(WindowCounts{}).slow_rate(), 0);
}

// Fields without a value: a breaker that is added to and shown nowhere is found here.
std::vector<std::string> Unset(const google::protobuf::Message& message) {
  std::vector<std::string> unset;
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  const google::protobuf::Reflection* reflection = message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = type->field(i);
    const bool set = field->is_repeated() ? reflection->FieldSize(message, field) > 0
                                          : reflection->HasField(message, field);
    if (!set) unset.push_back(field->name());
  }
  return unset;
}

Transition SomeTransition() {
  return {.number = 9,
          .from = State::kHalfOpen,
          .to = State::kOpen,
          .cause = Cause::kProbeFailed,
          .epoch = 80,
          .time = kNow,
          .window = {.calls = 3, .failures = 1},
          .consecutive_failures = 2,
          .failing_clients = {"a", "b"},
          .open_for = absl::Seconds(45)};
}

const WallAnchor kAnchor{kNow + absl::Seconds(10), absl::FromUnixSeconds(1'700'000'010)};

// Monotonic times are shown on the wall clock.
// What was kept comes back as it was.
TEST(ConvertTransitionTest, ATransitionIsTheSameBackFromItsMessage) {
  const Transition before = SomeTransition();
  const Transition after = FromProto(ToProto(before, "db/orders", kAnchor), kAnchor);
  EXPECT_EQ(after.number, before.number);
  EXPECT_EQ(after.from, before.from);
  EXPECT_EQ(after.to, before.to);
  EXPECT_EQ(after.cause, before.cause);
  EXPECT_EQ(after.epoch, before.epoch);
  EXPECT_EQ(after.time, before.time);
  EXPECT_EQ(after.window, before.window);
  EXPECT_EQ(after.consecutive_failures, before.consecutive_failures);
  EXPECT_EQ(after.failing_clients, before.failing_clients);
  EXPECT_EQ(after.open_for, before.open_for);
}

// After a boot the clock starts again, and what happened before it is before its origin.
TEST(ConvertTransitionTest, WhatHappenedBeforeTheBootIsBeforeTheOrigin) {
  const v1::Transition message = ToProto(SomeTransition(), "db/orders", kAnchor);
  const WallAnchor young{Tick::FromNanos(1), kAnchor.wall + absl::Hours(1)};
  EXPECT_LT(FromProto(message, young).time, Tick());
}

TEST(ConvertTransitionTest, ATransitionIsWholeInItsMessage) {
  const v1::Transition message = ToProto(SomeTransition(), "db/orders", kAnchor);
  EXPECT_THAT(Unset(message), IsEmpty());
  EXPECT_EQ(message.number(), 9u);
  EXPECT_EQ(message.breaker(), "db/orders");
  EXPECT_EQ(message.from(), v1::STATE_HALF_OPEN);
  EXPECT_EQ(message.to(), v1::STATE_OPEN);
  EXPECT_EQ(message.cause(), v1::CAUSE_PROBE_FAILED);
  EXPECT_EQ(message.epoch(), 80u);
  EXPECT_EQ(message.time().seconds(), 1'700'000'000);
  EXPECT_EQ(message.window().calls(), 3u);
  EXPECT_EQ(message.consecutive_failures(), 2u);
  EXPECT_THAT(message.failing_clients(), ElementsAre("a", "b"));
  EXPECT_EQ(message.open_for().seconds(), 45);
}

Snapshot SomeSnapshot() {
  return {.state = State::kOpen,
          .epoch = 80,
          .revision = 6,
          .override = Override{.mode = OverrideMode::kShadow,
                               .reason = "drill",
                               .actor = "ada",
                               .expires = kNow + absl::Seconds(70)},
          .window = {.calls = 10, .failures = 5, .slow = 2},
          .totals = {.calls = 21,
                     .successes = 22,
                     .failures = 23,
                     .refused = 24,
                     .timed_calls = 4,
                     .latency_seconds = 6,
                     .late = 25,
                     .transitions = 26},
          .consecutive_failures = 27,
          .failing_clients = {"a"},
          .retry_after = absl::Seconds(20),
          .reopens = 28,
          .probes = 29,
          .ramp_share = Fraction(0.5),
          .health = Health::kUnhealthy,
          .score = 0.4,
          .budget_balance = 30,
          .budget_spent = 31,
          .budget_refused = 32,
          .last_transition = SomeTransition(),
          .taken = kNow + absl::Seconds(10)};
}

// Everything about a breaker is shown.
TEST(ConvertBreakerTest, ASnapshotIsWholeInItsMessage) {
  const v1::Breaker message = ToProto(SomeSnapshot(), "db/orders", "databases", kAnchor);
  EXPECT_THAT(Unset(message), IsEmpty());
  EXPECT_EQ(message.name(), "db/orders");
  EXPECT_EQ(message.state(), v1::STATE_OPEN);
  EXPECT_EQ(message.epoch(), 80u);
  EXPECT_EQ(message.revision(), 6u);
  EXPECT_EQ(message.policy(), "databases");
  EXPECT_EQ(message.window().failure_rate(), 0.5);
  EXPECT_THAT(message.failing_clients(), ElementsAre("a"));
  EXPECT_EQ(message.open_until().seconds(), 1'700'000'030);
  EXPECT_EQ(message.retry_after().seconds(), 20);
  EXPECT_EQ(message.reopens(), 28u);
  EXPECT_EQ(message.probes(), 29u);
  EXPECT_EQ(message.ramp_share(), 0.5);
  EXPECT_EQ(message.health(), v1::HEALTH_UNHEALTHY);
  EXPECT_EQ(message.score(), 0.4);
  EXPECT_EQ(message.consecutive_failures(), 27u);
  EXPECT_EQ(message.last_transition().number(), 9u);
}

// Its parts, too.
TEST(ConvertBreakerTest, ThePartsOfABreakerAreWhole) {
  const v1::Breaker message = ToProto(SomeSnapshot(), "db/orders", "databases", kAnchor);
  EXPECT_THAT(Unset(message.totals()), IsEmpty());
  EXPECT_EQ(message.totals().calls(), 21u);
  EXPECT_EQ(message.totals().successes(), 22u);
  EXPECT_EQ(message.totals().failures(), 23u);
  EXPECT_EQ(message.totals().refused(), 24u);
  EXPECT_EQ(message.totals().late(), 25u);
  EXPECT_EQ(message.totals().transitions(), 26u);
  EXPECT_EQ(FromProto(message.totals().mean_latency()), absl::Milliseconds(1'500));
  EXPECT_THAT(Unset(message.override()), IsEmpty());
  EXPECT_EQ(message.override().mode(), v1::OVERRIDE_MODE_SHADOW);
  EXPECT_EQ(message.override().reason(), "drill");
  EXPECT_EQ(message.override().actor(), "ada");
  EXPECT_EQ(message.override().remaining().seconds(), 60);
  EXPECT_EQ(message.retry_budget().balance_millis(), 30);
  EXPECT_EQ(message.retry_budget().spent(), 31u);
  EXPECT_EQ(message.retry_budget().refused(), 32u);
}

// What there is not is absent, rather than zero.
TEST(ConvertBreakerTest, WhatABreakerHasNotIsAbsent) {
  Snapshot snapshot;
  const v1::Breaker message = ToProto(snapshot, "db/orders", "default", kAnchor);
  EXPECT_FALSE(message.has_override());
  EXPECT_FALSE(message.has_open_until());
  EXPECT_FALSE(message.has_retry_after());
  EXPECT_FALSE(message.has_last_transition());
  EXPECT_FALSE(message.totals().has_mean_latency());
  snapshot.override = Override{};
  EXPECT_FALSE(ToProto(snapshot, "db/orders", "default", kAnchor).override().has_remaining());
}

}  // namespace
}  // namespace fusebox
