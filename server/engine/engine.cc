// The data plane: Record, and what all operations on a breaker begin and end with.
#include "server/engine/engine.h"

#include <algorithm>
#include <utility>

#include "core/name.h"

namespace fusebox {
namespace {

void Impose(BreakerEntry& entry, std::shared_ptr<const Override> override, bool& changed) {
  changed |= override != entry.guard.override();
  entry.guard.SetOverride(std::move(override));
}

}  // namespace

Engine::Engine(const EngineOptions& options, const Clock& clock, uint64_t life)
    : options_(options),
      clock_(clock),
      started_(clock.Now()),
      numbers_(life),
      seal_(numbers_),
      registry_(options.max_breakers),
      events_(options.max_events),
      watch_hub_(options.max_watchers, options.max_watch_lag, life),
      batches_(options.max_batches),
      waiting_room_(options.max_waiting_calls),
      sweep_started_(started_) {}

// Globs are matched with the breaker unlocked: that takes as long as many globs are alike.
LockedBreaker Engine::Enter(absl::string_view breaker, Tick now, Aftermath& aftermath,
                            std::optional<Slot> hint) {
  LockedBreaker entry;
  if (hint.has_value()) entry = registry_.FindAt(*hint, breaker);
  if (!entry) entry = registry_.Find(breaker);
  if (!entry || entry->generation == rules_.generation()) return entry;
  entry.Unlock();
  Rules::Match match = rules_.Find(breaker);
  entry = registry_.Find(breaker);
  if (!entry || entry->generation >= match.generation) return entry;
  if (entry->ruling->policy != match.ruling->policy) {
    entry->guard.ChangePolicy(*entry->ruling, *match.ruling, now, numbers_, aftermath.transitions);
    aftermath.changed = true;
  }
  entry->ruling = std::move(match.ruling);
  Impose(*entry, std::move(match.override), aftermath.changed);
  entry->generation = match.generation;
  return entry;
}

absl::StatusOr<LockedBreaker> Engine::EnterOrCreate(absl::string_view breaker, Tick now,
                                                    Aftermath& aftermath) {
  if (LockedBreaker entry = Enter(breaker, now, aftermath)) return entry;
  return FindOrCreate(breaker, rules_.Take(), now, aftermath);
}

absl::StatusOr<LockedBreaker> Engine::FindOrCreate(absl::string_view breaker,
                                                   const Rules::Moment& rules, Tick now,
                                                   Aftermath& aftermath) {
  // Names are checked where breakers are born: one that is found was checked then.
  if (const absl::Status name = CheckBreakerName(breaker); !name.ok()) return name;
  Rules::Match match = rules.Find(breaker);
  absl::StatusOr<LockedBreaker> entry = registry_.FindOrCreate(breaker,
                                                               {.source = &numbers_,
                                                                .now = now,
                                                                .ruling = std::move(match.ruling),
                                                                .generation = match.generation},
                                                               aftermath.born);
  aftermath.changed |= aftermath.born;
  if (aftermath.born) Impose(**entry, std::move(match.override), aftermath.changed);
  return entry;
}

void Engine::Leave(BreakerEntry& entry, uint32_t revision_before, Aftermath& aftermath) {
  aftermath.slot = entry.slot();
  if (entry.guard.waiting() > 0) {
    Serve(entry, Tick(), aftermath);  // As of the latest time that it has seen.
    aftermath.turn = entry.guard.NextTurn(*entry.ruling);
  }
  aftermath.changed |= !aftermath.transitions.empty() || entry.guard.revision() != revision_before;
  if (!aftermath.transitions.empty()) aftermath.policy = entry.ruling->policy.name;
  const Tick deadline = entry.guard.NextDeadline();
  if (deadline >= entry.queued_for) return;
  entry.queued_for = deadline;
  aftermath.deadline = deadline;
}

void Engine::Publish(absl::string_view breaker, const Aftermath& aftermath, const Deed& deed) {
  if (aftermath.deadline != Tick::Max()) deadlines_.Push(aftermath.deadline, aftermath.slot);
  if (aftermath.turn != Tick::Max()) turns_.Push(aftermath.turn, aftermath.slot);
  if (aftermath.changed) TellOfChange(breaker, aftermath, deed);
  if (!aftermath.turns.empty()) AnswerTurns(aftermath);
}

void Engine::TellOfChange(absl::string_view breaker, const Aftermath& aftermath, const Deed& deed) {
  if (!aftermath.transitions.empty()) changed_outages_.Add(breaker);
  for (const Transition& transition : aftermath.transitions) {
    counters_.CountTransition(transition);
    const bool is_deed = transition.cause == Cause::kReset;
    events_.Append({.breaker = std::string(breaker),
                    .transition = transition,
                    .policy = aftermath.policy,
                    .actor = is_deed ? deed.actor : "",
                    .reason = is_deed ? deed.reason : "",
                    .trace_id = IsOfTime(transition.cause) ? "" : deed.trace_id});
  }
  watch_hub_.Publish(breaker);
  if (watch_hub_.IsWanted()) turns_.WakeBy(next_delivery_.load(std::memory_order_relaxed));
}

absl::StatusOr<Verdict> Engine::Record(absl::string_view breaker, absl::string_view permit,
                                       Ending ending, TraceSource trace) {
  if (const absl::Status name = CheckClientName(ending.client); !name.ok()) return name;
  const Tick now = clock_.Now();
  if (permit.empty()) return RecordObservation(breaker, ending, now, trace);

  const absl::StatusOr<OpenedPermit> opened = seal_.Open(permit, breaker);
  if (!opened.ok()) return opened.status();
  ending.permit = opened->permit;
  Aftermath aftermath;
  LockedBreaker entry = Enter(breaker, now, aftermath, opened->slot);
  if (!entry) {
    if (const absl::Status name = CheckBreakerName(breaker); !name.ok()) return name;
    return RecordForGone(breaker, ending);
  }
  return RecordUnder(std::move(entry), ending, now, aftermath, trace);
}

absl::StatusOr<Verdict> Engine::RecordObservation(absl::string_view breaker, const Ending& ending,
                                                  Tick now, TraceSource trace) {
  Aftermath aftermath;
  absl::StatusOr<LockedBreaker> entered = EnterOrCreate(breaker, now, aftermath);
  if (!entered.ok()) return entered.status();
  return RecordUnder(*std::move(entered), ending, now, aftermath, trace);
}

Verdict Engine::RecordUnder(LockedBreaker entry, const Ending& ending, Tick now,
                            Aftermath& aftermath, TraceSource trace) {
  std::string name, shared_budget;
  const uint32_t revision = entry->guard.revision();
  Verdict verdict =
      entry->guard.Record(*entry->ruling, ending, now, numbers_, aftermath.transitions);
  // Also where callers only report: their breaker must not be forgotten in the middle of an outage.
  if (verdict.counted == Counted::kCounted) entry->last_used = std::max(entry->last_used, now);
  Leave(*entry, revision, aftermath);
  if (aftermath.changed) name = std::string(entry->name());
  const bool asks = verdict.retry.has_value() && verdict.retry->permitted;
  if (verdict.earned_calls > 0 || asks) shared_budget = entry->ruling->policy.shared_retry_budget;
  entry.Unlock();

  if (!shared_budget.empty()) {
    if (verdict.earned_calls > 0) budgets_.Deposit(shared_budget, verdict.earned_calls, now);
    if (asks && !budgets_.HoldsRetry(shared_budget, now)) {
      verdict.retry = {.reason = RetryReason::kBudgetEmpty};
    }
  }
  counters_.CountRecord(aftermath.slot, verdict, ending.calls);
  if (aftermath.transitions.empty()) {
    Publish(name, aftermath);
  } else {
    Publish(name, aftermath, {.trace_id = trace()});
  }
  return verdict;
}

// The breaker of this permit was forgotten, so its epoch is over.
Verdict Engine::RecordForGone(absl::string_view breaker, const Ending& ending) {
  const Rules::Match match = rules_.Find(breaker);
  const Verdict verdict{.outcome = match.ruling->classification.Classify(ending.result),
                        .counted = Counted::kLate};
  counters_.CountRecord(0, verdict, 1);
  return verdict;
}

std::optional<Verdict> Engine::RepeatObservation(absl::string_view breaker, Result result) {
  const Tick now = clock_.Now();
  Aftermath aftermath;
  LockedBreaker entry = Enter(breaker, now, aftermath);
  if (!entry) return std::nullopt;
  const uint32_t revision = entry->guard.revision();
  entry->guard.Advance(*entry->ruling, now, numbers_, aftermath.transitions);
  const Verdict verdict{.state = entry->guard.state(),
                        .epoch = entry->guard.epoch(),
                        .outcome = entry->ruling->classification.Classify(result),
                        .counted = Counted::kRepeated};
  Leave(*entry, revision, aftermath);
  entry.Unlock();
  Publish(breaker, aftermath);
  return verdict;
}

absl::StatusOr<bool> Engine::RememberBatch(absl::string_view id) {
  return batches_.Remember(id, clock_.Now());
}

}  // namespace fusebox
