// What a guard shows of itself.
#include "core/guard.h"

namespace fusebox {

void Guard::ShowLimits(const Policy& policy, Tick now, Snapshot& snapshot) {
  snapshot.rate_limit = limits_.RateLimitAt(policy.rate_limit, now);
  snapshot.bulkhead = limits_.BulkheadAt(policy.bulkhead, now);
  snapshot.idempotency = limits_.IdempotencyAt(policy.idempotency, now);
  snapshot.waiting = static_cast<uint32_t>(limits_.waiting());
  RetryBudget blank(policy.retry_budget, now);
  RetryBudget& budget = limits_.budget() == nullptr ? blank : *limits_.budget();
  snapshot.budget_balance = budget.Balance(policy.retry_budget, now);
  snapshot.budget_spent = budget.spent();
  snapshot.budget_refused = budget.refused();
}

Condition Guard::ConditionAt(const CircuitBreakerPolicy& policy, Tick now) {
  const bool ramping = breaker_.RampShare(policy, now).millionths() < Share::kOne;
  Condition condition{.state = breaker_.state(), .score = HealthScore(breaker_.Counts(now))};
  condition.health = JudgeHealth(condition.state, ramping, condition.score);
  return condition;
}

Condition Guard::TakeCondition(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                               Transitions& transitions) {
  now = Enter(ruling, now, source, transitions);
  return ConditionAt(ruling.policy.circuit_breaker, now);
}

Standing Guard::TakeStanding(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                             Transitions& transitions) {
  now = Enter(ruling, now, source, transitions);
  const CircuitBreakerPolicy& policy = ruling.policy.circuit_breaker;
  Standing standing{.state = breaker_.state(),
                    .epoch = breaker_.epoch(),
                    .revision = revision_,
                    .override = override_,
                    .hedge_delay = HedgeDelayAt(ruling.policy.hedge, now),
                    .healthy = ConditionAt(policy, now).health == Health::kHealthy};
  if (standing.state == State::kOpen) standing.retry_after = breaker_.open_until() - now;
  if (breaker_.RampShare(policy, now).millionths() < Share::kOne) {
    standing.closed_for = now - breaker_.since();
  }
  if (override_ != nullptr) standing.override_ttl = override_->expires - now;
  return standing;
}

Snapshot Guard::TakeSnapshot(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                             Transitions& transitions) {
  now = Enter(ruling, now, source, transitions);
  const CircuitBreakerPolicy& policy = ruling.policy.circuit_breaker;
  Snapshot snapshot{.state = breaker_.state(), .epoch = breaker_.epoch(), .revision = revision_};
  if (override_ != nullptr) snapshot.override = *override_;
  snapshot.window = breaker_.Counts(now);
  snapshot.totals = totals_;
  snapshot.consecutive_failures = breaker_.consecutive_failures();
  snapshot.failing_clients = breaker_.FailingClientNames(now);
  if (snapshot.state == State::kOpen) snapshot.retry_after = breaker_.open_until() - now;
  snapshot.reopens = breaker_.Reopens(policy, now);
  snapshot.probes = static_cast<uint32_t>(breaker_.ProbesOut());
  snapshot.ramp_share = breaker_.RampShare(policy, now);
  const Condition condition = ConditionAt(policy, now);
  snapshot.score = condition.score;
  snapshot.health = condition.health;
  ShowLimits(ruling.policy, now, snapshot);
  if (experience_ != nullptr) snapshot.retry_estimates = experience_->Estimates(now);
  snapshot.hedge_delay = HedgeDelayAt(ruling.policy.hedge, now);
  if (breaker_.last_transition() != nullptr) snapshot.last_transition = *breaker_.last_transition();
  snapshot.taken = now;
  return snapshot;
}

}  // namespace fusebox
