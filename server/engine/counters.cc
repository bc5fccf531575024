#include "server/engine/counters.h"

#include <algorithm>

namespace fusebox {
namespace {

template <typename Enum>
constexpr size_t Index(Enum value) {
  return static_cast<size_t>(value);
}

static_assert(Index(Outcome::kIgnored) + 1 == CounterTotals::kOutcomes);
static_assert(Index(Counted::kNotCounted) + 1 == CounterTotals::kCounted);
static_assert(Index(State::kHalfOpen) + 1 == CounterTotals::kStates);
static_assert(Index(Cause::kOverrideExpired) + 1 == CounterTotals::kCauses);

}  // namespace

// Breakers are born CLOSED. What moves is counted once the breaker is unlocked, so that a sum may
// have seen a breaker leave a state and not yet how it got there.
std::array<uint64_t, CounterTotals::kStates> CounterTotals::BreakersByState(
    uint64_t breakers) const {
  std::array<uint64_t, kStates> in_state{};
  uint64_t elsewhere = 0;
  for (const State state : {State::kOpen, State::kHalfOpen}) {
    const size_t i = Index(state);
    uint64_t came = state == State::kOpen ? restored : 0, left = evicted[i];
    for (size_t other = 0; other < kStates; ++other) {
      for (size_t cause = 0; cause < kCauses; ++cause) {
        came += transitions[other][i][cause];
        left += transitions[i][other][cause];
      }
    }
    in_state[i] = std::min(came - std::min(came, left), breakers - elsewhere);
    elsewhere += in_state[i];
  }
  in_state[Index(State::kClosed)] = breakers - elsewhere;
  return in_state;
}

uint64_t CounterTotals::Transitions() const {
  uint64_t sum = 0;
  for (const auto& from : transitions) {
    for (const auto& to : from) sum = std::accumulate(to.begin(), to.end(), sum);
  }
  return sum;
}

void Counters::CountDecision(size_t stripe, const Decision& decision) {
  Stripe& counts = stripes_[stripe % kStripes];
  const size_t reason = Index(decision.reason);
  if (decision.allowed) {
    counts.allowed.fetch_add(1, std::memory_order_relaxed);
    if (decision.shadow_denied) {
      counts.shadow_denied[reason].fetch_add(1, std::memory_order_relaxed);
    }
  } else {
    counts.denied[reason].fetch_add(1, std::memory_order_relaxed);
  }
}

void Counters::CountRecord(size_t stripe, const Verdict& verdict, uint32_t calls) {
  stripes_[stripe % kStripes].recorded[Index(verdict.outcome)][Index(verdict.counted)].fetch_add(
      calls, std::memory_order_relaxed);
}

void Counters::CountTally(size_t stripe, const Tally& tally, Counted counted) {
  Stripe& counts = stripes_[stripe % kStripes];
  const OutcomeCounts& outcomes = tally.outcomes;
  counts.allowed.fetch_add(outcomes.Calls(), std::memory_order_relaxed);
  for (const Tally::Refusals& kind : tally.refusals) {
    counts.denied[Index(kind.reason)].fetch_add(kind.calls, std::memory_order_relaxed);
  }
  const auto record = [&](Outcome outcome, uint32_t calls) {
    if (calls == 0) return;
    counts.recorded[Index(outcome)][Index(counted)].fetch_add(calls, std::memory_order_relaxed);
  };
  record(Outcome::kSuccess, outcomes.successes);
  record(Outcome::kFailure, outcomes.failures);
  record(Outcome::kTimeout, outcomes.timeouts);
  record(Outcome::kRateLimited, outcomes.rate_limited);
  record(Outcome::kCallerError, outcomes.caller_errors);
}

void Counters::CountPrivateRetry(size_t stripe, const Decision& decision) {
  Stripe& counts = stripes_[stripe % kStripes];
  if (decision.reason == Reason::kRetryBudget) {
    counts.private_retries_refused.fetch_add(1, std::memory_order_relaxed);
  } else if (decision.allowed && !decision.shadow_denied) {
    counts.private_retries_spent.fetch_add(1, std::memory_order_relaxed);
  }
}

void Counters::CountTransition(const Transition& transition) {
  transitions_[Index(transition.from)][Index(transition.to)][Index(transition.cause)].fetch_add(
      1, std::memory_order_relaxed);
}

void Counters::CountEviction(State state) {
  evicted_[Index(state)].fetch_add(1, std::memory_order_relaxed);
}

CounterTotals Counters::Sum() const {
  CounterTotals sum;
  for (const Stripe& stripe : stripes_) {
    sum.allowed += stripe.allowed.load(std::memory_order_relaxed);
    sum.private_retries_spent += stripe.private_retries_spent.load(std::memory_order_relaxed);
    sum.private_retries_refused += stripe.private_retries_refused.load(std::memory_order_relaxed);
    for (size_t i = 0; i < CounterTotals::kReasons; ++i) {
      sum.shadow_denied[i] += stripe.shadow_denied[i].load(std::memory_order_relaxed);
      sum.denied[i] += stripe.denied[i].load(std::memory_order_relaxed);
    }
    for (size_t i = 0; i < CounterTotals::kOutcomes; ++i) {
      for (size_t j = 0; j < CounterTotals::kCounted; ++j) {
        sum.recorded[i][j] += stripe.recorded[i][j].load(std::memory_order_relaxed);
      }
    }
  }
  sum.restored = restored_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < CounterTotals::kStates; ++i) {
    sum.evicted[i] = evicted_[i].load(std::memory_order_relaxed);
    for (size_t j = 0; j < CounterTotals::kStates; ++j) {
      for (size_t k = 0; k < CounterTotals::kCauses; ++k) {
        sum.transitions[i][j][k] = transitions_[i][j][k].load(std::memory_order_relaxed);
      }
    }
  }
  return sum;
}

}  // namespace fusebox
