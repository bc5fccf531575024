// Counts the errors that calls ended with, by the stable reason that programs branch on.
//
//   ErrorCounts errors;
//   errors.Count(status);      // grpc::Status with ErrorInfo{BREAKER_NAME_INVALID, "fusebox"}
//   errors.Collect();          // fusebox_errors_total{reason="BREAKER_NAME_INVALID"} 1
//
// The label's values are those below and "other", whatever a status says.
#ifndef FUSEBOX_SERVER_METRICS_ERROR_COUNTS_H_
#define FUSEBOX_SERVER_METRICS_ERROR_COUNTS_H_

#include <grpcpp/support/status.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "prometheus/metric_family.h"

namespace fusebox {

// Thread-safe.
class ErrorCounts {
 public:
  // Every reason that an error of this server may have, sorted. A test holds it to the source.
  static constexpr std::array<absl::string_view, 80> kReasons = {
      "ACTOR_INVALID",          "ALREADY_SUBSCRIBED",
      "BATCH_ID_INVALID",       "BATCH_ID_MISSING",
      "BATCH_RUNNING",          "BATCH_TOO_LARGE",
      "BREAKER_NAME_INVALID",   "BREAKER_NOT_FOUND",
      "BREAKER_OVERRIDDEN",     "CAUSE_INVALID",
      "CERTIFICATE_EXPIRED",    "CERTIFICATE_UNKNOWN",
      "CLIENT_NAME_INVALID",    "COUNT_INVALID",
      "CREDENTIALS_MISSING",    "DRAINING",
      "DRILL_INVALID",          "ETAG_STALE",
      "GLOB_INVALID",           "GRANTS_CHANGED",
      "HANDLE_INVALID",         "HELLO_INVALID",
      "HELLO_MISSING",          "IDEMPOTENCY_KEY_INVALID",
      "LATENCY_INVALID",        "LEASE_INVALID",
      "LIBRARY_INVALID",        "MAX_WAIT_INVALID",
      "MESSAGE_TOO_LARGE",      "NOT_DURABLE",
      "OUTCOME_INVALID",        "OVERRIDE_INVALID",
      "OVERRIDE_MODE_INVALID",  "OVERRIDE_NOT_FOUND",
      "PAGE_SIZE_INVALID",      "PAGE_TOKEN_INVALID",
      "PERMISSION_DENIED",      "PERMIT_INVALID",
      "POLICY_INVALID",         "POLICY_MATCH_TIE",
      "POLICY_NAME_TAKEN",      "POLICY_NOT_FOUND",
      "POLICY_READ_ONLY",       "REASON_INVALID",
      "RESULT_INVALID",         "RESULT_MISSING",
      "RESUME_TOKEN_INVALID",   "RESUME_TOKEN_STALE",
      "RETRY_AFTER_INVALID",    "RETRY_BUDGET_INVALID",
      "RETRY_BUDGET_IN_USE",    "RETRY_BUDGET_NAME_TAKEN",
      "RETRY_BUDGET_NOT_FOUND", "RETRY_BUDGET_READ_ONLY",
      "RETRY_BUDGET_UNKNOWN",   "SEQUENCE_INVALID",
      "SERVICE_NOT_FOUND",      "SESSION_ID_INVALID",
      "SESSION_ID_IN_USE",      "SESSION_REPLACED",
      "STATE_INVALID",          "STORE_CORRUPT",
      "STORE_FAILED",           "TIME_INVALID",
      "TOKEN_INVALID",          "TOKEN_UNKNOWN",
      "TOO_MANY_BATCHES",       "TOO_MANY_BREAKERS",
      "TOO_MANY_CHANGES",       "TOO_MANY_FALLBACKS",
      "TOO_MANY_HEALTH_WALKS",  "TOO_MANY_OVERRIDES",
      "TOO_MANY_POLICIES",      "TOO_MANY_RETRY_BUDGETS",
      "TOO_MANY_SESSIONS",      "TOO_MANY_SUBSCRIPTIONS",
      "TOO_MANY_WATCHERS",      "TTL_INVALID",
      "UPDATE_MASK_INVALID",    "WATCH_TOO_SLOW"};

  // Takes no notice of a status without a reason of this server's, such as OK or gRPC's own errors:
  // those are counted by their code, elsewhere.
  void Count(const grpc::Status& status);

  prometheus::MetricFamily Collect() const;

 private:
  std::array<std::atomic<uint64_t>, kReasons.size() + 1> counts_{};  // The last: other reasons.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_ERROR_COUNTS_H_
