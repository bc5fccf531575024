#ifndef FUSEBOX_CORE_GUARD_H_
#define FUSEBOX_CORE_GUARD_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/circuit_breaker.h"
#include "core/classification.h"
#include "core/health.h"
#include "core/override.h"
#include "core/policy_set.h"
#include "core/retry_budget.h"
#include "core/tick.h"
#include "core/transition.h"

namespace fusebox {

// What a granted call brings back.
struct Permit {
  uint64_t epoch = 0;
  uint64_t number = 0;   // Within the epoch.
  uint32_t attempt = 1;  // 1 for the first.
  bool votes = true;     // False when only an override let the call pass.
  bool earns = true;     // Whether its success may earn retry budget.
};

// The answer to one call.
struct Decision {
  bool allowed = false;
  bool shadow_denied = false;  // Allowed, but without SHADOW refused for `reason`.
  bool probe = false;
  Reason reason = Reason::kNone;
  State state = State::kClosed;
  uint64_t epoch = 0;
  absl::Duration retry_after = {};  // When refused.
  Permit permit = {};               // When allowed.
};

// How one call, or several alike, ended. Views live as long as the call.
struct Ending {
  std::optional<Permit> permit = {};  // Absent: a bare observation.
  Result result = {};
  std::optional<absl::Duration> latency = {};
  std::optional<absl::Duration> retry_after = {};
  absl::string_view client = {};
  uint64_t epoch = 0;  // Of an observation; 0: whichever is current.
  uint32_t calls = 1;  // Of an observation.
};

// What became of it.
struct Verdict {
  State state = State::kClosed;
  uint64_t epoch = 0;
  Outcome outcome = Outcome::kIgnored;
  Counted counted = Counted::kNotCounted;
  uint32_t earned_calls = 0;  // First attempts that succeeded: to deposit in the retry budget.
};

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
  std::optional<Transition> last_transition = {};
  Tick taken = {};
};

// All parts of one breaker: the circuit breaker, its private retry budget, the operator's override
// and the totals.
//
//   Acquire: override FORCED_OPEN? -> circuit breaker -> retry budget (attempt > 1 only)
//
// A part that refuses spends nothing, and what an earlier part gave is given back. A shared budget
// is not a part: its owner asks it after Acquire() and calls Refuse() if it says no.
//
// Every operation clamps time (an earlier one counts as the latest seen) and first does what was
// due. Every transition is appended to `transitions` exactly once. Not thread-safe.
class Guard {
 public:
  Guard(uint64_t epoch, Tick now) : breaker_(epoch, now), latest_(now) {}

  Decision Acquire(const RulingPolicy& ruling, uint32_t attempt, Tick now, TransitionSource& source,
                   Transitions& transitions);

  // Turns what Acquire() allowed into a refusal for lack of shared retry budget. Not for what it
  // allowed as `shadow_denied`: that call would not have been made, so it does not spend.
  Decision Refuse(const RulingPolicy& ruling, const Decision& allowed, absl::Duration retry_after);

  Verdict Record(const RulingPolicy& ruling, const Ending& ending, Tick now,
                 TransitionSource& source, Transitions& transitions);

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

  // Whether the breaker may be forgotten once it is idle: its wait is over, no probe is out and no
  // operator holds it by its name. (What is imposed by a glob will be on the next one, too.)
  bool IsForgettable() const {
    const bool held = override_ != nullptr && override_->by_name;
    return !held && breaker_.state() != State::kOpen && breaker_.ProbesOut() == 0;
  }

  Snapshot TakeSnapshot(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                        Transitions& transitions);

  State state() const { return breaker_.state(); }
  uint64_t epoch() const { return breaker_.epoch(); }
  uint32_t revision() const { return revision_; }
  const Transition* last_transition() const { return breaker_.last_transition(); }

 private:
  bool Is(OverrideMode mode) const { return override_ != nullptr && override_->mode == mode; }
  RetryBudget& EnsureBudget(const RetryBudgetPolicy& policy, Tick now);
  bool HasPrivateBudget(const RulingPolicy& ruling) const {
    return ruling.policy.shared_retry_budget.empty();
  }

  // Time, clamped, with everything done that was due by then.
  Tick Enter(const RulingPolicy& ruling, Tick now, TransitionSource& source,
             Transitions& transitions);

  Decision Grant(const RulingPolicy& ruling, uint32_t attempt, Tick now);
  Decision Deny(const RulingPolicy& ruling, const Admission& refusal, uint32_t attempt, Tick now);
  Decision GrantWithoutVote(const RulingPolicy& ruling, uint32_t attempt, bool earns, Tick now);

  Counted CountWithPermit(const RulingPolicy& ruling, const Permit& permit, const Report& report,
                          Tick now, TransitionSource& source, Transitions& transitions,
                          bool& earned);
  void AddToTotals(const Report& report, uint32_t calls, Counted counted);

  CircuitBreaker breaker_;
  Tick latest_;
  uint32_t revision_ = 0;
  std::unique_ptr<RetryBudget> budget_;
  std::shared_ptr<const Override> override_;
  Totals totals_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_GUARD_H_
