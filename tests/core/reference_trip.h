#ifndef FUSEBOX_TESTS_CORE_REFERENCE_TRIP_H_
#define FUSEBOX_TESTS_CORE_REFERENCE_TRIP_H_

#include <cstdint>

#include "absl/time/time.h"
#include "core/guard.h"
#include "core/reference_calls.h"

namespace fusebox {

// When the reference model opens, as the schema says it.

inline bool IsBad(Outcome outcome) {
  return outcome == Outcome::kFailure || outcome == Outcome::kTimeout ||
         outcome == Outcome::kRateLimited;
}

inline bool IsSlow(const CircuitBreakerPolicy& policy, const Ending& ending) {
  return policy.slow_call_rate_threshold.on() && ending.latency.has_value() &&
         *ending.latency >= policy.slow_call_duration_threshold;
}

inline bool AsksToStayAway(const CircuitBreakerPolicy& policy, const Ending& ending,
                           Outcome outcome) {
  return policy.honor_retry_after && outcome == Outcome::kRateLimited &&
         ending.retry_after.has_value() && *ending.retry_after > absl::ZeroDuration();
}

// After a call that was counted while CLOSED; `run` is how many failed in a row.
inline Cause WhyTrip(const CircuitBreakerPolicy& policy, const ReferenceCalls& calls, uint32_t run,
                     const Ending& ending, Outcome outcome, Tick now) {
  const bool enough_failed = calls.EnoughFailed(policy, now);
  if (enough_failed && AsksToStayAway(policy, ending, outcome)) return Cause::kRetryAfter;
  const uint32_t longest = policy.consecutive_failures;
  if (enough_failed && longest != 0 && run >= longest) return Cause::kConsecutiveFailures;
  const WindowCounts window = calls.Window(policy, now);
  if (window.calls < policy.minimum_calls) return Cause::kNone;
  const auto reached = [&](Share threshold, uint64_t part) {
    return threshold.on() &&
           part * 1'000'000 >= static_cast<uint64_t>(threshold.millionths()) * window.calls;
  };
  if (enough_failed && reached(policy.failure_rate_threshold, window.failures)) {
    return Cause::kFailureRate;
  }
  if (calls.EnoughWereSlow(policy, now) && reached(policy.slow_call_rate_threshold, window.slow)) {
    return Cause::kSlowCallRate;
  }
  return Cause::kNone;
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_REFERENCE_TRIP_H_
