// From requests to core: what was measured, overrides, durations, and every error.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/error.h"
#include "proto/convert/convert.h"
#include "proto/convert_fixture.h"

namespace fusebox {
namespace {

// Who imposed what, why and until when.
TEST(ConvertOverrideTest, ReadsEveryField) {
  const auto message = Parse<v1::Override>(
      "mode: OVERRIDE_MODE_SHADOW reason: 'drill' actor: 'ada' remaining { seconds: 90 }");
  const absl::StatusOr<Override> override = FromProto(message, WallAnchor{kNow, absl::UnixEpoch()});
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
    const absl::Status status = FromProto(message, WallAnchor{kNow, absl::UnixEpoch()}).status();
    EXPECT_EQ(ErrorReason(status), "OVERRIDE_INVALID") << remaining;
    EXPECT_EQ(ErrorField(status), "remaining");
  }
  const auto forever =
      Parse<v1::Override>("mode: OVERRIDE_MODE_SHADOW remaining { seconds: 9223372036854775807 }");
  EXPECT_EQ(FromProto(forever, WallAnchor{kNow, absl::UnixEpoch()})->expires, Tick::Max());
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

// What is asked before a call.
TEST(ConvertQuestionTest, ReadsEveryField) {
  const auto request = Parse<v1::AllowRequest>(
      "breaker: 'db/orders' attempt: 3 previous_outcome: OUTCOME_TIMEOUT hedge: true "
      "idempotency_key: 'order-7' retry_unknown: true");
  const absl::StatusOr<Question> question = FromProto(request);
  ASSERT_TRUE(question.ok()) << question.status();
  EXPECT_EQ(question->attempt, 3u);
  EXPECT_EQ(question->previous_failure, Outcome::kTimeout);
  EXPECT_TRUE(question->hedge);
  EXPECT_EQ(question->idempotency_key, "order-7");
  EXPECT_TRUE(question->retry_unknown);
}

// A caller that says nothing asks for a first attempt and for nothing else.
TEST(ConvertQuestionTest, ABareQuestionIsAFirstAttempt) {
  const v1::AllowRequest request;
  const absl::StatusOr<Question> question = FromProto(request);
  ASSERT_TRUE(question.ok()) << question.status();
  EXPECT_EQ(question->attempt, 1u);
  EXPECT_FALSE(question->IsExtra());
  EXPECT_EQ(question->previous_failure, std::nullopt);
  EXPECT_TRUE(question->idempotency_key.empty());
  EXPECT_FALSE(question->retry_unknown);
}

// Nobody retries after a success; from one that says so nothing can be learned of retries.
TEST(ConvertQuestionTest, OnlyAFailureBeforeIsOne) {
  for (const auto& [core, proto] : AllOutcomes()) {
    v1::AllowRequest request;
    request.set_previous_outcome(proto);
    const absl::StatusOr<Question> question = FromProto(request);
    ASSERT_TRUE(question.ok()) << question.status();
    EXPECT_EQ(question->previous_failure.has_value(), IsFailure(core));
    EXPECT_EQ(question->previous_failure.value_or(core), core);
  }
}

// Enums are open: any number may arrive.
TEST(ConvertQuestionTest, AnOutcomeBeforeThatIsNoneIsAnError) {
  for (const int value :
       {7, -1, std::numeric_limits<int>::min(), std::numeric_limits<int>::max()}) {
    v1::AllowRequest request;
    request.set_previous_outcome(static_cast<v1::Outcome>(value));
    const absl::Status status = FromProto(request).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ErrorReason(status), "OUTCOME_INVALID") << value;
    EXPECT_EQ(ErrorField(status), "previous_outcome");
  }
}

// Any bytes make a key, and up to 256 of them.
TEST(ConvertQuestionTest, AKeyIsBounded) {
  v1::AllowRequest request;
  request.set_idempotency_key(std::string(kMaxIdempotencyKeyBytes, '/'));
  EXPECT_TRUE(FromProto(request).ok());
  request.mutable_idempotency_key()->push_back('/');
  const absl::Status status = FromProto(request).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(status), "IDEMPOTENCY_KEY_INVALID");
  EXPECT_EQ(ErrorField(status), "idempotency_key");
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
  EXPECT_FALSE(ending->unsent);

  request.set_unsent(true);
  EXPECT_TRUE(FromProto(request)->unsent);
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

}  // namespace
}  // namespace fusebox
