// How a client decides.
#include "client/cpp/local/local_breaker.h"

#include <algorithm>
#include <utility>

#include "client/cpp/local/local_operation.h"
#include "core/recovery.h"
#include "core/retry_advice.h"

namespace fusebox::internal {
namespace {

PermitKind KindOf(const Gate::Ask& ask) {
  constexpr uint32_t kMany = 4;  // Attempts beyond are alike to who learns from them.
  const bool has_failed = ask.previous_failure.has_value() && IsFailure(*ask.previous_failure);
  return {.attempt = std::clamp(ask.attempt, 1u, kMany),
          .previous_failure = has_failed ? ask.previous_failure : std::nullopt,
          .hedge = ask.hedge};
}

}  // namespace

LocalBreaker::LocalBreaker(std::string name, std::shared_ptr<const RulingPolicy> policy,
                           Surroundings surroundings)
    : Gate(surroundings.stopwatch),
      name_(std::move(name)),
      surroundings_(std::move(surroundings)),
      guard_(surroundings_.numbers.NextEpoch(), Now()) {
  MutexLock lock(mutex_);
  const Tick now = Now();
  alone_since_ = now;
  fleet_ = own_ = policy;
  SetPolicy(std::move(policy), 1, now);
  Redecide(now);
}

LocalBreaker::~LocalBreaker() = default;

Gate::Grant LocalBreaker::LookCloser(const Ask& ask) {
  Operation operation(*this);
  Redecide(operation.now());
  return Decide(ask, operation.now());
}

Gate::Grant LocalBreaker::Decide(const Ask& ask, Tick now) {
  const Word word = word_.load(std::memory_order_relaxed);
  if (word.way() == Way::kRefuse) return Refuse(word.reason());
  const bool is_plain = word.way() == Way::kPass && ask.IsFirst();
  if (is_plain) return Pass();
  if (PassesBlindly()) return Pass();
  if (is_alone_) return PassByOwn(ask, now);
  if (!ask.IsFirst() || NeedsPermit(now)) return PassByPermit(ask, now);
  return AsksOwn() ? PassByOwn(ask, now) : PassByRamp(now);
}

Gate::Grant LocalBreaker::Pass() const { return {.word = MakeWord(Way::kPass)}; }

Gate::Grant LocalBreaker::Refuse(Reason reason) {
  ledger_.AddRefusals(generation_, reason, 1);
  ++DecidedNow();
  return {.word = MakeWord(Way::kRefuse, reason)};
}

// As the breaker itself does: saves up a share of a call with every call asked for.
Gate::Grant LocalBreaker::PassByRamp(Tick now) {
  const CircuitBreakerPolicy& policy = fleet_->policy.circuit_breaker;
  ramp_credit_ += RampShareAfter(policy, now - *pushed_.closed_since).millionths();
  if (ramp_credit_ < Share::kOne) return Refuse(Reason::kRamping);
  ramp_credit_ -= Share::kOne;
  return Pass();
}

Gate::Grant LocalBreaker::PassByPermit(const Ask& ask, Tick now) {
  const PermitKind kind = KindOf(ask);
  std::string permit = hand_.Draw(kind, now);
  const bool passes_anyway = pushed_.OverrideAt(now) == OverrideMode::kShadow;
  if (permit.empty() && passes_anyway) return Pass();
  if (permit.empty()) return Refuse(WhyNoPermit(kind));
  std::unique_ptr<Held> held = NewHeld();
  held->lent = std::move(permit);
  return Hold(std::move(held));
}

Reason LocalBreaker::WhyNoPermit(const PermitKind& kind) const {
  const Reason told = hand_.ReasonOf(kind);
  if (told != Reason::kNone) return told;
  if (pushed_.state != State::kClosed) return Reason::kProbesBusy;
  if (kind.attempt > 1 || kind.hedge) return Reason::kRetryBudget;
  return fleet_->policy.bulkhead.on() ? Reason::kBulkhead : Reason::kRateLimit;
}

Gate::Grant LocalBreaker::PassByOwn(const Ask& ask, Tick now) {
  Transitions transitions;
  const Decision decision = guard_.Acquire(*own_,
                                           {.attempt = std::max(ask.attempt, 1u),
                                            .previous_failure = KindOf(ask).previous_failure,
                                            .hedge = ask.hedge},
                                           now, surroundings_.numbers, transitions);
  NoteTransitions(transitions);
  if (!decision.allowed) return Refuse(decision.reason);
  std::unique_ptr<Held> held = NewHeld();
  held->own = decision.permit;
  return Hold(std::move(held));
}

Gate::Grant LocalBreaker::Hold(std::unique_ptr<Held> held) const {
  return {.word = MakeWord(Way::kPass), .held = held.release()};
}

std::unique_ptr<Gate::Held> LocalBreaker::NewHeld() {
  if (spare_.empty()) return std::make_unique<Held>();
  std::unique_ptr<Held> held = std::move(spare_.back());
  spare_.pop_back();
  return held;
}

void LocalBreaker::Expect(const Ask& ask) {
  const Operation operation(*this);
  if (!is_alone_) hand_.Expect(KindOf(ask), 1, operation.now());
}

absl::Duration LocalBreaker::RetryAfter(Reason reason) const {
  MutexLock lock(mutex_);
  const Tick now = Now();
  if (reason == Reason::kForcedOpen && pushed_.OverrideAt(now).has_value()) {
    return std::min(pushed_.override->expires - now, fleet_->policy.circuit_breaker.open_duration);
  }
  if (reason != Reason::kOpen) return absl::ZeroDuration();
  if (pushed_.IsOpen(now)) return pushed_.open_until - now;
  const bool is_own = guard_.state() == State::kOpen && guard_.open_until() > now;
  return is_own ? guard_.open_until() - now : absl::ZeroDuration();
}

absl::Status LocalBreaker::RefusalFor(Reason reason) const {
  return surroundings_.refusal(name_, reason, RetryAfter(reason));
}

Outcome LocalBreaker::Classify(const absl::Status& status) const {
  MutexLock lock(mutex_);
  return fleet_->classification.Classify(Result::Grpc(static_cast<int>(status.code())));
}

Gate::RetryAdvice LocalBreaker::AdviseRetry(const FailedAttempt& failed) const {
  absl::Duration open_for = RetryAfter(Reason::kOpen);
  MutexLock lock(mutex_);
  if (PassesBlindly()) open_for = absl::ZeroDuration();
  const fusebox::RetryAdvice advice =
      Advise(fleet_->policy.retry, {.outcome = failed.outcome,
                                    .attempt = failed.attempt,
                                    .unsent = !failed.sent,
                                    .retry_after = failed.retry_after,
                                    .open_for = open_for,
                                    .success_probability = kLikelyAbove,  // Not predicted.
                                    .random_bits = surroundings_.numbers.RandomBits()});
  return {advice.permitted, advice.backoff, advice.next_timeout};
}

absl::Duration LocalBreaker::FirstTimeout() const {
  MutexLock lock(mutex_);
  return fleet_->policy.retry.base_timeout;
}

// A percentile of the latencies is known to the server alone.
std::optional<absl::Duration> LocalBreaker::HedgeDelay() const {
  MutexLock lock(mutex_);
  if (!is_alone_) return pushed_.hedge_delay;
  const absl::Duration delay = fleet_->policy.hedge.delay;
  return delay > absl::ZeroDuration() ? std::optional(delay) : std::nullopt;
}

void LocalBreaker::Redecide(Tick now) {
  Transitions transitions;
  guard_.Advance(*own_, now, surroundings_.numbers, transitions);
  NoteTransitions(transitions);
  // Nobody probes it: its wait is over, and what the fleet lets pass may fail again.
  const bool is_onlooker =
      !is_alone_ && guard_.state() == State::kHalfOpen && (!AsksOwn() || NeedsPermit(now));
  if (is_onlooker) ForgetOwn(now);
  RedecideTiming(now);
  const Word word = Judge(now);
  if (word.way() == Way::kRefuse) refusing_ = word.reason();
  word_.store(word, std::memory_order_release);
  state_.store(Shown(), std::memory_order_relaxed);
  next_deadline_.store(DeadlineAt(now).nanos(), std::memory_order_relaxed);
}

Gate::Word LocalBreaker::MakeWord(Way way, Reason reason) const {
  return Word(generation_, way, reason, way == Way::kRefuse ? Timing::kNone : timing_);
}

Gate::Word LocalBreaker::Judge(Tick now) const {
  if (pushed_.OverrideAt(now) == OverrideMode::kForcedOpen) {
    return MakeWord(Way::kRefuse, Reason::kForcedOpen);
  }
  return is_alone_ ? JudgeAlone(now) : JudgePushed(now);
}

Gate::Word LocalBreaker::JudgeAlone(Tick now) const {
  switch (surroundings_.without_server) {
    case WithoutServer::kAllow:
      return MakeWord(Way::kPass);
    case WithoutServer::kDeny:
      return MakeWord(Way::kRefuse, Reason::kNoServer);
    case WithoutServer::kLocal:
      break;
  }
  const bool is_open = guard_.state() == State::kOpen;
  if (is_open && !IsLetPass(now)) return MakeWord(Way::kRefuse, Reason::kOpen);
  const Policy& policy = own_->policy;
  if (policy.rate_limit.on() || policy.bulkhead.on()) return MakeWord(Way::kLookCloser);
  const bool is_plain = guard_.state() == State::kClosed && !guard_.IsRamping(*own_);
  return MakeWord(is_plain || IsLetPass(now) ? Way::kPass : Way::kLookCloser);
}

Gate::Word LocalBreaker::JudgePushed(Tick now) const {
  if (pushed_.IsOpen(now) && !IsLetPass(now)) return MakeWord(Way::kRefuse, Reason::kOpen);
  const bool fails_alone = AsksOwn() && guard_.state() == State::kOpen;
  if (fails_alone && !IsLetPass(now)) return MakeWord(Way::kRefuse, Reason::kOpen);
  if (NeedsPermit(now)) return MakeWord(Way::kLookCloser);
  if (IsLetPass(now)) return MakeWord(Way::kPass);
  return MakeWord(AsksOwn() || Ramps(now) ? Way::kLookCloser : Way::kPass);
}

// By an operator.
bool LocalBreaker::IsLetPass(Tick now) const {
  const std::optional<OverrideMode> mode = pushed_.OverrideAt(now);
  return mode == OverrideMode::kForcedClosed || mode == OverrideMode::kShadow;
}

bool LocalBreaker::NeedsPermit(Tick now) const {
  const Policy& policy = fleet_->policy;
  if (policy.rate_limit.on() || policy.bulkhead.on()) return true;
  return pushed_.state != State::kClosed && !IsLetPass(now);
}

bool LocalBreaker::HasQuorum() const {
  return fleet_->policy.circuit_breaker.min_failing_clients > 1;
}

// The fleet may well be fine where this client is not: a quorum is about others.
bool LocalBreaker::AsksOwn() const {
  return HasQuorum() && (guard_.state() != State::kClosed || guard_.IsRamping(*own_));
}

bool LocalBreaker::Ramps(Tick now) const {
  if (pushed_.state != State::kClosed || !pushed_.closed_since.has_value()) return false;
  const absl::Duration closed_for = now - *pushed_.closed_since;
  return RampShareAfter(fleet_->policy.circuit_breaker, closed_for).millionths() < Share::kOne;
}

bool LocalBreaker::PassesBlindly() const {
  return is_alone_ && surroundings_.without_server == WithoutServer::kAllow;
}

State LocalBreaker::Shown() const {
  if (PassesBlindly()) return State::kClosed;
  if (is_alone_) return guard_.state();
  return pushed_.state == State::kClosed && AsksOwn() ? guard_.state() : pushed_.state;
}

Tick LocalBreaker::DeadlineAt(Tick now) const {
  Tick next = std::min({guard_.NextDeadline(), pushed_.NextChange(now), hand_.NextLayDown()});
  if (Ramps(now)) {
    next = std::min(next, *pushed_.closed_since + fleet_->policy.circuit_breaker.ramp_duration);
  }
  return next;
}

}  // namespace fusebox::internal
