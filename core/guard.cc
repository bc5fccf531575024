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

Decision Guard::Acquire(const RulingPolicy& ruling, const Question& question, Tick now,
                        TransitionSource& source, Transitions& transitions) {
  limits_.Prefetch();
  if (experience_ != nullptr && ruling.policy.hedge.percentile.on()) PrefetchAll(*experience_);
  now = Enter(ruling, now, source, transitions);
  if (Is(OverrideMode::kForcedOpen)) {
    const absl::Duration left = override_->expires - now;
    return Deny(ruling,
                {Reason::kForcedOpen, std::min(left, ruling.policy.circuit_breaker.open_duration)},
                question, now);
  }
  const Admission admission = breaker_.Admit(ruling.policy.circuit_breaker, now);
  if (!admission.allowed && !Is(OverrideMode::kForcedClosed)) {
    return Deny(ruling, {admission.reason, admission.retry_after}, question, now);
  }
  const bool limited = Limits::Concern(ruling.policy, question);
  if (limited) {
    // Under the number that the permit would have: one that is not granted must use none up, or
    // calls that are refused would overtake those that are out.
    const std::optional<Refusal> refusal =
        TakeFromLimits(ruling.policy, question, breaker_.NextPermit(), now);
    if (refusal.has_value()) {
      if (admission.allowed) breaker_.TakeBackAdmission(ruling.policy.circuit_breaker, now);
      if (refusal->waits) return Waits(refusal->reason);
      return Deny(ruling, *refusal, question, now);
    }
  }
  Decision granted = admission.allowed ? Grant(ruling, question, now)
                                       : GrantWithoutVote(ruling, question, /*earns=*/true, now);
  if (limited) granted.lease = LeaseOf(ruling.policy, question);
  if (granted.probe) {
    const absl::Duration probe_lease = ruling.policy.circuit_breaker.probe_timeout;
    const bool alone = granted.lease == absl::ZeroDuration();
    granted.lease = alone ? probe_lease : std::min(granted.lease, probe_lease);
  }
  if (!question.IsExtra()) granted.hedge_delay = HedgeDelayAt(ruling.policy.hedge, now);
  return granted;
}

// Whom SHADOW lets pass anyway does not wait first.
std::optional<Refusal> Guard::TakeFromLimits(const Policy& policy, const Question& question,
                                             PermitId permit, Tick now) {
  if (!Is(OverrideMode::kShadow)) return limits_.Take(policy, question, permit, now);
  Question impatient = question;
  impatient.wait.reset();
  return limits_.Take(policy, impatient, permit, now);
}

Decision Guard::Waits(Reason reason) const {
  return {.reason = reason, .state = breaker_.state(), .epoch = breaker_.epoch(), .waits = true};
}

bool Guard::IsSettled() const {
  if (Is(OverrideMode::kForcedOpen) || Is(OverrideMode::kShadow)) return true;
  return breaker_.state() == State::kOpen && !Is(OverrideMode::kForcedClosed);
}

void Guard::ServeWaiters(const RulingPolicy& ruling, size_t limit, Tick now,
                         TransitionSource& source, Transitions& transitions,
                         std::vector<Turn>& turns) {
  now = Enter(ruling, now, source, transitions);
  while (waiting() > 0 && turns.size() < limit) {
    auto left = limits_.NextToAsk(ruling.policy, IsSettled(), now);
    if (!left.has_value()) return;
    turns.push_back(Ask(ruling, *std::move(left), now, source, transitions));
  }
}

Turn Guard::Ask(const RulingPolicy& ruling, Waiters::Left left, Tick now, TransitionSource& source,
                Transitions& transitions) {
  const Decision decision = Acquire(ruling, left.question(), now, source, transitions);
  return {std::move(left), decision};
}

Tick Guard::NextTurn(const RulingPolicy& ruling) {
  if (waiting() == 0) return Tick::Max();
  return limits_.NextTurn(ruling.policy, IsSettled(), latest_);
}

bool Guard::CancelWait(uint64_t id) { return limits_.CancelWait(id); }

void Guard::EndWaits(const RulingPolicy& ruling, size_t limit, Tick now, TransitionSource& source,
                     Transitions& transitions, std::vector<Turn>& turns) {
  while (turns.size() < limit) {
    std::optional<Waiters::Left> left = limits_.TakeAnyWaiter();
    if (!left.has_value()) return;
    turns.push_back(Ask(ruling, *std::move(left), now, source, transitions));
  }
}

// Under SHADOW a duplicate is no refusal.
std::optional<Decision> Guard::RefuseDuplicate(const RulingPolicy& ruling, const Question& question,
                                               Tick now, TransitionSource& source,
                                               Transitions& transitions) {
  now = Enter(ruling, now, source, transitions);
  if (Is(OverrideMode::kShadow)) return std::nullopt;
  const auto first = limits_.RefuseDuplicate(ruling.policy, question, now);
  if (!first.has_value()) return std::nullopt;
  return Deny(ruling, {.reason = Reason::kDuplicate, .first = first}, question, now);
}

Decision Guard::Grant(const RulingPolicy& ruling, const Question& question, Tick now) {
  Decision decision{.allowed = true, .state = breaker_.state(), .epoch = breaker_.epoch()};
  decision.probe = decision.state == State::kHalfOpen;
  decision.permit = {.epoch = decision.epoch,
                     .number = breaker_.Mint(ruling.policy.circuit_breaker, now),
                     .attempt = question.attempt,
                     .previous_failure = question.previous_failure,
                     .earns = !question.hedge};
  decision.taken = now;
  ++totals_.calls;
  return decision;
}

Decision Guard::GrantWithoutVote(const RulingPolicy& ruling, const Question& question, bool earns,
                                 Tick now) {
  Decision decision{.allowed = true, .state = breaker_.state(), .epoch = breaker_.epoch()};
  decision.permit = {.epoch = decision.epoch,
                     .number = breaker_.MintWithoutVote(ruling.policy.circuit_breaker, now),
                     .attempt = question.attempt,
                     .previous_failure = question.previous_failure,
                     .votes = false,
                     .earns = earns && !question.hedge};
  decision.taken = now;
  ++totals_.calls;
  return decision;
}

Decision Guard::Deny(const RulingPolicy& ruling, const Refusal& refusal, const Question& question,
                     Tick now) {
  if (Is(OverrideMode::kShadow)) {
    Decision decision = GrantWithoutVote(ruling, question, /*earns=*/false, now);
    decision.shadow_denied = true;
    decision.reason = refusal.reason;
    decision.first = refusal.first;
    return decision;
  }
  ++totals_.refused;
  return {.reason = refusal.reason,
          .state = breaker_.state(),
          .epoch = breaker_.epoch(),
          .retry_after = refusal.retry_after,
          .first = refusal.first};
}

Decision Guard::Refuse(const RulingPolicy& ruling, const Question& question,
                       const Decision& allowed, const Refusal& refusal) {
  TakeBack(ruling, allowed);
  return Deny(ruling, refusal, question, latest_);
}

void Guard::TakeBack(const RulingPolicy& ruling, const Decision& allowed) {
  // What only SHADOW let pass took nothing there.
  if (!allowed.shadow_denied) {
    limits_.GiveBack(ruling.policy, allowed.permit.id(), allowed.taken, latest_);
  }
  TakeBackFromBreaker(ruling, allowed);
}

void Guard::TakeBackFromBreaker(const RulingPolicy& ruling, const Decision& granted) {
  if (granted.permit.votes && granted.epoch == breaker_.epoch()) {
    breaker_.Return(ruling.policy.circuit_breaker, granted.permit.number, latest_);
  } else {
    breaker_.MarkReturned(granted.epoch, granted.permit.number);
  }
  // A breaker that was forgotten and is asked again has not counted it.
  if (totals_.calls > 0) --totals_.calls;
}

void Guard::PrefetchForCounting() const {
  breaker_.Prefetch();
  limits_.PrefetchBudget();
  if (experience_ != nullptr) PrefetchAll(*experience_);
}

Verdict Guard::Record(const RulingPolicy& ruling, const Ending& ending, Tick now,
                      TransitionSource& source, Transitions& transitions) {
  limits_.Prefetch();
  PrefetchForCounting();
  now = Enter(ruling, now, source, transitions);
  const size_t before = transitions.size();
  const Report report{.outcome = ruling.classification.Classify(ending.result),
                      .latency = ending.latency,
                      .retry_after = ending.retry_after,
                      .client = ending.client};
  Verdict verdict{.outcome = report.outcome};
  bool earned = false;
  if (ending.permit.has_value()) {
    verdict.counted = CountWithPermit(ruling, ending, report, now, source, transitions, earned);
  } else if (ending.epoch != 0 && ending.epoch != breaker_.epoch()) {
    verdict.counted = Counted::kLate;
  } else {
    verdict.counted = breaker_.Observe(ruling.policy.circuit_breaker, ending.calls, report, now,
                                       source, transitions);
    earned = verdict.counted == Counted::kCounted;
  }
  totals_.transitions += transitions.size() - before;
  AddToTotals(report, ending.calls, verdict.counted);
  if (earned && IsSuccess(report.outcome)) Earn(ruling.policy, ending.calls, now, verdict);
  verdict.state = breaker_.state();
  verdict.epoch = breaker_.epoch();
  if (verdict.counted == Counted::kCounted) Learn(ruling.policy, ending, report.outcome, now);
  if (ending.permit.has_value() && IsFailure(report.outcome)) {
    verdict.retry = AdviseRetry(ruling.policy, ending, report, now, source);
  }
  return verdict;
}

void Guard::Earn(const Policy& policy, uint32_t calls, Tick now, Verdict& verdict) {
  verdict.earned_calls = calls;
  if (Limits::HasPrivateBudget(policy)) limits_.Earn(policy, calls, now);
}

Verdict Guard::Count(const RulingPolicy& ruling, const Tally& tally, Tick now,
                     TransitionSource& source, Transitions& transitions) {
  PrefetchForCounting();
  now = Enter(ruling, now, source, transitions);
  const size_t before = transitions.size();
  Verdict verdict{.counted = Counted::kLate};
  if (tally.epoch == 0 || tally.epoch == breaker_.epoch()) {
    verdict.counted =
        breaker_.Observe(ruling.policy.circuit_breaker, tally.outcomes, now, source, transitions);
  }
  totals_.transitions += transitions.size() - before;
  AddToTotals(tally, verdict.counted);
  if (verdict.counted == Counted::kCounted) {
    const uint32_t earned = tally.FirstSuccesses();
    if (earned > 0) Earn(ruling.policy, earned, now, verdict);
    if (experience_ == nullptr && Experience::IsWorthIt(ruling.policy, tally)) {
      experience_ = std::make_unique<Experience>();
    }
    if (experience_ != nullptr) experience_->Learn(ruling.policy, tally, now);
  }
  verdict.state = breaker_.state();
  verdict.epoch = breaker_.epoch();
  return verdict;
}

// Late outcomes have no vote, but a success that ended late is a success: it earns.
Counted Guard::CountWithPermit(const RulingPolicy& ruling, const Ending& ending,
                               const Report& report, Tick now, TransitionSource& source,
                               Transitions& transitions, bool& earned) {
  const Permit& permit = *ending.permit;
  const ReplayFilter::Seen seen = breaker_.MarkReturned(permit.epoch, permit.number);
  if (seen == ReplayFilter::Seen::kRepeated) {
    // Or told for the first time, but after very many that were granted later.
    limits_.FreePlace(permit.id(), now);
    return Counted::kRepeated;
  }
  limits_.End(ruling.policy, permit.id(), report.outcome, ending.unsent, now);
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

// What the caller decided was granted and refused, whatever becomes of it here.
void Guard::AddToTotals(const Tally& tally, Counted counted) {
  const OutcomeCounts& outcomes = tally.outcomes;
  totals_.calls += outcomes.Calls();
  for (const Tally::Refusals& kind : tally.refusals) totals_.refused += kind.calls;
  if (counted == Counted::kLate) totals_.late += outcomes.Calls();
  if (counted != Counted::kCounted) return;
  totals_.successes += outcomes.Succeeded();
  totals_.failures += outcomes.Failed();
  totals_.timed_calls += tally.timed;
  totals_.latency_seconds += absl::ToDoubleSeconds(tally.latency);
}

void Guard::Learn(const Policy& policy, const Ending& ending, Outcome outcome, Tick now) {
  const bool has_permit = ending.permit.has_value();
  const Lesson lesson{
      .outcome = outcome,
      .latency = ending.latency,
      .calls = ending.calls,
      .attempt = has_permit ? ending.permit->attempt : 1,
      .previous_failure = has_permit ? ending.permit->previous_failure : std::nullopt};
  if (experience_ == nullptr) {
    if (!Experience::IsWorthIt(policy, lesson)) return;
    experience_ = std::make_unique<Experience>();
  }
  experience_->Learn(policy, lesson, now);
}

// A shared budget is its owner's to ask.
RetryAdvice Guard::AdviseRetry(const Policy& policy, const Ending& ending, const Report& report,
                               Tick now, TransitionSource& source) {
  const State state = breaker_.state();
  const RetryInputs inputs{
      .outcome = report.outcome,
      .attempt = std::max(ending.permit->attempt, 1u),
      .unsent = ending.unsent,
      .retry_after = report.retry_after.value_or(absl::ZeroDuration()),
      .open_for = state == State::kOpen ? breaker_.open_until() - now : absl::ZeroDuration(),
      .budget_has_retry = limits_.HoldsRetry(policy, now),
      .random_bits = source.RandomBits()};
  Experience none;
  return (experience_ == nullptr ? none : *experience_).Advise(policy.retry, inputs, now);
}

std::optional<absl::Duration> Guard::HedgeDelayAt(const HedgePolicy& policy, Tick now) {
  if (experience_ != nullptr) return experience_->HedgeDelayAt(policy, now);
  return HedgeDelay(policy, nullptr, now);
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
  limits_.Reset();
  experience_.reset();
  ++totals_.transitions;
}

void Guard::ChangePolicy(const RulingPolicy& from, const RulingPolicy& to, Tick now,
                         TransitionSource& source, Transitions& transitions) {
  now = Enter(from, now, source, transitions);
  breaker_.ChangePolicy(from.policy.circuit_breaker, to.policy.circuit_breaker, now);
  limits_.ChangePolicy(from.policy, to.policy, now);
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
  bool trimmed = breaker_.Trim(ruling.policy.circuit_breaker, latest_);
  trimmed |= limits_.Trim(ruling.policy, latest_);
  if (experience_ != nullptr) trimmed |= experience_->Trim(ruling.policy, latest_);
  if (experience_ != nullptr && experience_->IsBlank()) experience_.reset();
  return trimmed;
}

}  // namespace fusebox
