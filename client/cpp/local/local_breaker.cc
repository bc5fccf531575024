#include "client/cpp/local/local_breaker.h"

#include <algorithm>
#include <utility>

#include "client/cpp/local/alone.h"
#include "core/recovery.h"

namespace fusebox::internal {
namespace {

// From so many calls on, in so long, timing each of them costs more than it tells.
constexpr double kBusyCallsPerSecond = 10'000;
constexpr size_t kMaxSpare = 256;
constexpr absl::Duration kBusyOver = absl::Milliseconds(50);

// What calls took in the cells, in units of the stopwatch.
absl::Duration DurationOf(uint64_t units, const Stopwatch& stopwatch) {
  return absl::Nanoseconds(stopwatch.NanosBetween(0, units));
}

std::optional<absl::Duration> LatencyOf(const Gate::End& end) {
  if (!end.latency.has_value()) return std::nullopt;
  return absl::Nanoseconds(*end.latency);
}

bool IsTimed(const Policy& policy) { return policy.circuit_breaker.slow_call_rate_threshold.on(); }

PermitKind KindOf(const Gate::Ask& ask) {
  constexpr uint32_t kMany = 4;  // Attempts beyond are alike to who learns from them.
  const bool has_failed = ask.previous_failure.has_value() && IsFailure(*ask.previous_failure);
  return {.attempt = std::clamp(ask.attempt, 1u, kMany),
          .previous_failure = has_failed ? ask.previous_failure : std::nullopt,
          .hedge = ask.hedge};
}

}  // namespace

class Gate::Held {
 public:
  std::string lent;           // A permit of the server's, or
  std::optional<Permit> own;  // of the own breaker.
};

// One look at the breaker, under its lock; wakes the owner after it if need be.
class ABSL_SCOPED_LOCKABLE LocalBreaker::Operation {
 public:
  explicit Operation(LocalBreaker& breaker) ABSL_EXCLUSIVE_LOCK_FUNCTION(breaker.mutex_)
      : breaker_(breaker) {
    breaker_.mutex_.Lock();
    hurried_ = breaker_.hurries();
    deadline_ = breaker_.next_deadline();
    state_ = breaker_.state();
    now_ = breaker_.Now();
    breaker_.AddUp(now_);
  }
  ~Operation() ABSL_UNLOCK_FUNCTION() {
    breaker_.Redecide(now_);
    const bool is_urgent = breaker_.hand_.asks() || breaker_.hurries();
    if (is_urgent) breaker_.hurries_.store(true, std::memory_order_relaxed);
    const bool wakes = (is_urgent && !hurried_) || breaker_.next_deadline() < deadline_ ||
                       breaker_.state() != state_;
    breaker_.mutex_.Unlock();
    if (wakes) breaker_.surroundings_.wake();
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  Tick now() const { return now_; }

 private:
  LocalBreaker& breaker_;
  bool hurried_;
  State state_;
  Tick deadline_;
  Tick now_;
};

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
  if (is_alone_) return PassByOwn(ask, now);
  if (!ask.IsFirst() || NeedsPermit(now)) return PassByPermit(ask, now);
  return AsksOwn() ? PassByOwn(ask, now) : PassByRamp(now);
}

Gate::Grant LocalBreaker::Pass() const { return {.word = MakeWord(Way::kPass)}; }

Gate::Grant LocalBreaker::Refuse(Reason reason) {
  ledger_.AddRefusals(generation_, reason, 1);
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

void LocalBreaker::EndSlowly(const Grant& grant, const End& end) {
  const Operation operation(*this);
  Count(grant, end, operation.now());
  std::unique_ptr<Held> held(grant.held);
  if (held == nullptr || spare_.size() >= kMaxSpare) return;
  *held = Held();
  spare_.push_back(std::move(held));
}

void LocalBreaker::Count(const Grant& grant, const End& end, Tick now) {
  const bool is_lent = grant.held != nullptr && !grant.held->lent.empty();
  const std::optional<Permit> own = grant.held != nullptr ? grant.held->own : std::nullopt;
  if (is_lent) CountLent(std::move(grant.held->lent), end);
  const Cells::Generation generation = grant.word.generation();
  if (own.has_value() || generation == generation_) RecordByOwn(own, end, now);
  if (end.outcome == Outcome::kIgnored) return;
  if (!is_lent) AddToLedger(generation, own.value_or(Permit()), end, now);
  // The first success of a thread comes this way, too, and its thread has a cell from then on.
  if (end.outcome == Outcome::kSuccess && generation == generation_) SwitchCell();
  if (!is_alone_ && IsFailure(end.outcome)) hurries_.store(true, std::memory_order_relaxed);
}

void LocalBreaker::RecordByOwn(const std::optional<Permit>& permit, const End& end, Tick now) {
  Transitions transitions;
  guard_.Record(*own_,
                {.permit = permit,
                 .result = Result::Of(end.outcome),
                 .latency = LatencyOf(end),
                 .retry_after = end.retry_after},
                now, surroundings_.numbers, transitions);
  NoteTransitions(transitions);
}

void LocalBreaker::AddToLedger(Cells::Generation generation, const Permit& permit, const End& end,
                               Tick now) {
  const CircuitBreakerPolicy& policy = fleet_->policy.circuit_breaker;
  const std::optional<absl::Duration> latency = LatencyOf(end);
  const bool is_slow = policy.slow_call_rate_threshold.on() && latency.has_value() &&
                       *latency >= policy.slow_call_duration_threshold;
  if (is_slow) all_timed_until_ = now + policy.window_duration;
  ledger_.Add(generation,
              {.outcome = end.outcome,
               .is_slow = is_slow,
               .latency = latency,
               .retry_after = end.retry_after,
               .attempt = permit.attempt,
               .previous_failure = permit.previous_failure},
              policy.consecutive_failures);
}

// What it held, others may wait for.
void LocalBreaker::CountLent(std::string permit, const End& end) {
  endings_.push_back({.permit = std::move(permit),
                      .outcome = end.outcome,
                      .latency = LatencyOf(end),
                      .retry_after = end.retry_after});
  --lent_;
  hurries_.store(true, std::memory_order_relaxed);
}

void LocalBreaker::GiveBack(std::vector<std::string> permits) {
  for (std::string& permit : permits) CountLent(std::move(permit), {.outcome = Outcome::kIgnored});
}

void LocalBreaker::CountRefusalSlowly(Reason reason) {
  const Operation operation(*this);
  ledger_.AddRefusals(generation_, reason, 1);
  SwitchCell();
}

void LocalBreaker::SwitchCell() {
  cells_.Switch(generation_, [this](const Cells::Sum& sum)
                                 ABSL_NO_THREAD_SAFETY_ANALYSIS { AddSuccesses(sum); });
}

void LocalBreaker::AddSuccesses(const Cells::Sum& sum) {
  ledger_.AddSuccesses(sum.generation, sum.successes, sum.timed,
                       DurationOf(sum.latency, stopwatch()));
  if (sum.generation == generation_) uncounted_ += sum.successes;
  recent_calls_ += sum.successes;
}

void LocalBreaker::AddUp(Tick now) {
  cells_.TakeSuccesses([this](const Cells::Sum& sum)
                           ABSL_NO_THREAD_SAFETY_ANALYSIS { AddSuccesses(sum); });
  ledger_.AddRefusals(generation_, refusing_, cells_.TakeRefusals());
  while (uncounted_ > 0) {
    const auto some = static_cast<uint32_t>(std::min<uint64_t>(uncounted_, Ledger::kMaxCalls));
    uncounted_ -= some;
    CountByOwn({.successes = some}, now);
  }
}

void LocalBreaker::CountByOwn(const OutcomeCounts& outcomes, Tick now) {
  Transitions transitions;
  guard_.Count(*own_, {.outcomes = outcomes}, now, surroundings_.numbers, transitions);
  NoteTransitions(transitions);
}

void LocalBreaker::NoteTransitions(const Transitions& transitions) {
  if (!transitions.empty()) BeginGeneration();
}

// A call that is under way stays of the one in which it was let pass.
void LocalBreaker::BeginGeneration() {
  uncounted_ = 0;
  ++generation_;
  ledger_.Begin(generation_, pushed_.epoch);
}

void LocalBreaker::Expect(const Ask& ask) {
  const Operation operation(*this);
  if (!is_alone_) hand_.Expect(KindOf(ask), 1, operation.now());
}

void LocalBreaker::Push(const Standing& standing, std::shared_ptr<const RulingPolicy> policy,
                        double local_share) {
  const Operation operation(*this);
  const Tick now = operation.now();
  // Every new stream tells it anew.
  const bool is_new_policy = policy != nullptr && policy->policy != fleet_->policy;
  if (is_new_policy || local_share != share_) {
    SetPolicy(is_new_policy ? std::move(policy) : fleet_, local_share, now);
  }
  if (pushed_.IsNewerThan(standing)) return;
  const bool was_alone = std::exchange(is_alone_, false);
  // What is that old would count as if it were of now.
  if (was_alone && now - alone_since_ > fleet_->policy.circuit_breaker.window_duration) {
    ledger_.Clear();
  }
  const bool is_new_epoch = standing.epoch != pushed_.epoch;
  if (pushed_.epoch == 0) ledger_.Know(standing.epoch);
  pushed_ = Pushed::At(standing, now);
  guard_.SetOverride(pushed_.override);
  // What it saw by itself is what it still goes by under a quorum.
  const bool is_told = is_new_epoch ? standing.state == State::kClosed : was_alone;
  if (std::exchange(has_fleets_outage_, false) || (is_told && !HasQuorum())) ForgetOwn(now);
  is_asked_to_hurry_.store(pushed_.hurry, std::memory_order_relaxed);
  if (!is_new_epoch) return;
  BeginGeneration();
  ramp_credit_ = Share::kOne - fleet_->policy.circuit_breaker.ramp_initial.millionths();
  GiveBack(hand_.LayDownAll());
}

void LocalBreaker::ForgetOwn(Tick now) {
  if (guard_.state() == State::kClosed) return;
  Transitions transitions;
  guard_.Reset(*own_, now, surroundings_.numbers, transitions);
  NoteTransitions(transitions);
}

void LocalBreaker::SetPolicy(std::shared_ptr<const RulingPolicy> policy, double share, Tick now) {
  fleet_ = std::move(policy);
  share_ = share;
  auto own = std::make_shared<const RulingPolicy>(Alone(fleet_->policy, share));
  Transitions transitions;
  guard_.ChangePolicy(*own_, *own, now, surroundings_.numbers, transitions);
  own_ = std::move(own);
  const CircuitBreakerPolicy& breaker = fleet_->policy.circuit_breaker;
  const uint64_t slow_after =
      breaker.slow_call_rate_threshold.on()
          ? stopwatch().UnitsIn(static_cast<uint64_t>(
                absl::ToInt64Nanoseconds(breaker.slow_call_duration_threshold)))
          : ~uint64_t{0};
  slow_after_.store(slow_after, std::memory_order_relaxed);
  BeginGeneration();
}

void LocalBreaker::Lend(Loan loan) {
  const Operation operation(*this);
  lent_ += hand_.Take(std::move(loan), operation.now());
  MakeRoomForLent();
}

void LocalBreaker::LayDown() {
  const Operation operation(*this);
  GiveBack(hand_.LayDownAll());
}

// So that calls need not allocate.
void LocalBreaker::MakeRoomForLent() {
  endings_.reserve(endings_.size() + lent_);
  while (spare_.size() < std::min(lent_, kMaxSpare)) spare_.push_back(std::make_unique<Held>());
}

// What it was told holds until it is over, and then it is for this client to find out.
void LocalBreaker::GoAlone() {
  const Operation operation(*this);
  const Tick now = operation.now();
  if (!is_alone_ && pushed_.state != State::kClosed) {
    Transitions transitions;
    guard_.Reset(*own_, now, surroundings_.numbers, transitions);
    guard_.RestoreOutage(*own_, {.open_until = std::max(pushed_.open_until, now)}, now);
    has_fleets_outage_ = true;
    BeginGeneration();
  }
  if (!std::exchange(is_alone_, true)) alone_since_ = now;
  is_asked_to_hurry_.store(false, std::memory_order_relaxed);
  GiveBack(hand_.LayDownAll());
  hand_.ForgetWishes();
}

bool LocalBreaker::HasNews() {
  const Operation operation(*this);
  return !ledger_.empty();
}

void LocalBreaker::Advance() {
  const Operation operation(*this);
  GiveBack(hand_.LayDown(operation.now()));
}

LocalBreaker::News LocalBreaker::TakeNews() {
  const Operation operation(*this);
  News news{.rows = ledger_.Take(), .endings = std::exchange(endings_, {})};
  MakeRoomForLent();
  news.wishes = hand_.TakeWishes();
  hurries_.store(false, std::memory_order_relaxed);
  return news;
}

std::optional<LedgerRow> LocalBreaker::TakeWindow() {
  const Operation operation(*this);
  ledger_.Clear();
  if (pushed_.state != State::kClosed || guard_.state() != State::kClosed) return std::nullopt;
  Transitions transitions;
  const Snapshot seen =
      guard_.TakeSnapshot(*own_, operation.now(), surroundings_.numbers, transitions);
  NoteTransitions(transitions);
  if (seen.window.calls == 0) return std::nullopt;
  LedgerRow row{.epoch = pushed_.epoch};
  row.outcomes.failures = std::min(seen.window.failures, Ledger::kMaxCalls);
  row.outcomes.successes =
      std::min(seen.window.calls - seen.window.failures, Ledger::kMaxCalls - row.outcomes.failures);
  row.outcomes.slow = std::min(seen.window.slow, row.outcomes.Calls());
  row.outcomes.trailing_failures = std::min(seen.consecutive_failures, seen.window.failures);
  return row;
}

uint64_t LocalBreaker::epoch() const {
  MutexLock lock(mutex_);
  return pushed_.epoch;
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
  return fleet_->classification.Classify(Result::Grpc(status.raw_code()));
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

// To find the first slow call among very many, a few of them are timed; and once one was slow, all
// of them, for as long as that counts.
void LocalBreaker::RedecideTiming(Tick now) {
  if (now - busy_since_ >= kBusyOver) {
    is_busy_ = static_cast<double>(recent_calls_) >=
               kBusyCallsPerSecond * absl::ToDoubleSeconds(now - busy_since_);
    recent_calls_ = 0;
    busy_since_ = now;
  }
  timing_ = IsTimed(fleet_->policy) ? Timing::kAll : Timing::kNone;
  if (timing_ == Timing::kAll && is_busy_ && now >= all_timed_until_) timing_ = Timing::kSome;
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

State LocalBreaker::Shown() const {
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
