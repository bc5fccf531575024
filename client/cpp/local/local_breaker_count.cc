// How a client counts what its calls come to.
#include <algorithm>
#include <utility>

#include "client/cpp/local/local_operation.h"

namespace fusebox::internal {
namespace {

// From so many calls on, in so long, timing each of them costs more than it tells.
constexpr double kBusyCallsPerSecond = 10'000;
constexpr absl::Duration kBusyOver = absl::Milliseconds(50);

// What calls took in the cells, in units of the stopwatch.
absl::Duration DurationOf(uint64_t units, const Stopwatch& stopwatch) {
  return absl::Nanoseconds(stopwatch.NanosBetween(0, units));
}

std::optional<absl::Duration> LatencyOf(const Gate::End& end) {
  if (!end.latency.has_value()) return std::nullopt;
  return absl::Nanoseconds(*end.latency);
}

bool IsTimed(const Policy& policy) {
  return policy.circuit_breaker.slow_call_rate_threshold.on() || policy.hedge.percentile.on();
}

}  // namespace

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
  if (!is_lent) ++(own.has_value() ? decisions_.local : DecidedNow());
  if (!is_lent) AddToLedger(generation, own.value_or(Permit()), end, now);
  // The first success of a thread comes this way, too, and its thread has a cell from then on.
  if (end.outcome == Outcome::kSuccess && generation == generation_) SwitchCell();
  if (!is_alone_ && IsFailure(end.outcome)) hurries_.store(true, std::memory_order_relaxed);
}

void LocalBreaker::Observe(const End& end) {
  const Operation operation(*this);
  RecordByOwn(std::nullopt, end, operation.now());
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
               .is_sampled = fleet_->policy.hedge.percentile.on(),
               .retry_after = end.retry_after,
               .attempt = permit.attempt,
               .previous_failure = permit.previous_failure},
              policy.consecutive_failures);
}

// What it held, others may wait for.
void LocalBreaker::CountLent(std::string permit, const End& end) {
  if (end.outcome != Outcome::kIgnored) ++decisions_.lent;
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
  ++DecidedNow();
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
  DecidedNow() += sum.successes;
}

uint64_t& LocalBreaker::DecidedNow() {
  if (!is_alone_) return decisions_.pushed;
  switch (surroundings_.without_server) {
    case WithoutServer::kAllow:
      return decisions_.allowed_blindly;
    case WithoutServer::kDeny:
      return decisions_.denied_blindly;
    case WithoutServer::kLocal:
      break;
  }
  return decisions_.local;
}

Decisions LocalBreaker::decisions() {
  const Operation operation(*this);
  return decisions_;
}

void LocalBreaker::AddUp(Tick now) {
  cells_.TakeSuccesses([this](const Cells::Sum& sum)
                           ABSL_NO_THREAD_SAFETY_ANALYSIS { AddSuccesses(sum); });
  const uint64_t refusals = cells_.TakeRefusals();
  ledger_.AddRefusals(generation_, refusing_, refusals);
  DecidedNow() += refusals;
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

}  // namespace fusebox::internal
