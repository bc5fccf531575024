#ifndef FUSEBOX_CORE_POLICY_H_
#define FUSEBOX_CORE_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/classification.h"
#include "core/error.h"
#include "core/share.h"

namespace fusebox {

// When a breaker opens and how it recovers. The defaults are the textbook breaker.
//
// Ranges are checked by Validate(), once, where a policy enters; everything else may rely on them.
// An explicit 0 switches off the rules that say "0: off".
struct CircuitBreakerPolicy {
  // What the rates are measured over: this long in ten buckets (100ms to 1h), or, when
  // `window_calls` is not 0, the last so many calls (1 to 10,000).
  absl::Duration window_duration = absl::Seconds(10);
  uint32_t window_calls = 0;

  // Any of these opens it, once `min_failing_clients` (1 to 64) distinct clients failed inside the
  // window. Rates need `minimum_calls` (1 to 1,000,000) in the window.
  uint32_t consecutive_failures = 5;                              // 0: off; up to 1,000,000.
  Share failure_rate_threshold = Share::FromMillionths(500'000);  // 0: off; up to 1.
  Share slow_call_rate_threshold;                                 // 0: off; up to 1.
  absl::Duration slow_call_duration_threshold;                    // 1ms to 24h when that is on.
  uint32_t minimum_calls = 20;
  uint32_t min_failing_clients = 1;

  // The wait is open_duration (1ms to 1h) * open_multiplier (1 to 10) ^ re-opens, +- jitter (0 to
  // 1), then at most max_open_duration (open_duration to 24h).
  absl::Duration open_duration = absl::Seconds(30);
  Share open_multiplier = Share::FromMillionths(Share::kOne);
  Share jitter;
  absl::Duration max_open_duration = absl::Minutes(10);
  // A RATE_LIMITED outcome with a Retry-After opens it for that long, under the same quorum and
  // cap.
  bool honor_retry_after = false;

  uint32_t max_probes = 3;                              // Leases at once: 1 to 1,000.
  uint32_t success_threshold = 2;                       // Votes that close it: 1 to 1,000.
  absl::Duration probe_timeout = absl::Seconds(60);     // Of a lease: 1ms to 1h.
  absl::Duration ramp_duration = absl::ZeroDuration();  // 0: off; up to 1h.
  Share ramp_initial = Share::FromMillionths(100'000);  // 0.000001 to 1.

  friend bool operator==(const CircuitBreakerPolicy&, const CircuitBreakerPolicy&) = default;
};

// How many retries may be spent: see RetryBudget.
struct RetryBudgetPolicy {
  Share retry_ratio = Share::FromMillionths(200'000);  // 0 to 1000, in thousandths.
  uint32_t min_retries_per_second = 10;                // 0 to 1,000,000.
  absl::Duration window = absl::Seconds(10);           // 1s to 1min.

  friend bool operator==(const RetryBudgetPolicy&, const RetryBudgetPolicy&) = default;
};

// More services than that are better told apart by their names, or by several policies.
inline constexpr size_t kMaxGlobsPerPolicy = 64;

// All numbers of one policy.
struct Policy {
  std::string name = "default";
  std::vector<std::string> match;  // 1 to 64 globs; none for "default", which matches all.
  CircuitBreakerPolicy circuit_breaker;
  ClassificationRules classification;
  RetryBudgetPolicy retry_budget;   // Private to each breaker, unless
  std::string shared_retry_budget;  // this names one that breakers share.

  friend bool operator==(const Policy&, const Policy&) = default;
};

// Everything that is wrong with these numbers; empty if nothing is.
std::vector<FieldError> Validate(const Policy& policy);
std::vector<FieldError> Validate(const RetryBudgetPolicy& policy, absl::string_view prefix);

// Whether `name` can name a policy or a retry budget: [a-z0-9-], 1 to 63 characters.
bool IsResourceName(absl::string_view name);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_POLICY_H_
