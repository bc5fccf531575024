#ifndef FUSEBOX_CORE_GUARD_H_
#define FUSEBOX_CORE_GUARD_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/call.h"
#include "core/circuit_breaker.h"
#include "core/classification.h"
#include "core/experience.h"
#include "core/health.h"
#include "core/limits.h"
#include "core/override.h"
#include "core/policy_set.h"
#include "core/tally.h"
#include "core/tick.h"
#include "core/transition.h"

namespace fusebox {

// What happened since creation.
struct Totals {
  uint64_t calls = 0;
  uint64_t successes = 0;
  uint64_t failures = 0;
  uint64_t refused = 0;
  uint64_t timed_calls = 0;
  double latency_seconds = 0;  // Of the timed calls, summed up.
  uint64_t late = 0;
  uint64_t transitions = 0;
};

// Everything about one breaker at one moment.
struct Snapshot {
  State state = State::kClosed;
  uint64_t epoch = 0;
  uint32_t revision = 0;
  std::optional<Override> override = {};
  WindowCounts window = {};
  Totals totals = {};
  uint32_t consecutive_failures = 0;
  std::vector<std::string> failing_clients = {};
  absl::Duration retry_after = {};  // When open.
  uint32_t reopens = 0;
  uint32_t probes = 0;
  Share ramp_share = {};
  Health health = Health::kHealthy;
  double score = 1;
  int64_t budget_balance = 0;  // Of the private budget, in thousandths; as are
  uint64_t budget_spent = 0;   // these two.
  uint64_t budget_refused = 0;
  std::optional<RateLimitStatus> rate_limit = {};
  std::optional<BulkheadStatus> bulkhead = {};
  std::optional<IdempotencyStatus> idempotency = {};
  uint32_t waiting = 0;                                    // Calls that wait for their turn.
  std::vector<Experience::Estimate> retry_estimates = {};  // Empty: nothing is known.
  std::optional<absl::Duration> hedge_delay = {};
  std::optional<Transition> last_transition = {};
  Tick taken = {};
};

// Where a breaker stands: what it takes to decide about its calls elsewhere.
struct Standing {
  State state = State::kClosed;
  uint64_t epoch = 0;
  uint32_t revision = 0;
  absl::Duration retry_after = {};                // When open.
  std::optional<absl::Duration> closed_for = {};  // While it ramps.
  std::shared_ptr<const Override> override = {};  // Null: none.
  absl::Duration override_ttl = {};               // With an override; may be infinite.
  std::optional<absl::Duration> hedge_delay = {};
  bool healthy = true;  // JudgeHealth()'s.
};

// All parts of one breaker: the circuit breaker, what else bounds its calls, what they taught, the
// operator's override and the totals.
//
//   Acquire: override FORCED_OPEN? -> circuit breaker -> Limits
//
// A part that refuses spends nothing, and what an earlier part gave is given back. A shared budget
// is not a part: its owner asks it after Acquire() and calls Refuse() if it says no.
//
// A call may wait for its turn (Question::wait): then Acquire() answers `waits`, and it holds
// nothing. The owner calls ServeWaiters() after every other operation, and again by NextTurn(): who
// is served is asked anew, by all parts.
//
// Every operation clamps time (an earlier one counts as the latest seen) and first does what was
// due. Every transition is appended to `transitions` exactly once. Not thread-safe.
class Guard {
 public:
  Guard(uint64_t epoch, Tick now) : breaker_(epoch, now), latest_(now) {}

  Decision Acquire(const RulingPolicy& ruling, const Question& question, Tick now,
                   TransitionSource& source, Transitions& transitions);

  // Turns what Acquire() allowed into a refusal for a reason that is not here, such as the lack of
  // shared retry budget. Not for what it allowed as `shadow_denied`: that call would not have been
  // made, so it does not spend.
  Decision Refuse(const RulingPolicy& ruling, const Question& question, const Decision& allowed,
                  const Refusal& refusal);

  // What Acquire() allowed is not made after all: gives back all of it but for private retry
  // budget.
  void TakeBack(const RulingPolicy& ruling, const Decision& allowed);

  // Appends the answers of those whose turn has come or whose wait is over, at most `limit`.
  void ServeWaiters(const RulingPolicy& ruling, size_t limit, Tick now, TransitionSource& source,
                    Transitions& transitions, std::vector<Turn>& turns);
  // When there is somebody to serve; Tick::Max() if nobody waits.
  Tick NextTurn(const RulingPolicy& ruling);
  size_t waiting() const { return limits_.waiting(); }

  // Takes one out of the queue. False if it does not wait: its turn has come, or it never did.
  bool CancelWait(uint64_t id);
  // Appends the answers of those that wait, at most `limit`, as if their time were over.
  void EndWaits(const RulingPolicy& ruling, size_t limit, Tick now, TransitionSource& source,
                Transitions& transitions, std::vector<Turn>& turns);

  // The refusal of a call whose idempotency key is known here, if that would be refused here.
  // Nothing is begun.
  std::optional<Decision> RefuseDuplicate(const RulingPolicy& ruling, const Question& question,
                                          Tick now, TransitionSource& source,
                                          Transitions& transitions);

  Verdict Record(const RulingPolicy& ruling, const Ending& ending, Tick now,
                 TransitionSource& source, Transitions& transitions);

  // Reports calls that were decided and summed up by their caller. One of an epoch that is over is
  // late. The verdict's outcome says nothing.
  Verdict Count(const RulingPolicy& ruling, const Tally& tally, Tick now, TransitionSource& source,
                Transitions& transitions);

  // When something happens by itself next, and doing what was due.
  Tick NextDeadline() const;
  void Advance(const RulingPolicy& ruling, Tick now, TransitionSource& source,
               Transitions& transitions);

  // Shared, since one override may be imposed on many breakers; null: none.
  void SetOverride(std::shared_ptr<const Override> override);
  const std::shared_ptr<const Override>& override() const { return override_; }

  // Closes it with nothing counted, and with a full retry budget. Totals and override stay.
  void Reset(const RulingPolicy& ruling, Tick now, TransitionSource& source,
             Transitions& transitions);

  // Goes on under another policy; keeps counts, epoch, re-opens and a running wait. What was due by
  // now is done by the old one.
  void ChangePolicy(const RulingPolicy& from, const RulingPolicy& to, Tick now,
                    TransitionSource& source, Transitions& transitions);

  // What must outlive a restart, and going on with it: CircuitBreaker's, with what was due done.
  std::optional<Outage> SaveOutage(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                                   Transitions& transitions);
  void RestoreOutage(const RulingPolicy& ruling, const Outage& outage, Tick now);

  // Gives back memory that holds nothing any more. True if it did.
  bool Trim(const RulingPolicy& ruling, Tick now);

  // Whether the breaker may be forgotten once it is idle: its wait is over, no probe is out, its
  // limits hold nothing and no operator holds it by its name. (What is imposed by a glob will be on
  // the next one, too.)
  bool IsForgettable(const RulingPolicy& ruling, Tick now) {
    const bool held = override_ != nullptr && override_->by_name;
    if (held || breaker_.state() == State::kOpen || breaker_.ProbesOut() > 0) return false;
    latest_ = std::max(latest_, now);
    return !limits_.IsHolding(ruling.policy, latest_);
  }

  Snapshot TakeSnapshot(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                        Transitions& transitions);

  // As of the latest operation.
  bool IsHealthy(const RulingPolicy& ruling) {
    return ConditionAt(ruling.policy.circuit_breaker, latest_).health == Health::kHealthy;
  }

  Standing TakeStanding(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                        Transitions& transitions);

  // The part of a snapshot that tells how it feels, for who looks at very many: allocates nothing.
  Condition TakeCondition(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                          Transitions& transitions);

  State state() const { return breaker_.state(); }
  // Until when it is OPEN, if it is; and whether it is CLOSED but still ramps, as of the latest
  // operation.
  Tick open_until() const { return breaker_.open_until(); }
  bool IsRamping(const RulingPolicy& ruling) const {
    return breaker_.state() == State::kClosed &&
           breaker_.RampShare(ruling.policy.circuit_breaker, latest_).millionths() < Share::kOne;
  }
  uint64_t epoch() const { return breaker_.epoch(); }
  uint32_t revision() const { return revision_; }
  const Transition* last_transition() const { return breaker_.last_transition(); }

 private:
  bool Is(OverrideMode mode) const { return override_ != nullptr && override_->mode == mode; }
  // Time, clamped, with everything done that was due by then.
  Tick Enter(const RulingPolicy& ruling, Tick now, TransitionSource& source,
             Transitions& transitions);

  void PrefetchForCounting() const;
  Decision Grant(const RulingPolicy& ruling, const Question& question, Tick now);
  Decision GrantWithoutVote(const RulingPolicy& ruling, const Question& question, bool earns,
                            Tick now);
  Decision Deny(const RulingPolicy& ruling, const Refusal& refusal, const Question& question,
                Tick now);
  std::optional<Refusal> TakeFromLimits(const Policy& policy, const Question& question,
                                        PermitId permit, Tick now);
  Decision Waits(Reason reason) const;
  void TakeBackFromBreaker(const RulingPolicy& ruling, const Decision& granted);
  // Whether what is asked is answered whatever the limits say.
  bool IsSettled() const;
  Turn Ask(const RulingPolicy& ruling, Waiters::Left left, Tick now, TransitionSource& source,
           Transitions& transitions);

  Counted CountWithPermit(const RulingPolicy& ruling, const Ending& ending, const Report& report,
                          Tick now, TransitionSource& source, Transitions& transitions,
                          bool& earned);
  void Learn(const Policy& policy, const Ending& ending, Outcome outcome, Tick now);
  RetryAdvice AdviseRetry(const Policy& policy, const Ending& ending, const Report& report,
                          Tick now, TransitionSource& source);
  std::optional<absl::Duration> HedgeDelayAt(const HedgePolicy& policy, Tick now);
  Condition ConditionAt(const CircuitBreakerPolicy& policy, Tick now);
  void ShowLimits(const Policy& policy, Tick now, Snapshot& snapshot);
  void AddToTotals(const Report& report, uint32_t calls, Counted counted);
  void AddToTotals(const Tally& tally, Counted counted);
  void Earn(const Policy& policy, uint32_t calls, Tick now, Verdict& verdict);

  CircuitBreaker breaker_;
  Tick latest_;
  uint32_t revision_ = 0;
  Limits limits_;
  std::unique_ptr<Experience> experience_;
  std::shared_ptr<const Override> override_;
  Totals totals_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_GUARD_H_
