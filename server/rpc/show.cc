#include "server/rpc/show.h"

#include "proto/convert/convert.h"

namespace fusebox {

v1::Breaker ShowBreaker(const Engine& engine, const BreakerView& view) {
  v1::Breaker message = ToProto(view.snapshot, view.name, view.ruling->policy.name,
                                WallAnchor{engine.Now(), engine.WallNow()});
  message.set_policy_match(view.policy_match);
  v1::RetryBudgetStatus& budget = *message.mutable_retry_budget();
  budget.set_name(view.budget.name);
  budget.set_balance_millis(view.budget.balance);
  budget.set_capacity_millis(view.budget.capacity);
  budget.set_spent(view.budget.spent);
  budget.set_refused(view.budget.refused);
  return message;
}

v1::GetHealthResponse ShowHealth(const HealthRollup& rollup) {
  v1::GetHealthResponse message;
  message.set_health(ToProto(*rollup.health()));
  message.set_score(rollup.score());
  message.set_healthy(rollup.healthy());
  message.set_degraded(rollup.degraded());
  message.set_unhealthy(rollup.unhealthy());
  for (const HealthRollup::Member& member : rollup.worst()) {
    v1::BreakerHealth& shown = *message.add_worst();
    shown.set_name(member.name);
    shown.set_state(ToProto(member.condition.state));
    shown.set_health(ToProto(member.condition.health));
    shown.set_score(member.condition.score);
  }
  return message;
}

}  // namespace fusebox
