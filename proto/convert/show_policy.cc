// Policies, from core's numbers to the schema: every number, also those that nobody had set.
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/convert/convert.h"

namespace fusebox {
namespace {

v1::CircuitBreakerSettings ShowBreakerSettings(const CircuitBreakerPolicy& from) {
  v1::CircuitBreakerSettings to;
  if (from.window_calls != 0) {
    to.set_window_calls(from.window_calls);
  } else {
    *to.mutable_window_duration() = ToProto(from.window_duration);
  }
  to.set_consecutive_failures(from.consecutive_failures);
  to.set_failure_rate_threshold(from.failure_rate_threshold.fraction());
  to.set_slow_call_rate_threshold(from.slow_call_rate_threshold.fraction());
  *to.mutable_slow_call_duration_threshold() = ToProto(from.slow_call_duration_threshold);
  to.set_minimum_calls(from.minimum_calls);
  to.set_min_failing_clients(from.min_failing_clients);
  *to.mutable_open_duration() = ToProto(from.open_duration);
  to.set_open_multiplier(from.open_multiplier.fraction());
  to.set_jitter(from.jitter.fraction());
  *to.mutable_max_open_duration() = ToProto(from.max_open_duration);
  to.set_honor_retry_after(from.honor_retry_after);
  to.set_max_probes(from.max_probes);
  to.set_success_threshold(from.success_threshold);
  *to.mutable_probe_timeout() = ToProto(from.probe_timeout);
  *to.mutable_ramp_duration() = ToProto(from.ramp_duration);
  to.set_ramp_initial(from.ramp_initial.fraction());
  return to;
}

v1::Classification ShowClassification(const ClassificationRules& from) {
  v1::Classification to;
  for (const auto& [code, outcome] : from.grpc) {
    const auto name = absl::StatusCodeToString(static_cast<absl::StatusCode>(code));
    (*to.mutable_grpc())[name] = ToProto(outcome);
  }
  for (const auto& [status, outcome] : from.http) {
    (*to.mutable_http())[absl::StrCat(status)] = ToProto(outcome);
  }
  for (const auto& [digit, outcome] : from.http_family) {
    (*to.mutable_http())[absl::StrCat(digit, "xx")] = ToProto(outcome);
  }
  return to;
}

v1::RetryBudgetSettings ShowBudget(const RetryBudgetPolicy& from) {
  v1::RetryBudgetSettings to;
  to.set_retry_ratio(from.retry_ratio.fraction());
  to.set_min_retries_per_second(from.min_retries_per_second);
  *to.mutable_window() = ToProto(from.window);
  return to;
}

v1::RetrySettings ShowRetry(const RetryPolicy& from) {
  v1::RetrySettings to;
  to.set_max_attempts(from.max_attempts);
  *to.mutable_base_backoff() = ToProto(from.base_backoff);
  to.set_backoff_multiplier(from.backoff_multiplier.fraction());
  *to.mutable_max_backoff() = ToProto(from.max_backoff);
  to.set_jitter(from.jitter.fraction());
  to.set_timeout_multiplier(from.timeout_multiplier.fraction());
  to.set_rate_limit_multiplier(from.rate_limit_multiplier.fraction());
  to.set_unsent_multiplier(from.unsent_multiplier.fraction());
  to.set_likely_multiplier(from.likely_multiplier.fraction());
  to.set_unlikely_multiplier(from.unlikely_multiplier.fraction());
  to.set_retry_failure_rate_limit(from.failure_rate_limit.fraction());
  to.set_min_success_probability(from.min_success_probability.fraction());
  to.set_explore_share(from.explore_share.fraction());
  *to.mutable_base_timeout() = ToProto(from.base_timeout);
  to.set_timeout_growth(from.timeout_growth.fraction());
  *to.mutable_max_timeout() = ToProto(from.max_timeout);
  return to;
}

v1::HedgeSettings ShowHedge(const HedgePolicy& from) {
  v1::HedgeSettings to;
  to.set_percentile(from.percentile.fraction());
  *to.mutable_delay() = ToProto(from.delay);
  to.set_min_samples(from.min_samples);
  return to;
}

// Rate limit, bulkhead, queue and idempotency keys.
void ShowLimits(const Policy& from, v1::Policy& to) {
  v1::RateLimitSettings& rate_limit = *to.mutable_rate_limit();
  rate_limit.set_rate(from.rate_limit.rate);
  *rate_limit.mutable_per() = ToProto(from.rate_limit.per);
  rate_limit.set_burst(from.rate_limit.burst);
  to.mutable_bulkhead()->set_max_concurrent(from.bulkhead.max_concurrent);
  *to.mutable_bulkhead()->mutable_lease_timeout() = ToProto(from.bulkhead.lease_timeout);
  *to.mutable_queue()->mutable_max_wait() = ToProto(from.queue.max_wait);
  to.mutable_queue()->set_max_queue(from.queue.max_queue);
  *to.mutable_idempotency()->mutable_ttl() = ToProto(from.idempotency.ttl);
  to.mutable_idempotency()->set_max_keys(from.idempotency.max_keys);
}

}  // namespace

v1::Policy ToProto(const Policy& policy) {
  v1::Policy message;
  message.set_name(policy.name);
  for (const std::string& glob : policy.match) message.add_match(glob);
  *message.mutable_circuit_breaker() = ShowBreakerSettings(policy.circuit_breaker);
  *message.mutable_classification() = ShowClassification(policy.classification);
  if (policy.shared_retry_budget.empty()) {
    *message.mutable_retry_budget() = ShowBudget(policy.retry_budget);
  } else {
    message.set_shared_retry_budget(policy.shared_retry_budget);
  }
  *message.mutable_retry() = ShowRetry(policy.retry);
  *message.mutable_hedge() = ShowHedge(policy.hedge);
  ShowLimits(policy, message);
  return message;
}

}  // namespace fusebox
