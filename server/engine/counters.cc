#include "server/engine/counters.h"

namespace fusebox {
namespace {

template <typename Enum>
constexpr size_t Index(Enum value) {
  return static_cast<size_t>(value);
}

static_assert(Index(Reason::kRetryBudget) + 1 == CounterTotals::kReasons);
static_assert(Index(Outcome::kIgnored) + 1 == CounterTotals::kOutcomes);
static_assert(Index(Counted::kNotCounted) + 1 == CounterTotals::kCounted);
static_assert(Index(State::kHalfOpen) + 1 == CounterTotals::kStates);
static_assert(Index(Cause::kProbesSucceeded) + 1 == CounterTotals::kCauses);

}  // namespace

void Counters::CountDecision(size_t stripe, const Decision& decision) {
  Stripe& counts = stripes_[stripe % kStripes];
  const size_t reason = Index(decision.reason);
  if (decision.allowed) {
    counts.allowed.fetch_add(1, std::memory_order_relaxed);
    if (decision.shadow_denied)
      counts.shadow_denied[reason].fetch_add(1, std::memory_order_relaxed);
  } else {
    counts.denied[reason].fetch_add(1, std::memory_order_relaxed);
  }
}

void Counters::CountRecord(size_t stripe, const Verdict& verdict, uint32_t calls) {
  stripes_[stripe % kStripes].recorded[Index(verdict.outcome)][Index(verdict.counted)].fetch_add(
      calls, std::memory_order_relaxed);
}

void Counters::CountTransition(const Transition& transition) {
  transitions_[Index(transition.from)][Index(transition.to)][Index(transition.cause)].fetch_add(
      1, std::memory_order_relaxed);
}

CounterTotals Counters::Sum() const {
  CounterTotals sum;
  for (const Stripe& stripe : stripes_) {
    sum.allowed += stripe.allowed.load(std::memory_order_relaxed);
    sum.evicted += stripe.evicted.load(std::memory_order_relaxed);
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
  for (size_t i = 0; i < CounterTotals::kStates; ++i) {
    for (size_t j = 0; j < CounterTotals::kStates; ++j) {
      for (size_t k = 0; k < CounterTotals::kCauses; ++k) {
        sum.transitions[i][j][k] = transitions_[i][j][k].load(std::memory_order_relaxed);
      }
    }
  }
  return sum;
}

}  // namespace fusebox
