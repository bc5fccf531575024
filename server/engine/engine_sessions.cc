// What sessions need: where breakers stand, and counting what was decided elsewhere.
#include <algorithm>
#include <utility>

#include "server/engine/engine.h"

namespace fusebox {

absl::StatusOr<StandingView> Engine::Join(absl::string_view breaker) {
  const Tick now = clock_.Now();
  Aftermath aftermath;
  StandingView view;
  {
    absl::StatusOr<LockedBreaker> entered = EnterOrCreate(breaker, now, aftermath);
    if (!entered.ok()) return entered.status();
    const LockedBreaker entry = *std::move(entered);
    entry->last_used = std::max(entry->last_used, now);
    view = ViewStanding(*entry, now, aftermath);
  }
  Publish(breaker, aftermath);
  return view;
}

absl::StatusOr<StandingView> Engine::StandingOf(absl::string_view breaker, Slot hint) {
  const Tick now = clock_.Now();
  Aftermath aftermath;
  StandingView view;
  {
    const LockedBreaker entry = Enter(breaker, now, aftermath, hint);
    if (!entry) return NoSuchBreaker(breaker);
    view = ViewStanding(*entry, now, aftermath);
  }
  Publish(breaker, aftermath);
  return view;
}

StandingView Engine::ViewStanding(BreakerEntry& entry, Tick now, Aftermath& aftermath) {
  StandingView view{.slot = entry.slot(), .ruling = entry.ruling, .now = now};
  const uint32_t revision = entry.guard.revision();
  view.standing = entry.guard.TakeStanding(*entry.ruling, now, numbers_, aftermath.transitions);
  Leave(entry, revision, aftermath);
  return view;
}

Engine::CountedTally Engine::Count(absl::string_view breaker, Slot hint, const Tally& tally,
                                   Tick now) {
  Aftermath aftermath;
  Verdict verdict{.counted = Counted::kLate};
  CountedTally result;
  std::string shared_budget;
  if (const LockedBreaker entry = Enter(breaker, now, aftermath, hint)) {
    const uint32_t revision = entry->guard.revision();
    verdict = entry->guard.Count(*entry->ruling, tally, now, numbers_, aftermath.transitions);
    result.healthy = entry->guard.IsHealthy(*entry->ruling);
    if (verdict.earned_calls > 0) shared_budget = entry->ruling->policy.shared_retry_budget;
    entry->last_used = std::max(entry->last_used, now);
    Leave(*entry, revision, aftermath);
  }
  result.slot = aftermath.slot;
  if (!shared_budget.empty()) budgets_.Deposit(shared_budget, verdict.earned_calls, now);
  counters_.CountTally(aftermath.slot, tally, verdict.counted);
  Publish(breaker, aftermath);
  return result;
}

}  // namespace fusebox
