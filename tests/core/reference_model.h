#ifndef FUSEBOX_TESTS_CORE_REFERENCE_MODEL_H_
#define FUSEBOX_TESTS_CORE_REFERENCE_MODEL_H_

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/guard.h"
#include "core/reference_budget.h"
#include "core/reference_calls.h"
#include "core/reference_trip.h"

namespace fusebox {

// A guard written for obviousness: it keeps every call of an epoch and every deposit for ever, and
// counts them anew for each question. Nothing is subtracted, packed, cached or forgotten early.
//
// Borrowed from core are the pure formulas (OpenWait, RampShareAfter, HealthScore, JudgeHealth),
// which have tests of their own. Takes unclassified outcomes only.
class ReferenceModel {
 public:
  ReferenceModel(Policy policy, uint64_t epoch, Tick now, uint64_t random_bits)
      : policy_(std::move(policy)),
        random_bits_(random_bits),
        latest_(now),
        epoch_(epoch),
        since_(now) {}

  std::vector<Transition> transitions;

  // Clamps time and does what was due.
  Tick Advance(Tick now) {
    latest_ = std::max(latest_, now);
    while (true) {
      if (state_ == State::kOpen && open_until_ <= latest_) {
        MoveTo(State::kHalfOpen, Cause::kWaitOver, {}, open_until_);
      } else if (const Lease* first = FirstLease(); first && first->expires <= latest_) {
        const Tick expiry = first->expires;
        Release(first->number);
        if (++expired_ >= breaker().max_probes) Open(Cause::kProbesExpired, {}, expiry);
      } else {
        break;
      }
    }
    if (override_.has_value() && override_->expires <= latest_) ClearOverride();
    return latest_;
  }

  void SetOverride(const Override& override) {
    override_ = override;
    ++revision_;
  }
  void ClearOverride() {
    if (!override_.has_value()) return;
    override_.reset();
    ++revision_;
  }

  Decision Acquire(uint32_t attempt, Tick now) {
    now = Advance(now);
    if (Is(OverrideMode::kForcedOpen)) {
      return Deny(Reason::kForcedOpen, std::min(override_->expires - now, breaker().open_duration),
                  attempt);
    }
    const auto [reason, retry_after] = WhyNot(now);
    const bool votes = reason == Reason::kNone;
    if (!votes && !Is(OverrideMode::kForcedClosed)) return Deny(reason, retry_after, attempt);
    const bool ramping = votes && state_ == State::kClosed && Ramping(now);
    if (ramping) ramp_credit_ -= Share::kOne;
    const bool spends = attempt > 1 && policy_.shared_retry_budget.empty();
    if (!spends || budget_.TryWithdraw(policy_.retry_budget, now)) {
      return Grant(votes, /*earns=*/true, attempt, now);
    }
    if (ramping) ramp_credit_ += Share::kOne - RampShare(now).millionths();
    return Deny(Reason::kRetryBudget, policy_.retry_budget.window / 10, attempt);
  }

  Verdict Record(const Ending& ending, Tick now) {
    now = Advance(now);
    const auto outcome = static_cast<Outcome>(ending.result.value);
    bool earns = false;
    Verdict verdict{.outcome = outcome};
    if (ending.permit.has_value()) {
      verdict.counted = RecordPermit(*ending.permit, ending, outcome, now, earns);
    } else if (ending.epoch != 0 && ending.epoch != epoch_) {
      verdict.counted = Counted::kLate;
    } else {
      verdict.counted = CountWhileClosed(ending.calls, ending, outcome, now);
      earns = verdict.counted == Counted::kCounted;
    }
    CountTotals(verdict.counted, outcome, ending);
    if (earns && (outcome == Outcome::kSuccess || outcome == Outcome::kCallerError)) {
      verdict.earned_calls = ending.calls;
      if (policy_.shared_retry_budget.empty()) {
        budget_.Deposit(policy_.retry_budget, ending.calls, now);
      }
    }
    verdict.state = state_;
    verdict.epoch = epoch_;
    return verdict;
  }

  // Everything advances first, so that what was due is done by the old numbers.
  void ChangePolicy(const Policy& policy, Tick now) {
    now = Advance(now);
    recovered_ = HasRecovered(now);
    const Policy old = std::exchange(policy_, policy);
    ++revision_;
    const CircuitBreakerPolicy& from = old.circuit_breaker;
    const bool calls_changed = from.window_calls != breaker().window_calls;
    const bool duration_changed = from.window_duration != breaker().window_duration &&
                                  from.window_calls == 0 && breaker().window_calls == 0;
    if (calls_changed || duration_changed) calls_.ChangeWindow(from, breaker(), now);
    budget_.ChangePolicy(old.retry_budget, policy.retry_budget, now);
  }

  Snapshot Look(Tick now) {
    now = Advance(now);
    Snapshot s{.state = state_, .epoch = epoch_, .revision = revision_, .override = override_};
    s.window = calls_.Window(breaker(), now);
    s.totals = totals_;
    s.totals.transitions = static_cast<uint32_t>(transitions.size());
    s.consecutive_failures = run_;
    s.failing_clients = calls_.FailingClients(breaker(), now);
    if (state_ == State::kOpen) s.retry_after = open_until_ - now;
    s.reopens = HasRecovered(now) ? 0 : reopens_;
    s.probes = static_cast<uint32_t>(leases_.size());
    s.ramp_share = RampShare(now);
    s.score = HealthScore(s.window);
    s.health = JudgeHealth(state_, Ramping(now), s.score);
    s.budget_balance = budget_.Balance(policy_.retry_budget, now);
    s.budget_spent = budget_.spent();
    s.budget_refused = budget_.refused();
    if (!transitions.empty()) s.last_transition = transitions.back();
    s.taken = now;
    return s;
  }

 private:
  struct Lease {
    uint64_t number;
    Tick expires;
  };
  const CircuitBreakerPolicy& breaker() const { return policy_.circuit_breaker; }
  bool Is(OverrideMode mode) const { return override_.has_value() && override_->mode == mode; }

  Share RampShare(Tick now) const {
    if (state_ != State::kClosed || transitions.empty()) return Share::FromMillionths(Share::kOne);
    return RampShareAfter(breaker(), now - since_);
  }
  bool Ramping(Tick now) const { return RampShare(now).millionths() < Share::kOne; }

  std::pair<Reason, absl::Duration> WhyNot(Tick now) {
    constexpr absl::Duration kSoon = absl::Milliseconds(100);
    if (state_ == State::kOpen) return {Reason::kOpen, open_until_ - now};
    if (state_ == State::kHalfOpen && leases_.size() >= breaker().max_probes) {
      return {Reason::kProbesBusy, kSoon};
    }
    if (state_ != State::kClosed || !Ramping(now)) return {Reason::kNone, {}};
    ramp_credit_ += RampShare(now).millionths();
    if (ramp_credit_ < Share::kOne) return {Reason::kRamping, kSoon};
    return {Reason::kNone, {}};
  }

  Decision Grant(bool votes, bool earns, uint32_t attempt, Tick now) {
    const bool probe = votes && state_ == State::kHalfOpen;
    const Permit permit{.epoch = epoch_,
                        .number = next_number_++,
                        .attempt = attempt,
                        .votes = votes,
                        .earns = earns};
    if (probe) leases_.push_back({permit.number, now + breaker().probe_timeout});
    ++totals_.calls;
    known_epochs_.insert(epoch_);
    return {.allowed = true, .probe = probe, .state = state_, .epoch = epoch_, .permit = permit};
  }

  Decision Deny(Reason reason, absl::Duration retry_after, uint32_t attempt) {
    if (Is(OverrideMode::kShadow)) {
      Decision decision = Grant(/*votes=*/false, /*earns=*/false, attempt, latest_);
      decision.shadow_denied = true;
      decision.reason = reason;
      return decision;
    }
    ++totals_.refused;
    return {.reason = reason, .state = state_, .epoch = epoch_, .retry_after = retry_after};
  }

  Counted RecordPermit(const Permit& permit, const Ending& ending, Outcome outcome, Tick now,
                       bool& earns) {
    const bool known = known_epochs_.count(permit.epoch) == 1;
    if (known && !returned_.insert({permit.epoch, permit.number}).second) return Counted::kRepeated;
    earns = permit.earns && permit.attempt <= 1 && known;
    if (permit.epoch != epoch_) return Counted::kLate;
    if (!permit.votes) return Counted::kNotCounted;
    if (state_ == State::kHalfOpen) return Vote(permit.number, ending, outcome, now);
    return CountWhileClosed(1, ending, outcome, now);
  }

  void Count(uint32_t calls, const Ending& ending, Outcome outcome, Tick now) {
    for (uint32_t i = 0; i < calls; ++i) {
      if (outcome == Outcome::kFailure || outcome == Outcome::kTimeout) ++run_;
      if (outcome == Outcome::kSuccess || outcome == Outcome::kCallerError) run_ = 0;
    }
    calls_in_state_ += calls;
    known_epochs_.insert(epoch_);
    calls_.Add(breaker(), calls, IsBad(outcome), IsSlow(breaker(), ending),
               std::string(ending.client), now);
  }

  Counted CountWhileClosed(uint32_t calls, const Ending& ending, Outcome outcome, Tick now) {
    if (state_ != State::kClosed || outcome == Outcome::kIgnored) return Counted::kNotCounted;
    Count(calls, ending, outcome, now);
    const Cause cause = WhyTrip(breaker(), calls_, run_, ending, outcome, now);
    if (cause == Cause::kRetryAfter) Open(cause, ending.retry_after, now);
    if (cause != Cause::kNone && cause != Cause::kRetryAfter) Open(cause, {}, now);
    return Counted::kCounted;
  }

  Counted Vote(uint64_t number, const Ending& ending, Outcome outcome, Tick now) {
    const bool live = Release(number);
    if (outcome == Outcome::kIgnored) return Counted::kNotCounted;
    const bool bad = IsBad(outcome) || IsSlow(breaker(), ending);
    if (!bad && !live) return Counted::kLate;
    Count(1, ending, outcome, now);
    if (bad && AsksToStayAway(breaker(), ending, outcome) && calls_.EnoughFailed(breaker(), now)) {
      Open(Cause::kRetryAfter, ending.retry_after, now);
    } else if (bad) {
      Open(Cause::kProbeFailed, {}, now);
    } else {
      expired_ = 0;
      if (++passed_ >= breaker().success_threshold) {
        MoveTo(State::kClosed, Cause::kProbesSucceeded, {}, now);
        ramp_credit_ = Share::kOne - breaker().ramp_initial.millionths();
      }
    }
    return Counted::kCounted;
  }

  const Lease* FirstLease() const {
    const auto first =
        std::min_element(leases_.begin(), leases_.end(),
                         [](const Lease& a, const Lease& b) { return a.expires < b.expires; });
    return first == leases_.end() ? nullptr : &*first;
  }
  bool Release(uint64_t number) {
    return std::erase_if(leases_, [&](const Lease& l) { return l.number == number; }) > 0;
  }

  bool HasRecovered(Tick now) const {
    if (state_ != State::kClosed) return false;
    if (recovered_) return true;
    const absl::Duration closed_for = now - since_;
    if (breaker().window_calls != 0) {
      return closed_for >= breaker().ramp_duration && calls_in_state_ >= breaker().window_calls;
    }
    return closed_for >= breaker().ramp_duration + breaker().window_duration;
  }

  void Open(Cause cause, std::optional<absl::Duration> retry_after, Tick now) {
    reopens_ = transitions.empty() || HasRecovered(now) ? 0 : reopens_ + 1;
    absl::Duration wait = OpenWait(breaker(), reopens_, random_bits_);
    if (retry_after.has_value()) {
      wait = std::clamp(*retry_after, absl::Milliseconds(1), breaker().max_open_duration);
    }
    MoveTo(State::kOpen, cause, wait, now);
    open_until_ = now + wait;
  }

  void MoveTo(State to, Cause cause, absl::Duration open_for, Tick now) {
    transitions.push_back({transitions.size() + 1, state_, to, cause, epoch_ + 1, now,
                           calls_.Window(breaker(), now), run_,
                           calls_.FailingClients(breaker(), now), open_for});
    state_ = to;
    since_ = now;
    recovered_ = false;
    ++epoch_;
    next_number_ = 0;
    run_ = passed_ = expired_ = calls_in_state_ = 0;
    calls_ = ReferenceCalls();
    leases_.clear();
    // Of the epochs that are over, the last three that saw calls are remembered.
    while (known_epochs_.size() > 3) known_epochs_.erase(known_epochs_.begin());
  }

  void CountTotals(Counted counted, Outcome outcome, const Ending& ending) {
    if (counted == Counted::kLate) totals_.late += ending.calls;
    if (counted != Counted::kCounted) return;
    (IsBad(outcome) ? totals_.failures : totals_.successes) += ending.calls;
    if (ending.latency.has_value()) totals_.timed_calls += ending.calls;
  }

  Policy policy_;
  const uint64_t random_bits_;
  Tick latest_;
  State state_ = State::kClosed;
  uint64_t epoch_;
  Tick since_;
  Tick open_until_;
  uint32_t reopens_ = 0;
  bool recovered_ = false;  // Before a policy changed: what was forgiven stays forgiven.
  uint32_t run_ = 0;
  uint32_t calls_in_state_ = 0;
  ReferenceCalls calls_;
  std::vector<Lease> leases_;
  uint32_t passed_ = 0;
  uint32_t expired_ = 0;
  int64_t ramp_credit_ = 0;
  uint64_t next_number_ = 0;
  std::set<uint64_t> known_epochs_;
  std::set<std::pair<uint64_t, uint64_t>> returned_;
  ReferenceBudget budget_;
  std::optional<Override> override_;
  uint32_t revision_ = 0;
  Totals totals_;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_REFERENCE_MODEL_H_
