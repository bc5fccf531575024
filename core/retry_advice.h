#ifndef FUSEBOX_CORE_RETRY_ADVICE_H_
#define FUSEBOX_CORE_RETRY_ADVICE_H_

#include <cstdint>

#include "absl/time/time.h"
#include "core/outcome.h"
#include "core/outcome_window.h"
#include "core/policy.h"

namespace fusebox {

// Why a retry is worth it or not, in the order in which it is asked.
enum class RetryReason : uint8_t {
  kOk,                 // Permitted.
  kExploring,          // Permitted, though unlikely: somebody has to find out.
  kNotRetryable,       // It did not fail, or would fail again in the same way.
  kAttemptsExhausted,  // It was the last of max_attempts.
  kOpen,               // The breaker refuses for longer than max_backoff.
  kRetryAfter,         // The dependency asked for longer than max_backoff.
  kBudgetEmpty,        // The retry budget holds no retry.
  kFailing,            // failure_rate_limit of the last minute's calls failed.
  kUnlikely,           // It would succeed with less than min_success_probability.
};

// What is known when an attempt has ended.
struct RetryInputs {
  Outcome outcome = Outcome::kFailure;
  uint32_t attempt = 1;  // Which one ended: 1 (or 0) for the first.
  // The caller knows that nothing reached the dependency, as when its connection was refused. No
  // status code says so: gRPC's UNAVAILABLE also ends calls that were being answered.
  bool unsent = false;                                // Its multiplier goes before the outcome's.
  absl::Duration retry_after = absl::ZeroDuration();  // The dependency's; 0: it asked for nothing.
  absl::Duration open_for =
      absl::ZeroDuration();  // The breaker's retry_after; 0 while it is CLOSED.
  bool budget_has_retry = true;
  WindowCounts last_minute = {};   // All calls, of all clients: TimeWindow(absl::Minutes(1), now).
  double success_probability = 1;  // RetryEstimate's, for the next attempt.
  uint64_t random_bits = 0;
};

// What to do. A client that follows it asks Allow(attempt + 1) when the backoff is over: the
// breaker and the budget have the last word.
struct RetryAdvice {
  bool permitted = false;  // kOk or kExploring.
  RetryReason reason = RetryReason::kNotRetryable;
  // Permitted: how long to wait. kOpen, kRetryAfter: how long it was asked to stay away. Else 0.
  absl::Duration backoff = absl::ZeroDuration();
  absl::Duration next_timeout = absl::ZeroDuration();  // For the next attempt; 0: none is offered.

  friend bool operator==(const RetryAdvice&, const RetryAdvice&) = default;
};

// A success is predicted to be likely above the one, and not below the other.
inline constexpr double kLikelyAbove = 0.5;
inline constexpr double kUnlikelyBelow = 0.2;

// Of fewer calls in the last minute, no failure rate is taken.
inline constexpr uint32_t kFailureRateMinimumCalls = 20;

// Whether another attempt is worth it, and after what backoff. With u random in [0, 1):
//
//   grown   = min(max_backoff, base_backoff * backoff_multiplier ^ (attempt - 1))
//   whole   = min(max_backoff, grown * multiplier of the outcome * multiplier of the prediction)
//   backoff = min(max_backoff, asked + whole * (1 - jitter * u))
//   asked   = max(retry_after, open_for)
//
// So a permitted backoff is at least what was asked for and at most max_backoff, and those who were
// told the same moment do not return in it together. jitter 1 and 0.5 are "full" and "equal" jitter
// of M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
//
// The same inputs give the same advice. The low half of `random_bits` is u, the high half says who
// explores. Durations saturate and are rounded down to a quarter of a nanosecond.
RetryAdvice Advise(const RetryPolicy& policy, const RetryInputs& inputs);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_RETRY_ADVICE_H_
