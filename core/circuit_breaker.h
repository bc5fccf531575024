#ifndef FUSEBOX_CORE_CIRCUIT_BREAKER_H_
#define FUSEBOX_CORE_CIRCUIT_BREAKER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/failing_clients.h"
#include "core/outcome.h"
#include "core/outcome_window.h"
#include "core/permit_id.h"
#include "core/policy.h"
#include "core/reason.h"
#include "core/recovery.h"
#include "core/replay_filter.h"
#include "core/tally.h"
#include "core/tick.h"
#include "core/transition.h"

namespace fusebox {

// What became of a recorded outcome.
enum class Counted : uint8_t { kCounted, kLate, kRepeated, kNotCounted };

// How a call ended, classified.
struct Report {
  Outcome outcome = Outcome::kSuccess;
  std::optional<absl::Duration> latency = {};      // Absent: never slow.
  std::optional<absl::Duration> retry_after = {};  // What the dependency asked for.
  absl::string_view client = {};                   // Who called.
};

// Whether a call may be made.
struct Admission {
  bool allowed = false;
  Reason reason = Reason::kNone;
  absl::Duration retry_after = {};  // How long to stay away, when refused.
};

// Stops calls to a failing dependency, and probes it until it recovers.
//
//   CLOSED --a trip condition--> OPEN --the wait is over--> HALF_OPEN --probes succeed--> CLOSED
//                                 ^------ a probe fails, or probes expire ------'
//
// Call Advance() first, with the time of the operation; then the operation. Time never goes back:
// the owner clamps it. When Advance() is called late, what was due happens with the time at which
// it was due, so that the answers do not depend on how often it is called.
//
// Every transition empties the window, takes a new epoch and is returned exactly once. A permit is
// its epoch and the number that Mint() gives within it.
//
// Holds little while nothing happens: the window and the filter come with traffic, the recovery
// with the first trip. Not thread-safe: the owner serialises calls.
class CircuitBreaker {
 public:
  CircuitBreaker(uint64_t epoch, Tick now) : epoch_(epoch), since_(now) {}

  // When something happens by itself next: the wait ends or a probe's lease does.
  Tick NextDeadline() const;

  // Does what was due by `now`.
  void Advance(const CircuitBreakerPolicy& policy, Tick now, TransitionSource& source,
               Transitions& transitions);

  // Asks to make one call. A call that is allowed must Mint() its permit, or TakeBackAdmission();
  // in HALF_OPEN a permit then holds a probe lease until Record(), Return() or its expiry.
  Admission Admit(const CircuitBreakerPolicy& policy, Tick now);
  uint64_t Mint(const CircuitBreakerPolicy& policy, Tick now);

  // As Mint(), for a permit that will not vote and so holds no lease.
  uint64_t MintWithoutVote(const CircuitBreakerPolicy& policy, Tick now);

  // The permit that is minted next, by either.
  PermitId NextPermit() const { return {epoch_, next_permit_}; }

  // A call that was allowed is not made, and has no permit yet: as if it had never been asked for.
  void TakeBackAdmission(const CircuitBreakerPolicy& policy, Tick now);

  // Takes back a permit as if it had never been granted.
  void Return(const CircuitBreakerPolicy& policy, uint64_t permit, Tick now);

  // Reports how the call of a permit ended that is of the current epoch, was granted a vote and has
  // not come back before.
  Counted Record(const CircuitBreakerPolicy& policy, uint64_t permit, const Report& report,
                 Tick now, TransitionSource& source, Transitions& transitions);

  // Reports `calls` alike that had no permit. They count only while CLOSED.
  Counted Observe(const CircuitBreakerPolicy& policy, uint32_t calls, const Report& report,
                  Tick now, TransitionSource& source, Transitions& transitions);
  // The same of calls that ended in more than one way. They count all together, and then are looked
  // at once: in which order they ended is not known, but for the last failures.
  Counted Observe(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts, Tick now,
                  TransitionSource& source, Transitions& transitions);

  // Whether an outcome of this permit came back before. The current epoch and the last few are
  // remembered; of older ones, and of permits given up for lost, nothing is known.
  ReplayFilter::Seen MarkReturned(uint64_t epoch, uint64_t permit);

  // Gives back the window and the filter if nothing in them matters any more: CLOSED, no call is
  // inside, and every permit came back. True if it did.
  bool Trim(const CircuitBreakerPolicy& policy, Tick now);

  // Goes on under other numbers. Keeps everything; a changed window starts with the old counts in
  // its newest bucket. Never trips.
  void ChangePolicy(const CircuitBreakerPolicy& from, const CircuitBreakerPolicy& to, Tick now);

  // Closes it, whatever its state, with nothing counted and nothing to recover from.
  void Reset(Tick now, TransitionSource& source, Transitions& transitions);

  // What must outlive a restart: nothing while CLOSED.
  std::optional<Outage> SaveOutage() const;

  // Goes on with the outage of a breaker that was saved, in the new one's epoch; for breakers that
  // have not been used. One that was HALF_OPEN comes back OPEN for `probe_timeout`, until no probe
  // can be out any more. Returns no transition: it is the same outage.
  void RestoreOutage(const CircuitBreakerPolicy& policy, const Outage& outage, Tick now);

  // Has the processor fetch what the next Record() reads.
  void Prefetch() const {
    if (traffic_ == nullptr) return;
    __builtin_prefetch(&traffic_->window);
    __builtin_prefetch(&traffic_->returned);
  }

  State state() const { return state_; }
  Tick since() const { return since_; }
  uint64_t epoch() const { return epoch_; }
  uint32_t consecutive_failures() const { return consecutive_failures_; }
  WindowCounts Counts(Tick now);
  // The clients that failed inside the window, then those that were only slow.
  std::vector<std::string> FailingClientNames(Tick now) const;
  Tick open_until() const { return recovery_ ? recovery_->open_until : Tick(); }
  uint32_t Reopens(const CircuitBreakerPolicy& policy, Tick now) const;
  size_t ProbesOut() const { return recovery_ ? recovery_->leases.size() : 0; }
  // The admitted share: kOne unless ramping.
  Share RampShare(const CircuitBreakerPolicy& policy, Tick now) const;
  // Null if it never changed state.
  const Transition* last_transition() const { return recovery_ ? &recovery_->last : nullptr; }

 private:
  // What comes with traffic.
  struct Traffic {
    Traffic(const CircuitBreakerPolicy& policy, uint64_t first_permit, Tick now)
        : window(policy, now), returned(first_permit) {}

    OutcomeWindow window;
    ReplayFilter returned;
    std::unique_ptr<FailingClients> failing;  // Whose calls failed, and
    std::unique_ptr<FailingClients> slow;     // whose were slow: each rule has its own quorum.
  };

  Traffic& EnsureTraffic(const CircuitBreakerPolicy& policy, Tick now);
  void Count(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts, Tick now);
  void NoteClient(std::unique_ptr<FailingClients>& clients, const CircuitBreakerPolicy& policy,
                  absl::string_view client, Tick now);
  bool QuorumIsMet(const CircuitBreakerPolicy& policy,
                   const std::unique_ptr<FailingClients>& clients, Tick now) const;
  Cause TripCause(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts, Tick now);
  void TripIfDue(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts, Tick now,
                 TransitionSource& source, Transitions& transitions);
  Counted Vote(const CircuitBreakerPolicy& policy, uint64_t permit, const Report& report, Tick now,
               TransitionSource& source, Transitions& transitions);

  bool HasRecovered(const CircuitBreakerPolicy& policy, Tick now) const;
  // Opens for as long as `retry_after` says or, without one, as the policy does.
  void Open(const CircuitBreakerPolicy& policy, Cause cause,
            std::optional<absl::Duration> retry_after, Tick now, TransitionSource& source,
            Transitions& transitions);
  void MoveTo(State to, Cause cause, absl::Duration open_for, Tick now, TransitionSource& source,
              Transitions& transitions);

  uint64_t epoch_;
  Tick since_;  // Of the current state.
  uint64_t next_permit_ = 0;
  uint32_t consecutive_failures_ = 0;
  State state_ = State::kClosed;
  std::unique_ptr<Traffic> traffic_;
  std::unique_ptr<Recovery> recovery_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_CIRCUIT_BREAKER_H_
