#ifndef FUSEBOX_SERVER_ENGINE_ENGINE_H_
#define FUSEBOX_SERVER_ENGINE_ENGINE_H_

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/guard.h"
#include "core/override_set.h"
#include "core/policy_set.h"
#include "core/tick.h"
#include "server/engine/allow_answer.h"
#include "server/engine/batch_memory.h"
#include "server/engine/clock.h"
#include "server/engine/counters.h"
#include "server/engine/deadline_queue.h"
#include "server/engine/deed.h"
#include "server/engine/drill_tallies.h"
#include "server/engine/health_walks.h"
#include "server/engine/name_set.h"
#include "server/engine/permit_seal.h"
#include "server/engine/rules.h"
#include "server/engine/shared_budgets.h"
#include "server/engine/transition_numbers.h"
#include "server/engine/turn_timer.h"
#include "server/engine/waiting_room.h"
#include "server/engine/watch_hub.h"
#include "server/registry/event_log.h"
#include "server/registry/registry.h"
#include "server/sync/mutex.h"

namespace fusebox {

// The bounds of an engine. Each is a flag of the server.
struct EngineOptions {
  size_t max_breakers = 1'000'000;
  absl::Duration idle_ttl = absl::Hours(1);
  size_t max_watchers = 1'000;
  size_t max_watch_lag = 100'000;  // Changed breakers that are kept for watches to read.
  size_t max_events = 10'000;
  size_t max_batches = 100'000;
  size_t max_waiting_calls = 100'000;
};

// One breaker, as a reader sees it.
struct BreakerView {
  std::string name = {};
  std::shared_ptr<const RulingPolicy> ruling = {};  // Never null.
  std::string policy_match = {};  // The glob of the policy that fits best; empty: the default.
  Snapshot snapshot = {};
  BudgetStatus budget = {};  // Its name is empty if it is the breaker's own.
};

// Where a breaker stands and what rules it, for who decides by themselves.
struct StandingView {
  Slot slot = 0;  // Where to look first the next time.
  Standing standing = {};
  std::shared_ptr<const RulingPolicy> ruling = {};
  Tick now = {};
};

// Who looks at the health of many breakers: what they may see, and a text that tells them apart
// from who may see something else. By default somebody who sees everything.
struct HealthViewer {
  std::string id = {};
  std::function<bool(absl::string_view name)> may_see = nullptr;
};

// The use cases of a server: decides, records, shows. The only reader of the clock.
//
//   Allow("db/orders")                 Record(permit)               Maintain()
//     lock the breaker                   open the permit              advance what is due
//       Guard::Acquire, Mint               lock the breaker           trim and forget what is idle
//     unlock                               Guard::Record              serve those whose turn it is
//     shared budget, if a retry          unlock
//     seal the permit                    shared budget, publish
//     publish
//
// Nothing waits for anything but a mutex that is held for arithmetic. What happened is published
// after the breaker is unlocked, with numbers taken while it was locked. A call that waits for its
// turn is an entry in its breaker's queue and in the waiting room, and no thread; whoever gives
// back what it waits for answers it, or else the timer. Thread-safe.
class Engine {
 public:
  // `life` must be greater than that of any earlier start; `clock` must outlive the engine.
  Engine(const EngineOptions& options, const Clock& clock, uint64_t life);

  // Whether they go together. Errors are PolicySet::Make's, and INVALID_ARGUMENT with reason
  // RETRY_BUDGET_UNKNOWN when a policy names a budget that is not among `budgets`.
  static absl::StatusOr<std::shared_ptr<const PolicySet>> CheckPolicies(
      const std::vector<Policy>& policies, const std::vector<NamedBudget>& budgets);

  // Replaces all policies and shared budgets, or none of them. Breakers follow at their next use
  // and keep what they have counted. Errors are CheckPolicies()'s.
  absl::Status SetPolicies(const std::vector<Policy>& policies,
                           const std::vector<NamedBudget>& budgets);

  // Asks for one call. Creates the breaker. Of a `client` that is a source the name is not checked.
  absl::StatusOr<AllowAnswer> Allow(absl::string_view breaker, const Question& question,
                                    absl::string_view client);
  absl::StatusOr<AllowAnswer> Allow(absl::string_view breaker, const Question& question,
                                    ClientSource client);

  // Asks several, in this order, until one grants or the call is a duplicate. Who refuses spends
  // nothing. At least one; errors are Allow()'s, and those of all names come first.
  absl::StatusOr<AllowAnswer> AllowAny(absl::Span<const absl::string_view> breakers,
                                       const Question& question, absl::string_view client);

  // As AllowAny(). But if all refuse, it waits for the first of them whose bulkhead or rate limit
  // has nothing left, up to `longest` and to what its policy lets: then `decision.waits`, and
  // `answered` is called with the answer, which may be before this returns. With a full queue, or
  // with `max_waiting_calls` waiting, it does not wait.
  absl::StatusOr<AllowAnswer> AllowOrWait(absl::Span<const absl::string_view> breakers,
                                          const Question& question, absl::string_view client,
                                          absl::Duration longest, WhenAnswered answered);

  // What was allowed is not made: gives back what it took, but for retry budget.
  void TakeBack(absl::string_view breaker, const Decision& allowed);

  // The call does not want its answer any more. False if it has it already, or is about to.
  bool CancelWait(uint64_t ticket);

  // Answers all that wait as if their time were over. From now on nobody waits.
  void EndWaits();
  size_t waiting() const { return waiting_room_.size(); }
  uint64_t waited() const { return waiting_room_.entered(); }  // Those that wait included.
  size_t max_waiting() const { return options_.max_waiting_calls; }

  // Reports how a call ended, or several without permits. An empty `permit` makes it an
  // observation. Never creates the breaker of a permit; that of an observation it does. A change of
  // state that it brings about is in the history with its trace.
  absl::StatusOr<Verdict> Record(absl::string_view breaker, absl::string_view permit, Ending ending,
                                 TraceSource trace = NoTrace);

  // Where a breaker stands. Creates it; errors are Allow()'s.
  absl::StatusOr<StandingView> Join(absl::string_view breaker);
  // The same of one that is there: errors are Get()'s. `hint` is the slot of an earlier view.
  absl::StatusOr<StandingView> StandingOf(absl::string_view breaker, Slot hint);

  // Counts calls that were decided and summed up elsewhere. Never creates the breaker: if it is
  // gone they are late. `now` is Now(), taken once for many.
  struct CountedTally {
    Slot slot = 0;
    bool healthy = true;  // Afterwards: Standing's.
  };
  CountedTally Count(absl::string_view breaker, Slot hint, const Tally& tally, Tick now);

  // What to answer when an observation that was counted comes again: where the breaker stands, and
  // which outcome the result is. Counts nothing. Empty if there is no such breaker.
  std::optional<Verdict> RepeatObservation(absl::string_view breaker, Result result);

  // True if a batch with this id was not seen in the last 60 s: BatchMemory's, by the engine's
  // clock.
  absl::StatusOr<bool> RememberBatch(absl::string_view id);
  void FinishBatch(absl::string_view id) { batches_.Finish(id); }

  // Imposes something on what `match`, a name or a glob, matches, or lifts it. A breaker that is
  // named is created, if there may be one more; what a glob matches follows at its next use or
  // within 5 s. It expires by itself. Errors: INVALID_ARGUMENT (reason GLOB_INVALID).
  absl::Status SetOverride(absl::string_view match, Override override,
                           absl::string_view trace_id = "");
  // Who lifts it and why is for the history. NOT_FOUND (reason OVERRIDE_NOT_FOUND) without one.
  absl::Status ClearOverride(absl::string_view match, const Deed& deed = {});
  std::shared_ptr<const OverrideSet> overrides() const { return rules_.overrides(); }
  static absl::Status NoSuchOverride(absl::string_view match);

  // Makes a breaker as if it were new, but for its override, or forgets it. Errors: Get()'s; of
  // Forget() also FAILED_PRECONDITION (reason BREAKER_OVERRIDDEN) while an override names it.
  absl::Status Reset(absl::string_view breaker, const Deed& deed);
  absl::Status Forget(absl::string_view breaker, const Deed& deed);
  static absl::Status IsHeld(absl::string_view breaker, const Override& override);

  // NOT_FOUND with reason BREAKER_NOT_FOUND if there is none.
  absl::StatusOr<BreakerView> Get(absl::string_view breaker);

  // Up to `limit` breakers whose names match and may be seen, from slot `cursor` on; looks at no
  // more than 64 slots per breaker asked for. Moves `cursor` behind what it looked at. One that may
  // not be seen is passed over like one that does not match: neither what is returned nor `cursor`
  // tells the two apart.
  using MaySee = std::function<bool(absl::string_view name)>;
  std::vector<BreakerView> List(const Glob& match, size_t limit, Slot& cursor,
                                const MaySee& may_see = nullptr);
  bool IsListed(Slot cursor) const { return cursor >= registry_.end(); }

  // How one breaker feels. Errors: Get()'s.
  absl::StatusOr<Condition> ConditionOf(absl::string_view breaker);

  // How all breakers under a prefix (IsUnder) feel that the viewer sees, in a report that is at
  // most a second and one walk over the breakers old. A breaker that lives through the walk is
  // counted once. Null: it is not known yet. Then ask again, after others have used the thread:
  // each time the walk goes on over some 2,000 breakers, whoever began it. The error is
  // HealthWalks::Take()'s.
  absl::StatusOr<std::shared_ptr<const HealthReport>> HealthOf(absl::string_view prefix,
                                                               const HealthViewer& viewer = {});

  // WatchHub's.
  absl::StatusOr<std::shared_ptr<ChangedNames>> Watch(Glob glob, std::function<void()> wake,
                                                      absl::string_view resume_token = "");

  std::shared_ptr<ChangedNames> WatchAll(std::function<void()> wake) {
    return watch_hub_.WatchAll(std::move(wake));
  }

  // What must outlive the engine. From KeepOutages() on, TakeChangedOutages() names the breakers
  // whose outage began, changed or ended since the last time; SaveOutage() says what is to be kept
  // of one, which is nothing if it is CLOSED or forgotten.
  void KeepOutages() { changed_outages_.Open(); }
  NameSet::Names TakeChangedOutages() { return changed_outages_.Take(); }
  // All that are not CLOSED.
  std::vector<std::string> BreakersInOutage();
  std::optional<Outage> SaveOutage(absl::string_view breaker);

  // There are going to be so many more breakers with something due: spares what holds them from
  // growing step by step.
  void Expect(size_t breakers) {
    breakers = std::min(breakers, max_breakers());
    registry_.Reserve(breakers);
    deadlines_.Reserve(breakers);
  }

  // Goes on with the outages of breakers of an earlier life, under their policies of now. To be
  // called before they are used: of one that exists the outage is its own, ALREADY_EXISTS. Other
  // errors are Allow()'s. The error is the last of several; those that can be are restored anyway.
  using NamedOutage = std::pair<std::string, Outage>;
  absl::Status RestoreOutages(absl::Span<const NamedOutage> outages);

  // Goes on with the overrides of an earlier life, which is no event. One whose time is over ends
  // at the next Maintain(), with its event. To be called before there are any.
  void RestoreOverrides(const std::shared_ptr<const OverrideSet>& overrides);

  // Goes on with the history of an earlier life: its last events, in the order of their numbers. To
  // be called before anything happens, or else ExpectHistory() has to be: what comes late then gets
  // the numbers that were kept free before those of this life.
  void RestoreEvents(const std::vector<Event>& events);
  void ExpectHistory();

  // What is to be kept as this life's number, so that a later one has greater epochs; and going on
  // above that of an earlier life that is found late.
  uint64_t reached_life() const { return numbers_.reached_life(); }
  void RaiseAbove(uint64_t life) { numbers_.RaiseAbove(life); }

  // Does what is due: waits that ended, leases that expired, a part of the sweep for idle breakers,
  // and tells the watchers.
  // To be called every 20 ms or so.
  void Maintain();
  // Sleeps until somebody's turn comes, or there is something to tell those who watch, or
  // `longest`: between one Maintain() and the next.
  void SleepUntilTurn(absl::Duration longest) { turns_.Sleep(clock_, longest); }

  Tick Now() const { return clock_.Now(); }
  absl::Time WallNow() const { return clock_.WallNow(); }
  absl::Duration Uptime() const { return clock_.Now() - started_; }
  uint64_t life() const { return numbers_.life(); }
  // Of this life; the history counts on over all of them.
  uint64_t transitions() const { return counters_.Sum().Transitions(); }
  size_t breakers() const { return registry_.size(); }
  size_t max_breakers() const { return registry_.max_breakers(); }
  size_t watchers() const { return watch_hub_.watchers(); }
  size_t policies() const { return rules_.policies()->size(); }
  const EventLog& events() const { return events_; }
  CounterTotals counters() const { return counters_.Sum(); }
  BudgetStatus Budget(absl::string_view name) { return budgets_.Status(name, clock_.Now()); }
  std::vector<BudgetStatus> Budgets() { return budgets_.All(clock_.Now()); }

 private:
  // What was so when calls were asked whose wait is over: the budget that extra ones spend, and
  // what was imposed.
  struct TurnTerms {
    std::string shared_budget;
    std::shared_ptr<const Override> imposed;
  };

  // What one operation on a breaker leaves to do once it is unlocked.
  struct Aftermath {
    Slot slot = 0;
    Tick deadline = Tick::Max();  // To be queued, unless never.
    bool born = false;            // There was no such breaker before.
    bool changed = false;         // Watchers want to know.
    Transitions transitions = {};
    std::string policy = {};       // That ruled when they happened.
    Tick turn = Tick::Max();       // When to look who of the waiting is next, unless never.
    std::vector<Turn> turns = {};  // Those whose wait is over,
    std::unique_ptr<TurnTerms> turn_terms = {};  // and if there are any, under which terms.
  };

  // What an answer still depends on once the breaker is unlocked.
  struct Terms {
    Slot slot;
    const std::string& shared_budget;  // Empty: it spends none.
    const Drill& drill;                // That refused it, if one did.
  };

  // The breaker, under the policy of today. Notes if that is another one than yesterday's, or if it
  // is born. `hint` is a slot to look in first.
  LockedBreaker Enter(absl::string_view breaker, Tick now, Aftermath& aftermath,
                      std::optional<Slot> hint = {});
  absl::StatusOr<LockedBreaker> EnterOrCreate(absl::string_view breaker, Tick now,
                                              Aftermath& aftermath);
  // For who expects that there is none: one that is found is as it was left.
  absl::StatusOr<LockedBreaker> FindOrCreate(absl::string_view breaker, const Rules::Moment& rules,
                                             Tick now, Aftermath& aftermath);

  // Takes down, before unlocking, what is left to do; does it, after.
  void Leave(BreakerEntry& entry, uint32_t revision_before, Aftermath& aftermath);
  void Publish(absl::string_view breaker, const Aftermath& aftermath, const Deed& deed = {});
  void TellOfChange(absl::string_view breaker, const Aftermath& aftermath, const Deed& deed);

  absl::StatusOr<AllowAnswer> Ask(absl::string_view breaker, const Question& question,
                                  ClientSource client, Drill& drill);
  static Drill DrillThatRefused(const std::shared_ptr<const Override>& imposed,
                                const Decision& decision);
  void Settle(absl::string_view breaker, const Question& question, ClientSource client,
              const Terms& terms, Tick now, AllowAnswer& answer);
  absl::StatusOr<AllowAnswer> AskAll(absl::Span<const absl::string_view> breakers,
                                     const Question& question, absl::string_view client,
                                     std::vector<Drill>& drills);
  void Confirm(absl::Span<const absl::string_view> breakers, const Question& question,
               const std::vector<Drill>& drills, AllowAnswer& answer);
  std::optional<AllowAnswer> FindDuplicate(absl::Span<const absl::string_view> breakers,
                                           const Question& question, size_t except);
  absl::StatusOr<AllowAnswer> AskToWait(WaitingCall call, const Question& question,
                                        absl::Duration longest);
  AllowAnswer AfterWait(WaitingCall& call, const Question& question, AllowAnswer answer);
  Decision RefuseAfterAll(absl::string_view breaker, const Question& question, Slot slot,
                          const Decision& allowed, const Refusal& refusal);
  void LetTimerServe(LockedBreaker entry);
  void EndWaitsAt(absl::string_view breaker);
  size_t EndSomeWaits(BreakerEntry& entry, Aftermath& aftermath);
  static void NoteTermsOfTurns(const BreakerEntry& entry, Aftermath& aftermath);
  void Serve(BreakerEntry& entry, Tick now, Aftermath& aftermath);
  void AnswerTurns(const Aftermath& aftermath);

  // Does what was due with a breaker that is used by nobody, and what its rules changed.
  void Refresh(absl::string_view breaker);
  // As if somebody had asked for it, if it is not one too many.
  void Create(absl::string_view breaker);

  static absl::Status NoSuchBreaker(absl::string_view breaker);
  absl::Status Restore(const NamedOutage& outage, const Rules::Moment& rules, Aftermath& aftermath);
  void ExpireOverrides(Tick now);
  void TellOfOverride(Cause cause, const std::shared_ptr<const Override>& override,
                      const Deed& deed);

  StandingView ViewStanding(BreakerEntry& entry, Tick now, Aftermath& aftermath);
  absl::StatusOr<Verdict> RecordObservation(absl::string_view breaker, const Ending& ending,
                                            Tick now, TraceSource trace);
  Verdict RecordUnder(LockedBreaker entry, const Ending& ending, Tick now, Aftermath& aftermath,
                      TraceSource trace);
  Verdict RecordForGone(absl::string_view breaker, const Ending& ending);
  Decision SpendShared(absl::string_view breaker, const Question& question,
                       const std::string& budget, Slot slot, const Decision& allowed, Tick now);
  BreakerView View(LockedBreaker entry, Tick now, Aftermath aftermath);
  // Of the breaker there and its name, if there is one under the prefix.
  std::optional<Condition> ConditionAt(Slot slot, absl::string_view prefix, Tick now,
                                       std::string& name);

  void AdvanceDue(Tick now);
  void ServeDue(Tick now);
  void Sweep(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(maintain_mutex_);
  void SweepSlot(Slot slot, Tick now);

  const EngineOptions options_;
  const Clock& clock_;
  const Tick started_;
  TransitionNumbers numbers_;
  PermitSeal seal_;
  Registry registry_;
  EventLog events_;
  uint64_t numbers_kept_free_ = 0;  // Up to this one, for a history that may come late.
  WatchHub watch_hub_;
  DeadlineQueue deadlines_;
  TurnTimer turns_;
  SharedBudgets budgets_;
  BatchMemory batches_;
  WaitingRoom<WaitingCall> waiting_room_;
  std::atomic<bool> waits_are_over_{false};
  std::atomic<Tick> next_delivery_{Tick()};  // To those who watch, at the earliest.
  Counters counters_;
  NameSet changed_outages_;
  DrillTallies drills_;
  HealthWalks health_walks_;
  Rules rules_;

  Mutex configure_mutex_;  // Held by who changes rules or budgets, and before any other.

  Mutex maintain_mutex_;  // Held by who maintains, and before any other.
  Slot sweep_cursor_ ABSL_GUARDED_BY(maintain_mutex_) = 0;
  Tick sweep_started_ ABSL_GUARDED_BY(maintain_mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_ENGINE_H_
