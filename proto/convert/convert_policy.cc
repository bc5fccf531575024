// Policies and retry budgets, from the schema to core's numbers.
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"

namespace fusebox {
namespace {

void Complain(absl::string_view field, absl::string_view value, absl::string_view remedy,
              std::vector<FieldError>& errors) {
  errors.push_back({std::string(field), absl::StrCat(field, " is ", value, "; ", remedy)});
}

void ReadWindow(const v1::CircuitBreakerSettings& from, CircuitBreakerPolicy& to,
                std::vector<FieldError>& errors) {
  if (from.has_window_duration()) to.window_duration = FromProto(from.window_duration());
  if (!from.has_window_calls()) return;
  to.window_calls = from.window_calls();
  // In core 0 stands for a window by time; someone who wrote 0 meant something else.
  if (to.window_calls == 0) {
    Complain("circuit_breaker.window_calls", "0",
             "set it between 1 and 10000, or use window_duration", errors);
  }
  // The default must not make a small window useless.
  to.minimum_calls = std::clamp<uint32_t>(to.window_calls, 1, to.minimum_calls);
}

void ReadTripConditions(const v1::CircuitBreakerSettings& from, CircuitBreakerPolicy& to) {
  if (from.has_consecutive_failures()) to.consecutive_failures = from.consecutive_failures();
  if (from.has_failure_rate_threshold()) {
    to.failure_rate_threshold = Share::FromFraction(from.failure_rate_threshold());
  }
  if (from.has_slow_call_rate_threshold()) {
    to.slow_call_rate_threshold = Share::FromFraction(from.slow_call_rate_threshold());
  }
  if (from.has_slow_call_duration_threshold()) {
    to.slow_call_duration_threshold = FromProto(from.slow_call_duration_threshold());
  }
  if (from.has_minimum_calls()) to.minimum_calls = from.minimum_calls();
  if (from.has_min_failing_clients()) to.min_failing_clients = from.min_failing_clients();
}

void ReadRecovery(const v1::CircuitBreakerSettings& from, CircuitBreakerPolicy& to) {
  if (from.has_open_duration()) to.open_duration = FromProto(from.open_duration());
  // The default cap must not cut short a wait that was asked for.
  to.max_open_duration = std::max(to.max_open_duration, to.open_duration);
  if (from.has_open_multiplier()) to.open_multiplier = Share::FromFraction(from.open_multiplier());
  if (from.has_jitter()) to.jitter = Share::FromFraction(from.jitter());
  if (from.has_max_open_duration()) to.max_open_duration = FromProto(from.max_open_duration());
  to.honor_retry_after = from.honor_retry_after();
  if (from.has_max_probes()) to.max_probes = from.max_probes();
  if (from.has_success_threshold()) to.success_threshold = from.success_threshold();
  if (from.has_probe_timeout()) to.probe_timeout = FromProto(from.probe_timeout());
  if (from.has_ramp_duration()) to.ramp_duration = FromProto(from.ramp_duration());
  if (from.has_ramp_initial()) to.ramp_initial = Share::FromFraction(from.ramp_initial());
}

// The outcome of one entry of a classification; complains and returns false if it is none.
bool ReadOutcome(absl::string_view field, int value, Outcome& outcome,
                 std::vector<FieldError>& errors) {
  if (value >= v1::OUTCOME_SUCCESS && value <= v1::OUTCOME_IGNORED) {
    outcome = static_cast<Outcome>(value - v1::OUTCOME_SUCCESS);
    return true;
  }
  Complain(field, absl::StrCat(value),
           "use SUCCESS, FAILURE, TIMEOUT, RATE_LIMITED, CALLER_ERROR or IGNORED", errors);
  return false;
}

int GrpcCodeOf(absl::string_view name) {
  for (int code = 0; code <= Classification::kMaxGrpcCode; ++code) {
    // Abseil's codes are gRPC's, number by number.
    if (absl::StatusCodeToString(static_cast<absl::StatusCode>(code)) == name) return code;
  }
  return -1;
}

void ReadHttp(absl::string_view key, Outcome outcome, ClassificationRules& rules,
              std::vector<FieldError>& errors) {
  int status = 0;
  if (key.size() == 3 && key.substr(1) == "xx" && key[0] >= '1' && key[0] <= '5') {
    rules.http_family[key[0] - '0'] = outcome;
  } else if (absl::SimpleAtoi(key, &status) && Classification::IsValid(Result::Http(status))) {
    rules.http[status] = outcome;
  } else {
    Complain("classification.http", QuoteForError(key),
             "use a status between 100 and 599, or a class like 5xx", errors);
  }
}

ClassificationRules ReadClassification(const v1::Classification& message,
                                       std::vector<FieldError>& errors) {
  ClassificationRules rules;
  Outcome outcome = Outcome::kSuccess;
  for (const auto& [name, value] : message.grpc()) {
    if (!ReadOutcome(absl::StrCat("classification.grpc.", name), value, outcome, errors)) continue;
    const int code = GrpcCodeOf(name);
    if (code >= 0) {
      rules.grpc[code] = outcome;
    } else {
      Complain("classification.grpc", QuoteForError(name),
               "use the name of a gRPC status code, like NOT_FOUND", errors);
    }
  }
  for (const auto& [key, value] : message.http()) {
    if (!ReadOutcome(absl::StrCat("classification.http.", key), value, outcome, errors)) continue;
    ReadHttp(key, outcome, rules, errors);
  }
  return rules;
}

RetryBudgetPolicy ReadBudget(const v1::RetryBudgetSettings& from) {
  RetryBudgetPolicy to;
  if (from.has_retry_ratio()) to.retry_ratio = Share::FromFraction(from.retry_ratio());
  if (from.has_min_retries_per_second()) to.min_retries_per_second = from.min_retries_per_second();
  if (from.has_window()) to.window = FromProto(from.window());
  return to;
}

void ReadDuration(bool is_set, const google::protobuf::Duration& from, absl::Duration& to) {
  if (is_set) to = FromProto(from);
}

void ReadShare(bool is_set, double from, Share& to) {
  if (is_set) to = Share::FromFraction(from);
}

void ReadBackoff(const v1::RetrySettings& from, RetryPolicy& to) {
  if (from.has_max_attempts()) to.max_attempts = from.max_attempts();
  ReadDuration(from.has_base_backoff(), from.base_backoff(), to.base_backoff);
  // The default cap must not cut short a backoff that was asked for.
  to.max_backoff = std::max(to.max_backoff, to.base_backoff);
  ReadShare(from.has_backoff_multiplier(), from.backoff_multiplier(), to.backoff_multiplier);
  ReadDuration(from.has_max_backoff(), from.max_backoff(), to.max_backoff);
  ReadShare(from.has_jitter(), from.jitter(), to.jitter);
  ReadShare(from.has_timeout_multiplier(), from.timeout_multiplier(), to.timeout_multiplier);
  ReadShare(from.has_rate_limit_multiplier(), from.rate_limit_multiplier(),
            to.rate_limit_multiplier);
  ReadShare(from.has_unsent_multiplier(), from.unsent_multiplier(), to.unsent_multiplier);
  ReadShare(from.has_likely_multiplier(), from.likely_multiplier(), to.likely_multiplier);
  ReadShare(from.has_unlikely_multiplier(), from.unlikely_multiplier(), to.unlikely_multiplier);
}

RetryPolicy ReadRetry(const v1::RetrySettings& from) {
  RetryPolicy to;
  ReadBackoff(from, to);
  ReadShare(from.has_retry_failure_rate_limit(), from.retry_failure_rate_limit(),
            to.failure_rate_limit);
  ReadShare(from.has_min_success_probability(), from.min_success_probability(),
            to.min_success_probability);
  ReadShare(from.has_explore_share(), from.explore_share(), to.explore_share);
  ReadDuration(from.has_base_timeout(), from.base_timeout(), to.base_timeout);
  ReadShare(from.has_timeout_growth(), from.timeout_growth(), to.timeout_growth);
  to.max_timeout = std::max(to.max_timeout, to.base_timeout);
  ReadDuration(from.has_max_timeout(), from.max_timeout(), to.max_timeout);
  return to;
}

HedgePolicy ReadHedge(const v1::HedgeSettings& from) {
  HedgePolicy to;
  ReadShare(from.has_percentile(), from.percentile(), to.percentile);
  ReadDuration(from.has_delay(), from.delay(), to.delay);
  if (from.has_min_samples()) to.min_samples = from.min_samples();
  return to;
}

RateLimitPolicy ReadRateLimit(const v1::RateLimitSettings& from) {
  RateLimitPolicy to;
  if (from.has_rate()) to.rate = from.rate();
  ReadDuration(from.has_per(), from.per(), to.per);
  if (from.has_burst()) to.burst = from.burst();
  return to;
}

BulkheadPolicy ReadBulkhead(const v1::BulkheadSettings& from) {
  BulkheadPolicy to;
  if (from.has_max_concurrent()) to.max_concurrent = from.max_concurrent();
  ReadDuration(from.has_lease_timeout(), from.lease_timeout(), to.lease_timeout);
  return to;
}

QueuePolicy ReadQueue(const v1::QueueSettings& from) {
  QueuePolicy to;
  ReadDuration(from.has_max_wait(), from.max_wait(), to.max_wait);
  if (from.has_max_queue()) to.max_queue = from.max_queue();
  return to;
}

IdempotencyPolicy ReadIdempotency(const v1::IdempotencySettings& from) {
  IdempotencyPolicy to;
  ReadDuration(from.has_ttl(), from.ttl(), to.ttl);
  if (from.has_max_keys()) to.max_keys = from.max_keys();
  return to;
}

}  // namespace

RetryBudgetPolicy FromProto(const v1::RetryBudgetSettings& message, absl::string_view prefix,
                            std::vector<FieldError>& errors) {
  const RetryBudgetPolicy policy = ReadBudget(message);
  for (FieldError& error : Validate(policy, prefix)) errors.push_back(std::move(error));
  return policy;
}

Policy FromProto(const v1::Policy& message, std::vector<FieldError>& errors) {
  Policy policy;
  policy.name = message.name();
  policy.match = {message.match().begin(), message.match().end()};
  ReadWindow(message.circuit_breaker(), policy.circuit_breaker, errors);
  ReadTripConditions(message.circuit_breaker(), policy.circuit_breaker);
  ReadRecovery(message.circuit_breaker(), policy.circuit_breaker);
  policy.classification = ReadClassification(message.classification(), errors);
  policy.retry_budget = ReadBudget(message.retry_budget());
  policy.shared_retry_budget = message.shared_retry_budget();
  policy.retry = ReadRetry(message.retry());
  policy.hedge = ReadHedge(message.hedge());
  policy.rate_limit = ReadRateLimit(message.rate_limit());
  policy.bulkhead = ReadBulkhead(message.bulkhead());
  policy.queue = ReadQueue(message.queue());
  policy.idempotency = ReadIdempotency(message.idempotency());
  for (FieldError& error : Validate(policy)) errors.push_back(std::move(error));
  return policy;
}

}  // namespace fusebox
