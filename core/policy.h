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

// Whether an attempt that failed is worth another, and when: see Advise(). How many retries may be
// spent in all is the RetryBudgetPolicy's.
struct RetryPolicy {
  uint32_t max_attempts = 3;  // Of one call, with the first: 1 (no retries) to 100.

  // Before attempt n comes base_backoff (1ms to 1h) * backoff_multiplier (1 to 10) ^ (n - 2), at
  // most max_backoff (base_backoff to 1h). The part `jitter` of it (0 to 1) is random: 1 is full
  // jitter, 0.5 equal jitter.
  absl::Duration base_backoff = absl::Milliseconds(100);
  Share backoff_multiplier = Share::FromMillionths(2'000'000);
  absl::Duration max_backoff = absl::Seconds(10);
  Share jitter = Share::FromMillionths(Share::kOne);

  // What multiplies it (0 to 100): after a TIMEOUT, a RATE_LIMITED and a failure that never reached
  // the dependency; and where a success is predicted to be likely (above 0.5) or not (below 0.2).
  Share timeout_multiplier = Share::FromMillionths(2'000'000);
  Share rate_limit_multiplier = Share::FromMillionths(5'000'000);
  Share unsent_multiplier = Share::FromMillionths(500'000);
  Share likely_multiplier = Share::FromMillionths(500'000);
  Share unlikely_multiplier = Share::FromMillionths(3'000'000);

  // Nothing is retried while this share of the last minute's calls, of 20 or more, failed.
  Share failure_rate_limit = Share::FromMillionths(800'000);  // 0: off; up to 1.
  // Nothing is retried that is predicted to succeed with less than this probability, but for a
  // share that goes to find out. 0: nothing is predicted; up to 1.
  Share min_success_probability = Share::FromMillionths(100'000);
  Share explore_share = Share::FromMillionths(50'000);  // 0 to 1.

  // The time that attempt n gets: base_timeout (1ms to 1h) * timeout_growth (1 to 10) ^ (n - 1), at
  // most max_timeout (base_timeout to 1h).
  absl::Duration base_timeout = absl::ZeroDuration();  // 0: the caller decides.
  Share timeout_growth = Share::FromMillionths(1'500'000);
  absl::Duration max_timeout = absl::Minutes(1);

  friend bool operator==(const RetryPolicy&, const RetryPolicy&) = default;
};

// When to send a second copy of a call that is not answered yet: see HedgeDelay().
struct HedgePolicy {
  // After the time in which so many of the last calls were answered; or, until `min_samples` (1 to
  // 10,000) of them are known, after `delay`. Hedging is off where both are 0.
  Share percentile = {};      // 0: off; 0.5 to 0.9999.
  absl::Duration delay = {};  // 0: off; 1ms to 1h.
  uint32_t min_samples = 100;

  friend bool operator==(const HedgePolicy&, const HedgePolicy&) = default;
};

// How many calls may be made per time: see RateLimit.
struct RateLimitPolicy {
  uint32_t rate = 0;                      // Calls per `per`; 0: off; up to 1,000,000.
  absl::Duration per = absl::Seconds(1);  // 1ms to 1h.
  uint32_t burst = 0;                     // At once: 1 to 1,000,000; 0: as `rate`.

  bool on() const { return rate != 0; }
  friend bool operator==(const RateLimitPolicy&, const RateLimitPolicy&) = default;
};

// How many calls may be out at once: see Bulkhead.
struct BulkheadPolicy {
  uint32_t max_concurrent = 0;                       // 0: off; up to 100,000.
  absl::Duration lease_timeout = absl::Seconds(60);  // Of a lost holder: 1ms to 24h.

  bool on() const { return max_concurrent != 0; }
  friend bool operator==(const BulkheadPolicy&, const BulkheadPolicy&) = default;
};

// How calls wait for their turn, that ask to and that the rate limit or the bulkhead has nothing
// for now: see WaitQueue.
struct QueuePolicy {
  absl::Duration max_wait = absl::Seconds(10);  // At most, whatever is asked: 0 to 1min.
  uint32_t max_queue = 100;                     // At once, of one breaker: 0 to 100,000.

  friend bool operator==(const QueuePolicy&, const QueuePolicy&) = default;
};

// For how long calls are not repeated: see IdempotencyKeys.
struct IdempotencyPolicy {
  absl::Duration ttl = absl::ZeroDuration();  // 0: off; up to 24h.
  uint32_t max_keys = 10'000;                 // Remembered at once: 1 to 1,000,000.

  bool on() const { return ttl > absl::ZeroDuration(); }
  friend bool operator==(const IdempotencyPolicy&, const IdempotencyPolicy&) = default;
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
  RetryPolicy retry;
  HedgePolicy hedge;
  RateLimitPolicy rate_limit;
  BulkheadPolicy bulkhead;
  QueuePolicy queue;
  IdempotencyPolicy idempotency;

  friend bool operator==(const Policy&, const Policy&) = default;
};

// Everything that is wrong with these numbers; empty if nothing is.
std::vector<FieldError> Validate(const Policy& policy);
std::vector<FieldError> Validate(const RetryBudgetPolicy& policy, absl::string_view prefix);
std::vector<FieldError> Validate(const RetryPolicy& policy, absl::string_view prefix);
std::vector<FieldError> Validate(const HedgePolicy& policy, absl::string_view prefix);

// Whether `name` can name a policy or a retry budget: [a-z0-9-], 1 to 63 characters.
bool IsResourceName(absl::string_view name);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_POLICY_H_
