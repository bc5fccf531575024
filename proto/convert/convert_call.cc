// What is asked before a call and said after it.
#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/convert/bad_field.h"
#include "proto/convert/convert.h"
#include "proto/convert/max_call_time.h"

namespace fusebox {
namespace {

absl::StatusOr<absl::Duration> ReadLatency(const google::protobuf::Duration& message) {
  const absl::Duration latency = FromProto(message);
  if (latency >= absl::ZeroDuration() && latency <= kMaxCallTime) return latency;
  return BadField("LATENCY_INVALID", "latency", absl::FormatDuration(latency),
                  "set it between 0 and 24h");
}

// The dependency says it, not the caller: however long it is, the call ended as it did.
absl::StatusOr<absl::Duration> ReadRetryAfter(const google::protobuf::Duration& message) {
  const absl::Duration wait = FromProto(message);
  if (wait >= absl::ZeroDuration()) return std::min(wait, kMaxCallTime);
  return BadField("RETRY_AFTER_INVALID", "retry_after", absl::FormatDuration(wait),
                  "set it to at least 0, or leave it out");
}

template <typename Message>
absl::StatusOr<Result> ReadResult(const Message& message) {
  Result result;
  switch (message.result_case()) {
    case Message::kOutcome:
      // The outcomes stand in the same order.
      if (message.outcome() >= v1::OUTCOME_SUCCESS && message.outcome() <= v1::OUTCOME_IGNORED) {
        return Result{Result::Kind::kOutcome, message.outcome() - v1::OUTCOME_SUCCESS};
      }
      return BadField("RESULT_INVALID", "outcome", absl::StrCat(message.outcome()),
                      "use SUCCESS, FAILURE, TIMEOUT, RATE_LIMITED, CALLER_ERROR or IGNORED");
    case Message::kGrpcCode:
      result = Result::Grpc(message.grpc_code());
      if (Classification::IsValid(result)) return result;
      return BadField("RESULT_INVALID", "grpc_code", absl::StrCat(message.grpc_code()),
                      "use a gRPC status code between 0 and 16");
    case Message::kHttpStatus:
      result = Result::Http(message.http_status());
      if (Classification::IsValid(result)) return result;
      return BadField("RESULT_INVALID", "http_status", absl::StrCat(message.http_status()),
                      "use an HTTP status between 100 and 599");
    case Message::RESULT_NOT_SET:
      break;
  }
  return BadField("RESULT_MISSING", "result", "not set", "set outcome, grpc_code or http_status");
}

template <typename Message>
absl::StatusOr<Ending> ReadEnding(const Message& message) {
  Ending ending;
  const absl::StatusOr<Result> result = ReadResult(message);
  if (!result.ok()) return result.status();
  ending.result = *result;
  if (message.has_latency()) {
    const auto latency = ReadLatency(message.latency());
    if (!latency.ok()) return latency.status();
    ending.latency = *latency;
  }
  if (message.has_retry_after()) {
    const auto wait = ReadRetryAfter(message.retry_after());
    if (!wait.ok()) return wait.status();
    ending.retry_after = *wait;
  }
  return ending;
}

v1::Decision ShowDecision(const Decision& decision) {
  if (decision.allowed) return v1::DECISION_ALLOWED;
  return decision.first.has_value() ? v1::DECISION_DUPLICATE : v1::DECISION_DENIED;
}

v1::RetryAdvice ShowAdvice(const RetryAdvice& advice) {
  v1::RetryAdvice message;
  message.set_permitted(advice.permitted);
  message.set_reason(ToProto(advice.reason));
  *message.mutable_backoff() = ToProto(advice.backoff);
  if (advice.next_timeout > absl::ZeroDuration()) {
    *message.mutable_next_timeout() = ToProto(advice.next_timeout);
  }
  return message;
}

}  // namespace

absl::StatusOr<Question> FromProto(const v1::AllowRequest& message) {
  Question question{.attempt = std::max(message.attempt(), 1u),
                    .hedge = message.hedge(),
                    .idempotency_key = message.idempotency_key(),
                    .retry_unknown = message.retry_unknown()};
  if (!v1::Outcome_IsValid(message.previous_outcome())) {
    return BadField("OUTCOME_INVALID", "previous_outcome", absl::StrCat(message.previous_outcome()),
                    "use the `outcome` that Record answered, or leave it out");
  }
  if (message.previous_outcome() != v1::OUTCOME_UNSPECIFIED) {
    const auto outcome = static_cast<Outcome>(message.previous_outcome() - v1::OUTCOME_SUCCESS);
    if (IsFailure(outcome)) question.previous_failure = outcome;
  }
  if (message.has_lease()) {
    question.lease = FromProto(message.lease());
    if (question.lease < absl::Milliseconds(1)) {
      return BadField("LEASE_INVALID", "lease", absl::FormatDuration(question.lease),
                      "set it to at least 1ms, or leave it out");
    }
  }
  if (question.idempotency_key.empty()) return question;
  const absl::Status key = CheckIdempotencyKey(question.idempotency_key);
  if (!key.ok()) return key;
  return question;
}

absl::StatusOr<absl::Duration> MaxWaitOf(const v1::AllowRequest& message) {
  const absl::Duration wait = FromProto(message.max_wait());
  if (wait >= absl::ZeroDuration()) return wait;
  return BadField("MAX_WAIT_INVALID", "max_wait", absl::FormatDuration(wait),
                  "set it to at least 0, or leave it out");
}

absl::StatusOr<Ending> FromProto(const v1::RecordRequest& message) {
  absl::StatusOr<Ending> ending = ReadEnding(message);
  if (!ending.ok()) return ending;
  ending->client = message.client();
  ending->unsent = message.unsent();
  return ending;
}

absl::StatusOr<Ending> FromProto(const v1::BatchRecordItem& message) {
  constexpr uint32_t kMaxCount = 1'000'000;
  absl::StatusOr<Ending> ending = ReadEnding(message);
  if (!ending.ok()) return ending;
  if (!message.permit().empty() && (message.epoch() != 0 || message.count() != 0)) {
    return BadField("COUNT_INVALID", "permit", "set beside epoch or count",
                    "an item has a permit, or an epoch and a count");
  }
  if (message.count() > kMaxCount) {
    return BadField("COUNT_INVALID", "count", absl::StrCat(message.count()),
                    absl::StrCat("set it between 1 and ", kMaxCount));
  }
  ending->epoch = message.epoch();
  ending->calls = std::max(message.count(), 1u);
  return ending;
}

void Show(const Decision& decision, v1::AllowResponse& message) {
  message.set_decision(ShowDecision(decision));
  message.set_reason(ToProto(decision.reason));
  message.set_probe(decision.probe);
  message.set_state(ToProto(decision.state));
  message.set_epoch(decision.epoch);
  message.set_shadow_denied(decision.shadow_denied);
  if (message.decision() == v1::DECISION_DENIED) {
    Show(decision.retry_after, *message.mutable_retry_after());
  }
  if (decision.first.has_value()) message.set_first_call(ToProto(*decision.first));
  if (decision.lease > absl::ZeroDuration()) Show(decision.lease, *message.mutable_lease());
  if (decision.hedge_delay.has_value()) {
    Show(*decision.hedge_delay, *message.mutable_hedge_delay());
  }
}

v1::RecordResponse ToProto(const Verdict& verdict) {
  v1::RecordResponse message;
  message.set_state(ToProto(verdict.state));
  message.set_outcome(ToProto(verdict.outcome));
  message.set_counted(ToProto(verdict.counted));
  message.set_epoch(verdict.epoch);
  if (verdict.retry.has_value()) *message.mutable_retry() = ShowAdvice(*verdict.retry);
  return message;
}

}  // namespace fusebox
