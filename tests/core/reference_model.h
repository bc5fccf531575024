#ifndef FUSEBOX_TESTS_CORE_REFERENCE_MODEL_H_
#define FUSEBOX_TESTS_CORE_REFERENCE_MODEL_H_

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/guard.h"

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
    const Decision granted = Grant(votes, /*earns=*/true, attempt, now);
    if (attempt <= 1 || !policy_.shared_retry_budget.empty()) return granted;
    if (Balance(now) >= 1'000) {
      money_.push_back({now, -1'000});
      ++spent_;
      return granted;
    }
    ++budget_refused_;
    --totals_.calls;
    if (votes) Release(granted.permit.number);
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
      const int64_t each = policy_.retry_budget.retry_ratio.millionths() / 1'000;
      if (policy_.shared_retry_budget.empty()) money_.push_back({now, each * ending.calls});
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
    if (calls_changed || duration_changed) ChangeWindow(from, now);
    if (old.retry_budget.window != policy.retry_budget.window) {
      const auto outside = [&](const Money& money) {
        return !IsRecent(money.time, now, old.retry_budget.window);
      };
      std::erase_if(money_, outside);
      for (Money& money : money_) money.time = now;
    }
  }

  Snapshot Look(Tick now) {
    now = Advance(now);
    Snapshot s{.state = state_, .epoch = epoch_, .revision = revision_, .override = override_};
    s.window = Window(breaker(), now);
    s.totals = totals_;
    s.totals.transitions = static_cast<uint32_t>(transitions.size());
    s.consecutive_failures = run_;
    s.failing_clients = FailingClients(breaker(), now);
    if (state_ == State::kOpen) s.retry_after = open_until_ - now;
    s.reopens = HasRecovered(now) ? 0 : reopens_;
    s.probes = static_cast<uint32_t>(leases_.size());
    s.ramp_share = RampShare(now);
    s.score = HealthScore(s.window);
    s.health = JudgeHealth(state_, Ramping(now), s.score);
    s.budget_balance = Balance(now);
    s.budget_spent = spent_;
    s.budget_refused = budget_refused_;
    if (!transitions.empty()) s.last_transition = transitions.back();
    s.taken = now;
    return s;
  }

 private:
  struct Call {
    Tick time;
    bool failed;
    bool slow;
  };
  struct Failure {
    std::string client;
    Tick time;
    size_t call;  // Which of the calls it was.
  };
  struct Lease {
    uint64_t number;
    Tick expires;
  };
  struct Money {
    Tick time;
    int64_t amount;
  };

  const CircuitBreakerPolicy& breaker() const { return policy_.circuit_breaker; }
  bool Is(OverrideMode mode) const { return override_.has_value() && override_->mode == mode; }

  // The rule of buckets: time is cut into tenths of the window, and the last ten are inside.
  static bool IsRecent(Tick then, Tick now, absl::Duration window) {
    const int64_t tenth = absl::ToInt64Nanoseconds(window) / 10;
    return then.nanos() / tenth > now.nanos() / tenth - 10;
  }
  bool IsInside(const CircuitBreakerPolicy& policy, Tick time, size_t call, Tick now) const {
    if (policy.window_calls != 0) return calls_.size() - call <= policy.window_calls;
    return IsRecent(time, now, policy.window_duration);
  }

  WindowCounts Window(const CircuitBreakerPolicy& policy, Tick now) const {
    WindowCounts counts;
    for (size_t i = 0; i < calls_.size(); ++i) {
      if (!IsInside(policy, calls_[i].time, i, now)) continue;
      counts += {1, calls_[i].failed, calls_[i].slow};
    }
    return counts;
  }

  std::vector<std::string> FailingClients(const CircuitBreakerPolicy& policy, Tick now) const {
    std::vector<std::string> clients = ClientsOf(failures_, policy, now);
    for (const std::string& client : ClientsOf(slow_, policy, now)) {
      if (std::count(clients.begin(), clients.end(), client) == 0) clients.push_back(client);
    }
    return clients;
  }

  std::vector<std::string> ClientsOf(const std::vector<Failure>& failures,
                                     const CircuitBreakerPolicy& policy, Tick now) const {
    std::vector<std::string> clients;
    for (const Failure& failure : failures) {
      if (IsInside(policy, failure.time, failure.call, now)) clients.push_back(failure.client);
    }
    return clients;
  }

  // What the old window holds comes again, now: the good calls first and the bad ones last. A
  // smaller window of calls keeps the proportions.
  void ChangeWindow(const CircuitBreakerPolicy& from, Tick now) {
    WindowCounts held = Window(from, now);
    for (std::vector<Failure>* failures : {&failures_, &slow_}) {
      std::erase_if(*failures,
                    [&](const Failure& f) { return !IsInside(from, f.time, f.call, now); });
    }
    const uint32_t room = breaker().window_calls;
    if (room != 0 && held.calls > room) {
      held = {room, held.failures * room / held.calls, held.slow * room / held.calls};
    }
    calls_.clear();
    for (uint32_t left = held.calls; left > 0; --left) {
      calls_.push_back({now, left <= held.failures, left <= held.slow});
    }
    for (std::vector<Failure>* failures : {&failures_, &slow_}) {
      for (Failure& failure : *failures) failure = {failure.client, now, calls_.size() - 1};
    }
  }

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
    const Permit permit{epoch_, next_number_++, attempt, votes, earns};
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

  bool IsSlow(const Ending& ending) const {
    return breaker().slow_call_rate_threshold.on() && ending.latency.has_value() &&
           *ending.latency >= breaker().slow_call_duration_threshold;
  }
  bool AsksToStayAway(const Ending& ending, Outcome outcome) const {
    return breaker().honor_retry_after && outcome == Outcome::kRateLimited &&
           ending.retry_after.has_value() && *ending.retry_after > absl::ZeroDuration();
  }
  static bool IsBad(Outcome outcome) {
    return outcome == Outcome::kFailure || outcome == Outcome::kTimeout ||
           outcome == Outcome::kRateLimited;
  }

  void Count(uint32_t calls, const Ending& ending, Outcome outcome, Tick now) {
    const bool failed = IsBad(outcome);
    const bool slow = IsSlow(ending);
    for (uint32_t i = 0; i < calls; ++i) {
      calls_.push_back({now, failed, slow});
      if (outcome == Outcome::kFailure || outcome == Outcome::kTimeout) ++run_;
      if (outcome == Outcome::kSuccess || outcome == Outcome::kCallerError) run_ = 0;
    }
    calls_in_state_ += calls;
    known_epochs_.insert(epoch_);
    if (failed) Note(std::string(ending.client), failures_, now);
    if (slow) Note(std::string(ending.client), slow_, now);
  }

  void Note(const std::string& client, std::vector<Failure>& failures, Tick now) {
    std::erase_if(failures, [&](const Failure& f) { return f.client == client; });
    failures.push_back({client, now, calls_.size() - 1});
    while (failures.size() > breaker().min_failing_clients) failures.erase(failures.begin());
  }

  bool HasQuorum(const std::vector<Failure>& failures, Tick now) const {
    const uint32_t quorum = breaker().min_failing_clients;
    return quorum <= 1 || ClientsOf(failures, breaker(), now).size() >= quorum;
  }

  Counted CountWhileClosed(uint32_t calls, const Ending& ending, Outcome outcome, Tick now) {
    if (state_ != State::kClosed || outcome == Outcome::kIgnored) return Counted::kNotCounted;
    Count(calls, ending, outcome, now);
    const Cause cause = WhyTrip(ending, outcome, now);
    if (cause == Cause::kRetryAfter) Open(cause, ending.retry_after, now);
    if (cause != Cause::kNone && cause != Cause::kRetryAfter) Open(cause, {}, now);
    return Counted::kCounted;
  }

  Cause WhyTrip(const Ending& ending, Outcome outcome, Tick now) const {
    const bool enough_failed = HasQuorum(failures_, now);
    if (enough_failed && AsksToStayAway(ending, outcome)) return Cause::kRetryAfter;
    const uint32_t run = breaker().consecutive_failures;
    if (enough_failed && run != 0 && run_ >= run) return Cause::kConsecutiveFailures;
    const WindowCounts window = Window(breaker(), now);
    if (window.calls < breaker().minimum_calls) return Cause::kNone;
    const auto reached = [&](Share threshold, uint64_t part) {
      return threshold.on() &&
             part * 1'000'000 >= static_cast<uint64_t>(threshold.millionths()) * window.calls;
    };
    if (enough_failed && reached(breaker().failure_rate_threshold, window.failures)) {
      return Cause::kFailureRate;
    }
    if (HasQuorum(slow_, now) && reached(breaker().slow_call_rate_threshold, window.slow)) {
      return Cause::kSlowCallRate;
    }
    return Cause::kNone;
  }

  Counted Vote(uint64_t number, const Ending& ending, Outcome outcome, Tick now) {
    const bool live = Release(number);
    if (outcome == Outcome::kIgnored) return Counted::kNotCounted;
    const bool bad = IsBad(outcome) || IsSlow(ending);
    if (!bad && !live) return Counted::kLate;
    Count(1, ending, outcome, now);
    if (bad && AsksToStayAway(ending, outcome) && HasQuorum(failures_, now)) {
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
                           Window(breaker(), now), run_, FailingClients(breaker(), now), open_for});
    state_ = to;
    since_ = now;
    recovered_ = false;
    ++epoch_;
    next_number_ = 0;
    run_ = passed_ = expired_ = calls_in_state_ = 0;
    calls_.clear();
    failures_.clear();
    slow_.clear();
    slow_.clear();
    leases_.clear();
    // Of the epochs that are over, the last three that saw calls are remembered.
    while (known_epochs_.size() > 3) known_epochs_.erase(known_epochs_.begin());
  }

  int64_t Balance(Tick now) const {
    const RetryBudgetPolicy& budget = policy_.retry_budget;
    int64_t balance = absl::ToInt64Seconds(budget.window) * budget.min_retries_per_second * 1'000;
    for (const Money& money : money_) {
      if (IsRecent(money.time, now, budget.window)) balance += money.amount;
    }
    return balance;
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
  std::vector<Call> calls_;        // Of this epoch, from the first.
  std::vector<Failure> failures_;  // One per client, the most recent last; up to the quorum.
  std::vector<Failure> slow_;      // The same, of slow calls.
  std::vector<Lease> leases_;
  uint32_t passed_ = 0;
  uint32_t expired_ = 0;
  int64_t ramp_credit_ = 0;
  uint64_t next_number_ = 0;
  std::set<uint64_t> known_epochs_;
  std::set<std::pair<uint64_t, uint64_t>> returned_;
  std::vector<Money> money_;
  uint64_t spent_ = 0;
  uint64_t budget_refused_ = 0;
  std::optional<Override> override_;
  uint32_t revision_ = 0;
  Totals totals_;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_REFERENCE_MODEL_H_
