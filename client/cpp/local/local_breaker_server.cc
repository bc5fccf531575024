// What a client hears from a server, and tells it.
#include <algorithm>
#include <utility>

#include "client/cpp/local/alone.h"
#include "client/cpp/local/local_operation.h"

namespace fusebox::internal {

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
  slow_after_.store(SlowAfter(fleet_->policy), std::memory_order_relaxed);
  BeginGeneration();
}

// From when on an end takes the slow way, in units of the stopwatch: where latencies are learned,
// each that is timed does.
uint64_t LocalBreaker::SlowAfter(const Policy& policy) const {
  if (policy.hedge.percentile.on()) return 0;
  const CircuitBreakerPolicy& breaker = policy.circuit_breaker;
  if (!breaker.slow_call_rate_threshold.on()) return ~uint64_t{0};
  return stopwatch().UnitsIn(
      static_cast<uint64_t>(absl::ToInt64Nanoseconds(breaker.slow_call_duration_threshold)));
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
void LocalBreaker::GoAlone(Tick now) {
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

void LocalBreaker::GoAlone() {
  const Operation operation(*this);
  GoAlone(operation.now());
}

Gate::Grant LocalBreaker::DecideAlone(const Ask& ask) {
  const Operation operation(*this);
  GoAlone(operation.now());
  Redecide(operation.now());
  return Decide(ask, operation.now());
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

}  // namespace fusebox::internal
