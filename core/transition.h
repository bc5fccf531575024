#ifndef FUSEBOX_CORE_TRANSITION_H_
#define FUSEBOX_CORE_TRANSITION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/time/time.h"
#include "core/outcome_window.h"
#include "core/state.h"
#include "core/tick.h"

namespace fusebox {

// Why a breaker changed state.
enum class Cause : uint8_t {
  kNone,
  kConsecutiveFailures,
  kFailureRate,
  kSlowCallRate,
  kRetryAfter,
  kWaitOver,
  kProbeFailed,
  kProbesExpired,
  kProbesSucceeded,
  kReset,
  kDeleted,
  // What happens to overrides changes no state.
  kOverridden,
  kOverrideCleared,
  kOverrideExpired,
};

// What happens because time goes on, whoever's call notices it.
constexpr bool IsOfTime(Cause cause) {
  return cause == Cause::kWaitOver || cause == Cause::kProbesExpired ||
         cause == Cause::kOverrideExpired;
}

// One change of state, with what the breaker saw at that moment, before it forgot.
struct Transition {
  uint64_t number = 0;  // Counts all transitions of one server, from 1.
  State from = State::kClosed;
  State to = State::kClosed;
  Cause cause = Cause::kNone;
  uint64_t epoch = 0;  // The new one.
  Tick time = {};
  WindowCounts window = {};
  uint32_t consecutive_failures = 0;
  std::vector<std::string> failing_clients = {};
  absl::Duration open_for = {};  // The wait, when it opened.
};

// Nearly every operation causes none, and the rest one.
using Transitions = absl::InlinedVector<Transition, 1>;

// What a transition draws on besides time. Called under the owner's lock: must not block.
class TransitionSource {
 public:
  virtual ~TransitionSource() = default;

  // Greater than every epoch handed out before.
  virtual uint64_t NextEpoch() = 0;
  // One more than the last.
  virtual uint64_t NextNumber() = 0;
  // 64 independent random bits.
  virtual uint64_t RandomBits() = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_TRANSITION_H_
