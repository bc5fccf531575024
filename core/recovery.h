#ifndef FUSEBOX_CORE_RECOVERY_H_
#define FUSEBOX_CORE_RECOVERY_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "core/policy.h"
#include "core/replay_filter.h"
#include "core/share.h"
#include "core/tick.h"
#include "core/transition.h"

namespace fusebox {

// What a breaker remembers from its first trip on.
struct Recovery {
  // A probe that is out.
  struct Lease {
    uint64_t permit;
    Tick expires;
  };

  // A finished epoch, kept so that its late outcomes are told apart from repeated ones.
  struct PastEpoch {
    uint64_t epoch;
    uint64_t granted;
    ReplayFilter returned;
  };

  static constexpr size_t kPastEpochs = 3;  // CLOSED, OPEN and HALF_OPEN of one round.

  Tick open_until;
  uint32_t reopens = 0;

  std::vector<Lease> leases;  // In the order of their expiry; at most max_probes.
  uint32_t passed = 0;        // Probes that voted for closing.
  uint32_t expired = 0;       // Leases that ran out since the last vote.

  uint32_t closed_calls = 0;    // Calls counted in this state, at most 1,000,000.
  bool recovered = false;       // Closed for so long that all is forgotten, or told to forget it.
  int64_t ramp_credit = 0;      // Millionths of a call that ramping has saved up.
  std::vector<PastEpoch> past;  // The most recent last.
  Transition last;
};

// What is kept of a breaker that is not CLOSED, so that its outage outlives its server.
struct Outage {
  State state = State::kOpen;
  Tick open_until = {};
  uint32_t reopens = 0;
  Transition last = {};
};

// How long to stay open after `reopens` re-opens in a row: open_duration * open_multiplier ^
// reopens, +- jitter by `random_bits`, between 1ms and max_open_duration.
absl::Duration OpenWait(const CircuitBreakerPolicy& policy, uint32_t reopens, uint64_t random_bits);

// The share of calls to admit so long after closing: grows evenly from ramp_initial to all.
Share RampShareAfter(const CircuitBreakerPolicy& policy, absl::Duration closed_for);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_RECOVERY_H_
