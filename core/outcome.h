#ifndef FUSEBOX_CORE_OUTCOME_H_
#define FUSEBOX_CORE_OUTCOME_H_

#include <cstdint>

namespace fusebox {

// How a call ended. Slowness is no outcome: it follows from the latency.
enum class Outcome : uint8_t {
  kSuccess,
  kFailure,
  kTimeout,
  kRateLimited,
  kCallerError,
  kIgnored,
};

// A failure for rates, the quorum, probes and health.
constexpr bool IsFailure(Outcome outcome) {
  return outcome == Outcome::kFailure || outcome == Outcome::kTimeout ||
         outcome == Outcome::kRateLimited;
}

// A success for the breaker: the dependency answered.
constexpr bool IsSuccess(Outcome outcome) {
  return outcome == Outcome::kSuccess || outcome == Outcome::kCallerError;
}

}  // namespace fusebox

#endif  // FUSEBOX_CORE_OUTCOME_H_
