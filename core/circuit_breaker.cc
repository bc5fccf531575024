#include "core/circuit_breaker.h"

#include <algorithm>
#include <utility>

namespace fusebox {
namespace {

// How long a caller waits before it asks a breaker again that is about to admit calls.
constexpr absl::Duration kSoon = absl::Milliseconds(100);

// Where runs and calls stop being counted: beyond every threshold, far from overflow.
constexpr uint32_t kManyCalls = 1'000'000;

bool IsSlow(const CircuitBreakerPolicy& policy, const Report& report) {
  return policy.slow_call_rate_threshold.on() && report.latency.has_value() &&
         *report.latency >= policy.slow_call_duration_threshold;
}

bool AsksToStayAway(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts) {
  return policy.honor_retry_after && counts.rate_limited > 0 &&
         counts.retry_after.value_or(absl::ZeroDuration()) > absl::ZeroDuration();
}

// `calls` that all ended like this; IGNORED ones are none.
OutcomeCounts CountsOf(const CircuitBreakerPolicy& policy, uint32_t calls, const Report& report) {
  OutcomeCounts counts{.retry_after = report.retry_after, .client = report.client};
  switch (report.outcome) {
    case Outcome::kSuccess:
      counts.successes = calls;
      break;
    case Outcome::kCallerError:
      counts.caller_errors = calls;
      break;
    case Outcome::kFailure:
      counts.failures = calls;
      break;
    case Outcome::kTimeout:
      counts.timeouts = calls;
      break;
    case Outcome::kRateLimited:
      counts.rate_limited = calls;
      break;
    case Outcome::kIgnored:
      return counts;
  }
  counts.slow = IsSlow(policy, report) ? calls : 0;
  return counts;
}

}  // namespace

Tick CircuitBreaker::NextDeadline() const {
  if (state_ == State::kOpen) return recovery_->open_until;
  if (state_ == State::kHalfOpen && !recovery_->leases.empty()) {
    return recovery_->leases.front().expires;
  }
  return Tick::Max();
}

void CircuitBreaker::Advance(const CircuitBreakerPolicy& policy, Tick now, TransitionSource& source,
                             Transitions& transitions) {
  for (Tick due = NextDeadline(); due <= now; due = NextDeadline()) {
    if (state_ == State::kOpen) {
      MoveTo(State::kHalfOpen, Cause::kWaitOver, {}, due, source, transitions);
      continue;
    }
    recovery_->leases.erase(recovery_->leases.begin());
    if (++recovery_->expired >= policy.max_probes) {
      Open(policy, Cause::kProbesExpired, std::nullopt, due, source, transitions);
    }
  }
}

Admission CircuitBreaker::Admit(const CircuitBreakerPolicy& policy, Tick now) {
  switch (state_) {
    case State::kOpen:
      return {false, Reason::kOpen, recovery_->open_until - now};
    case State::kHalfOpen:
      if (recovery_->leases.size() < policy.max_probes) return {.allowed = true};
      return {false, Reason::kProbesBusy, kSoon};
    case State::kClosed:
      break;
  }
  const Share share = RampShare(policy, now);
  if (share.millionths() >= Share::kOne) return {.allowed = true};
  // Saves up a share of a call with every call asked for, and admits one for each whole saved.
  recovery_->ramp_credit += share.millionths();
  if (recovery_->ramp_credit < Share::kOne) return {false, Reason::kRamping, kSoon};
  recovery_->ramp_credit -= Share::kOne;
  return {.allowed = true};
}

uint64_t CircuitBreaker::Mint(const CircuitBreakerPolicy& policy, Tick now) {
  const uint64_t permit = MintWithoutVote(policy, now);
  if (state_ != State::kHalfOpen) return permit;
  std::vector<Recovery::Lease>& leases = recovery_->leases;
  const Tick expires = now + policy.probe_timeout;
  // A policy that shortened the timeout may let the newest lease expire first.
  const auto later = std::find_if(leases.begin(), leases.end(),
                                  [expires](const auto& l) { return l.expires > expires; });
  leases.insert(later, {permit, expires});
  return permit;
}

uint64_t CircuitBreaker::MintWithoutVote(const CircuitBreakerPolicy& policy, Tick now) {
  EnsureTraffic(policy, now);
  return next_permit_++;
}

void CircuitBreaker::Return(const CircuitBreakerPolicy& policy, uint64_t permit, Tick now) {
  MarkReturned(epoch_, permit);
  if (state_ == State::kHalfOpen) {
    std::erase_if(recovery_->leases, [permit](const auto& l) { return l.permit == permit; });
  }
  TakeBackAdmission(policy, now);
}

void CircuitBreaker::TakeBackAdmission(const CircuitBreakerPolicy& policy, Tick now) {
  if (state_ == State::kHalfOpen) return;
  const Share share = RampShare(policy, now);
  // Undoes the whole question: it took one, and had saved up a share.
  if (share.millionths() < Share::kOne) recovery_->ramp_credit += Share::kOne - share.millionths();
}

CircuitBreaker::Traffic& CircuitBreaker::EnsureTraffic(const CircuitBreakerPolicy& policy,
                                                       Tick now) {
  if (traffic_ == nullptr) traffic_ = std::make_unique<Traffic>(policy, next_permit_, now);
  return *traffic_;
}

ReplayFilter::Seen CircuitBreaker::MarkReturned(uint64_t epoch, uint64_t permit) {
  if (epoch == epoch_) {
    // Trim() forgets only what has come back.
    return traffic_ == nullptr ? ReplayFilter::Seen::kRepeated
                               : traffic_->returned.Mark(permit, next_permit_);
  }
  if (recovery_ == nullptr) return ReplayFilter::Seen::kOutOfReach;
  for (Recovery::PastEpoch& past : recovery_->past) {
    if (past.epoch == epoch) return past.returned.Mark(permit, past.granted);
  }
  return ReplayFilter::Seen::kOutOfReach;
}

Counted CircuitBreaker::Record(const CircuitBreakerPolicy& policy, uint64_t permit,
                               const Report& report, Tick now, TransitionSource& source,
                               Transitions& transitions) {
  if (state_ == State::kHalfOpen) return Vote(policy, permit, report, now, source, transitions);
  return Observe(policy, 1, report, now, source, transitions);
}

Counted CircuitBreaker::Observe(const CircuitBreakerPolicy& policy, uint32_t calls,
                                const Report& report, Tick now, TransitionSource& source,
                                Transitions& transitions) {
  return Observe(policy, CountsOf(policy, calls, report), now, source, transitions);
}

Counted CircuitBreaker::Observe(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts,
                                Tick now, TransitionSource& source, Transitions& transitions) {
  if (state_ != State::kClosed || counts.Calls() == 0) return Counted::kNotCounted;
  Count(policy, counts, now);
  TripIfDue(policy, counts, now, source, transitions);
  return Counted::kCounted;
}

Counted CircuitBreaker::Vote(const CircuitBreakerPolicy& policy, uint64_t permit,
                             const Report& report, Tick now, TransitionSource& source,
                             Transitions& transitions) {
  const bool live =
      std::erase_if(recovery_->leases, [permit](const auto& l) { return l.permit == permit; }) > 0;
  if (report.outcome == Outcome::kIgnored) return Counted::kNotCounted;
  const bool bad = IsFailure(report.outcome) || IsSlow(policy, report);
  if (!bad && !live) return Counted::kLate;

  const OutcomeCounts counts = CountsOf(policy, 1, report);
  Count(policy, counts, now);
  if (bad) {
    const bool told = AsksToStayAway(policy, counts) && QuorumIsMet(policy, traffic_->failing, now);
    Open(policy, told ? Cause::kRetryAfter : Cause::kProbeFailed,
         told ? report.retry_after : std::nullopt, now, source, transitions);
    return Counted::kCounted;
  }
  recovery_->expired = 0;
  if (++recovery_->passed >= policy.success_threshold) {
    MoveTo(State::kClosed, Cause::kProbesSucceeded, {}, now, source, transitions);
    // Full of credit, so that the first call after closing passes.
    recovery_->ramp_credit = Share::kOne - policy.ramp_initial.millionths();
  }
  return Counted::kCounted;
}

void CircuitBreaker::Count(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts,
                           Tick now) {
  Traffic& traffic = EnsureTraffic(policy, now);
  const uint32_t calls = counts.Calls(), failures = counts.Failed();
  const uint32_t slow = policy.slow_call_rate_threshold.on() ? counts.slow : 0;
  traffic.window.Add({calls, failures, slow}, now);
  consecutive_failures_ =
      static_cast<uint32_t>(std::min<uint64_t>(counts.RunAfter(consecutive_failures_), kManyCalls));
  if (recovery_ != nullptr) {
    recovery_->closed_calls = std::min(kManyCalls, recovery_->closed_calls + calls);
  }
  if (failures > 0) NoteClient(traffic.failing, policy, counts.client, now);
  if (slow > 0) NoteClient(traffic.slow, policy, counts.client, now);
}

void CircuitBreaker::NoteClient(std::unique_ptr<FailingClients>& clients,
                                const CircuitBreakerPolicy& policy, absl::string_view client,
                                Tick now) {
  if (clients == nullptr) clients = std::make_unique<FailingClients>();
  clients->Note(client, traffic_->window.Stamp(now), policy.min_failing_clients);
}

bool CircuitBreaker::QuorumIsMet(const CircuitBreakerPolicy& policy,
                                 const std::unique_ptr<FailingClients>& clients, Tick now) const {
  if (policy.min_failing_clients <= 1) return true;
  return clients != nullptr &&
         clients->QuorumIsMet(traffic_->window, now, policy.min_failing_clients);
}

Cause CircuitBreaker::TripCause(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts,
                                Tick now) {
  const bool enough_failed = QuorumIsMet(policy, traffic_->failing, now);
  if (enough_failed && AsksToStayAway(policy, counts)) return Cause::kRetryAfter;
  if (enough_failed && policy.consecutive_failures > 0 &&
      consecutive_failures_ >= policy.consecutive_failures) {
    return Cause::kConsecutiveFailures;
  }
  const WindowCounts window = traffic_->window.Counts(now);
  if (window.calls < policy.minimum_calls) return Cause::kNone;
  const auto reached = [&window](Share threshold, uint32_t part) {
    return threshold.on() && threshold.IsReachedBy(part, window.calls);
  };
  if (enough_failed && reached(policy.failure_rate_threshold, window.failures)) {
    return Cause::kFailureRate;
  }
  if (reached(policy.slow_call_rate_threshold, window.slow) &&
      QuorumIsMet(policy, traffic_->slow, now)) {
    return Cause::kSlowCallRate;
  }
  return Cause::kNone;
}

void CircuitBreaker::TripIfDue(const CircuitBreakerPolicy& policy, const OutcomeCounts& counts,
                               Tick now, TransitionSource& source, Transitions& transitions) {
  const Cause cause = TripCause(policy, counts, now);
  if (cause == Cause::kNone) return;
  Open(policy, cause, cause == Cause::kRetryAfter ? counts.retry_after : std::nullopt, now, source,
       transitions);
}

bool CircuitBreaker::HasRecovered(const CircuitBreakerPolicy& policy, Tick now) const {
  if (state_ != State::kClosed) return false;
  if (recovery_->recovered) return true;
  const bool by_calls = policy.window_calls != 0;
  const absl::Duration needed =
      policy.ramp_duration + (by_calls ? absl::ZeroDuration() : policy.window_duration);
  return now - since_ >= needed && (!by_calls || recovery_->closed_calls >= policy.window_calls);
}

uint32_t CircuitBreaker::Reopens(const CircuitBreakerPolicy& policy, Tick now) const {
  return recovery_ == nullptr || HasRecovered(policy, now) ? 0 : recovery_->reopens;
}

void CircuitBreaker::Open(const CircuitBreakerPolicy& policy, Cause cause,
                          std::optional<absl::Duration> retry_after, Tick now,
                          TransitionSource& source, Transitions& transitions) {
  const bool again = recovery_ != nullptr && !HasRecovered(policy, now);
  const uint32_t reopens = again ? recovery_->reopens + 1 : 0;
  const absl::Duration wait =
      retry_after.has_value()
          ? std::clamp(*retry_after, absl::Milliseconds(1), policy.max_open_duration)
          : OpenWait(policy, reopens, source.RandomBits());
  MoveTo(State::kOpen, cause, wait, now, source, transitions);
  recovery_->reopens = reopens;
  recovery_->open_until = now + wait;
}

void CircuitBreaker::MoveTo(State to, Cause cause, absl::Duration open_for, Tick now,
                            TransitionSource& source, Transitions& transitions) {
  Transition transition{.number = source.NextNumber(),
                        .from = state_,
                        .to = to,
                        .cause = cause,
                        .epoch = source.NextEpoch(),
                        .time = now,
                        .window = Counts(now),
                        .consecutive_failures = consecutive_failures_,
                        .failing_clients = FailingClientNames(now),
                        .open_for = open_for};
  if (recovery_ == nullptr) recovery_ = std::make_unique<Recovery>();
  if (traffic_ != nullptr) {
    std::vector<Recovery::PastEpoch>& past = recovery_->past;
    if (past.size() == Recovery::kPastEpochs) past.erase(past.begin());
    past.push_back({epoch_, next_permit_, std::move(traffic_->returned)});
    traffic_.reset();
  }
  state_ = to;
  since_ = now;
  epoch_ = transition.epoch;
  next_permit_ = 0;
  consecutive_failures_ = 0;
  recovery_->leases.clear();
  recovery_->passed = recovery_->expired = 0;
  recovery_->closed_calls = 0;
  recovery_->recovered = false;
  recovery_->last = transition;
  transitions.push_back(std::move(transition));
}

void CircuitBreaker::Reset(Tick now, TransitionSource& source, Transitions& transitions) {
  MoveTo(State::kClosed, Cause::kReset, absl::ZeroDuration(), now, source, transitions);
  recovery_->reopens = 0;
  recovery_->recovered = true;
}

std::optional<Outage> CircuitBreaker::SaveOutage() const {
  if (state_ == State::kClosed) return std::nullopt;
  return Outage{state_, recovery_->open_until, recovery_->reopens, recovery_->last};
}

void CircuitBreaker::RestoreOutage(const CircuitBreakerPolicy& policy, const Outage& outage,
                                   Tick now) {
  state_ = State::kOpen;
  since_ = now;
  recovery_ = std::make_unique<Recovery>();
  recovery_->open_until =
      outage.state == State::kHalfOpen ? now + policy.probe_timeout : outage.open_until;
  recovery_->reopens = outage.reopens;
  recovery_->last = outage.last;
}

bool CircuitBreaker::Trim(const CircuitBreakerPolicy& policy, Tick now) {
  if (traffic_ == nullptr || state_ != State::kClosed || policy.window_calls != 0) return false;
  // What is still out may be sent twice, however long it takes.
  if (Counts(now).calls != 0 || traffic_->returned.Awaits(next_permit_)) return false;
  traffic_.reset();
  return true;
}

void CircuitBreaker::ChangePolicy(const CircuitBreakerPolicy& from, const CircuitBreakerPolicy& to,
                                  Tick now) {
  if (recovery_ != nullptr && HasRecovered(from, now)) recovery_->recovered = true;
  if (traffic_ == nullptr || SameWindow(from, to)) return;
  OutcomeWindow window(to, now);
  window.Add(Counts(now), now);
  for (const auto* clients : {&traffic_->failing, &traffic_->slow}) {
    if (*clients != nullptr) (*clients)->MoveTo(window, traffic_->window, now);
  }
  traffic_->window = std::move(window);
}

WindowCounts CircuitBreaker::Counts(Tick now) {
  return traffic_ == nullptr ? WindowCounts{} : traffic_->window.Counts(now);
}

std::vector<std::string> CircuitBreaker::FailingClientNames(Tick now) const {
  std::vector<std::string> names;
  if (traffic_ == nullptr) return names;
  for (const auto* clients : {&traffic_->failing, &traffic_->slow}) {
    if (*clients == nullptr) continue;
    for (std::string& name : (*clients)->Names(traffic_->window, now)) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(std::move(name));
      }
    }
  }
  return names;
}

Share CircuitBreaker::RampShare(const CircuitBreakerPolicy& policy, Tick now) const {
  // What was told to be as new has nothing to recover from.
  const bool ramps =
      state_ == State::kClosed && recovery_ != nullptr && recovery_->last.cause != Cause::kReset;
  if (!ramps) return Share::FromMillionths(Share::kOne);
  return RampShareAfter(policy, now - since_);
}

}  // namespace fusebox
