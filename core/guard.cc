#include "core/guard.h"

#include <algorithm>
#include <utility>

namespace fusebox {

Tick Guard::Enter(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                  Transitions& transitions) {
  latest_ = std::max(latest_, now);
  const size_t before = transitions.size();
  breaker_.Advance(ruling.policy.circuit_breaker, latest_, source, transitions);
  totals_.transitions += transitions.size() - before;
  if (override_ != nullptr && override_->expires <= latest_) SetOverride(nullptr);
  return latest_;
}

Decision Guard::Acquire(const RulingPolicy& ruling, uint32_t attempt, Tick now,
                        TransitionSource& source, Transitions& transitions) {
  now = Enter(ruling, now, source, transitions);
  if (Is(OverrideMode::kForcedOpen)) {
    const absl::Duration left = override_->expires - now;
    return Deny(
        ruling,
        {false, Reason::kForcedOpen, std::min(left, ruling.policy.circuit_breaker.open_duration)},
        attempt, now);
  }
  const Admission admission = breaker_.Admit(ruling.policy.circuit_breaker, now);
  if (!admission.allowed && !Is(OverrideMode::kForcedClosed)) {
    return Deny(ruling, admission, attempt, now);
  }
  const Decision granted = admission.allowed
                               ? Grant(ruling, attempt, now)
                               : GrantWithoutVote(ruling, attempt, /*earns=*/true, now);
  if (attempt > 1 && HasPrivateBudget(ruling)) {
    const RetryBudgetPolicy& budget = ruling.policy.retry_budget;
    if (!EnsureBudget(budget, now).TryWithdraw(budget, now)) {
      return Refuse(ruling, granted, RetryBudget::RetryAfter(budget));
    }
  }
  return granted;
}

Decision Guard::Grant(const RulingPolicy& ruling, uint32_t attempt, Tick now) {
  Decision decision{.allowed = true, .state = breaker_.state(), .epoch = breaker_.epoch()};
  decision.probe = decision.state == State::kHalfOpen;
  decision.permit = {.epoch = decision.epoch,
                     .number = breaker_.Mint(ruling.policy.circuit_breaker, now),
                     .attempt = attempt};
  ++totals_.calls;
  return decision;
}

Decision Guard::GrantWithoutVote(const RulingPolicy& ruling, uint32_t attempt, bool earns,
                                 Tick now) {
  Decision decision{.allowed = true, .state = breaker_.state(), .epoch = breaker_.epoch()};
  decision.permit = {.epoch = decision.epoch,
                     .number = breaker_.MintWithoutVote(ruling.policy.circuit_breaker, now),
                     .attempt = attempt,
                     .votes = false,
                     .earns = earns};
  ++totals_.calls;
  return decision;
}

Decision Guard::Deny(const RulingPolicy& ruling, const Admission& refusal, uint32_t attempt,
                     Tick now) {
  if (Is(OverrideMode::kShadow)) {
    Decision decision = GrantWithoutVote(ruling, attempt, /*earns=*/false, now);
    decision.shadow_denied = true;
    decision.reason = refusal.reason;
    return decision;
  }
  ++totals_.refused;
  return {.reason = refusal.reason,
          .state = breaker_.state(),
          .epoch = breaker_.epoch(),
          .retry_after = refusal.retry_after};
}

Decision Guard::Refuse(const RulingPolicy& ruling, const Decision& allowed,
                       absl::Duration retry_after) {
  if (allowed.permit.votes && allowed.epoch == breaker_.epoch()) {
    breaker_.Return(ruling.policy.circuit_breaker, allowed.permit.number, latest_);
  } else {
    breaker_.MarkReturned(allowed.epoch, allowed.permit.number);
  }
  --totals_.calls;
  return Deny(ruling, {false, Reason::kRetryBudget, retry_after}, allowed.permit.attempt, latest_);
}

Verdict Guard::Record(const RulingPolicy& ruling, const Ending& ending, Tick now,
                      TransitionSource& source, Transitions& transitions) {
  now = Enter(ruling, now, source, transitions);
  const size_t before = transitions.size();
  const Report report{.outcome = ruling.classification.Classify(ending.result),
                      .latency = ending.latency,
                      .retry_after = ending.retry_after,
                      .client = ending.client};
  Verdict verdict{.outcome = report.outcome};
  bool earned = false;
  if (ending.permit.has_value()) {
    verdict.counted =
        CountWithPermit(ruling, *ending.permit, report, now, source, transitions, earned);
  } else if (ending.epoch != 0 && ending.epoch != breaker_.epoch()) {
    verdict.counted = Counted::kLate;
  } else {
    verdict.counted = breaker_.Observe(ruling.policy.circuit_breaker, ending.calls, report, now,
                                       source, transitions);
    earned = verdict.counted == Counted::kCounted;
  }
  totals_.transitions += transitions.size() - before;
  AddToTotals(report, ending.calls, verdict.counted);
  if (earned && IsSuccess(report.outcome)) {
    verdict.earned_calls = ending.calls;
    if (HasPrivateBudget(ruling)) {
      const RetryBudgetPolicy& budget = ruling.policy.retry_budget;
      EnsureBudget(budget, now).Deposit(budget, ending.calls, now);
    }
  }
  verdict.state = breaker_.state();
  verdict.epoch = breaker_.epoch();
  return verdict;
}

// Late outcomes have no vote, but a success that ended late is a success: it earns.
Counted Guard::CountWithPermit(const RulingPolicy& ruling, const Permit& permit,
                               const Report& report, Tick now, TransitionSource& source,
                               Transitions& transitions, bool& earned) {
  const ReplayFilter::Seen seen = breaker_.MarkReturned(permit.epoch, permit.number);
  if (seen == ReplayFilter::Seen::kRepeated) return Counted::kRepeated;
  const bool late = permit.epoch != breaker_.epoch();
  const bool first_attempt = permit.attempt <= 1 && permit.earns;
  earned = first_attempt && seen == ReplayFilter::Seen::kFirst;
  if (late) return Counted::kLate;
  if (!permit.votes) return Counted::kNotCounted;
  return breaker_.Record(ruling.policy.circuit_breaker, permit.number, report, now, source,
                         transitions);
}

void Guard::AddToTotals(const Report& report, uint32_t calls, Counted counted) {
  if (counted == Counted::kLate) totals_.late += calls;
  if (counted != Counted::kCounted) return;
  (IsFailure(report.outcome) ? totals_.failures : totals_.successes) += calls;
  if (!report.latency.has_value()) return;
  totals_.timed_calls += calls;
  totals_.latency_seconds += absl::ToDoubleSeconds(*report.latency) * calls;
}

RetryBudget& Guard::EnsureBudget(const RetryBudgetPolicy& policy, Tick now) {
  if (budget_ == nullptr) budget_ = std::make_unique<RetryBudget>(policy, now);
  return *budget_;
}

Tick Guard::NextDeadline() const {
  const Tick deadline = breaker_.NextDeadline();
  return override_ == nullptr ? deadline : std::min(deadline, override_->expires);
}

void Guard::Advance(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                    Transitions& transitions) {
  Enter(ruling, now, source, transitions);
}

void Guard::SetOverride(std::shared_ptr<const Override> override) {
  if (override_ == override) return;
  override_ = std::move(override);
  ++revision_;
}

void Guard::Reset(const RulingPolicy& ruling, Tick now, TransitionSource& source,
                  Transitions& transitions) {
  now = Enter(ruling, now, source, transitions);
  breaker_.Reset(now, source, transitions);
  budget_.reset();
  ++totals_.transitions;
}

void Guard::ChangePolicy(const RulingPolicy& from, const RulingPolicy& to, Tick now,
                         TransitionSource& source, Transitions& transitions) {
  now = Enter(from, now, source, transitions);
  breaker_.ChangePolicy(from.policy.circuit_breaker, to.policy.circuit_breaker, now);
  if (budget_ != nullptr) {
    budget_->ChangePolicy(from.policy.retry_budget, to.policy.retry_budget, now);
  }
  ++revision_;
}

std::optional<Outage> Guard::SaveOutage(const RulingPolicy& ruling, Tick now,
                                        TransitionSource& source, Transitions& transitions) {
  Enter(ruling, now, source, transitions);
  return breaker_.SaveOutage();
}

void Guard::RestoreOutage(const RulingPolicy& ruling, const Outage& outage, Tick now) {
  latest_ = std::max(latest_, now);
  breaker_.RestoreOutage(ruling.policy.circuit_breaker, outage, latest_);
}

bool Guard::Trim(const RulingPolicy& ruling, Tick now) {
  latest_ = std::max(latest_, now);
  const bool blank = budget_ != nullptr && budget_->IsBlank(ruling.policy.retry_budget, latest_);
  if (blank) budget_.reset();
  return breaker_.Trim(ruling.policy.circuit_breaker, latest_) || blank;
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
  snapshot.score = HealthScore(snapshot.window);
  snapshot.health =
      JudgeHealth(snapshot.state, snapshot.ramp_share.millionths() < Share::kOne, snapshot.score);
  RetryBudget blank(ruling.policy.retry_budget, now);
  RetryBudget& budget = budget_ == nullptr ? blank : *budget_;
  snapshot.budget_balance = budget.Balance(ruling.policy.retry_budget, now);
  snapshot.budget_spent = budget.spent();
  snapshot.budget_refused = budget.refused();
  if (breaker_.last_transition() != nullptr) snapshot.last_transition = *breaker_.last_transition();
  snapshot.taken = now;
  return snapshot;
}

}  // namespace fusebox
