#ifndef FUSEBOX_SERVER_ENGINE_COUNTERS_H_
#define FUSEBOX_SERVER_ENGINE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "core/guard.h"
#include "core/transition.h"

namespace fusebox {

// What a server did since its start.
struct CounterTotals {
  static constexpr size_t kReasons = fusebox::kReasons, kOutcomes = 6, kCounted = 4, kStates = 3,
                          kCauses = 14;

  uint64_t allowed = 0;
  std::array<uint64_t, kReasons> shadow_denied{};  // By reason; part of `allowed`.
  std::array<uint64_t, kReasons> denied{};         // By reason.
  std::array<std::array<uint64_t, kCounted>, kOutcomes> recorded{};
  // By state before, state after and cause.
  std::array<std::array<std::array<uint64_t, kCauses>, kStates>, kStates> transitions{};
  // By the state that the breaker was in.
  std::array<uint64_t, kStates> evicted{};
  uint64_t restored = 0;  // Open ones of an earlier life.
  // Asked of breakers' own retry budgets, and not of shared ones.
  uint64_t private_retries_spent = 0;
  uint64_t private_retries_refused = 0;

  // All of them.
  uint64_t Transitions() const;

  uint64_t Evicted() const { return std::accumulate(evicted.begin(), evicted.end(), uint64_t{0}); }

  // How many of `breakers`, which are all there are, are in each state.
  std::array<uint64_t, kStates> BreakersByState(uint64_t breakers) const;
};

// Counts for the metrics, in stripes: threads at work on different breakers rarely meet, and no
// count waits. Thread-safe; a sum taken meanwhile may lag by what is under way.
class Counters {
 public:
  // `stripe` is anything that differs between breakers, such as a slot.
  void CountDecision(size_t stripe, const Decision& decision);
  void CountRecord(size_t stripe, const Verdict& verdict, uint32_t calls);
  // What was decided and counted elsewhere.
  void CountTally(size_t stripe, const Tally& tally, Counted counted);
  // A retry that was asked of the breaker's own budget, unless the breaker had refused before.
  void CountPrivateRetry(size_t stripe, const Decision& decision);
  void CountTransition(const Transition& transition);
  // `state` is the breaker's last.
  void CountEviction(State state);
  // A breaker that came back open from an earlier life.
  void CountRestored() { restored_.fetch_add(1, std::memory_order_relaxed); }

  CounterTotals Sum() const;

 private:
  using Cell = std::atomic<uint64_t>;
  static constexpr size_t kStripes = 16;

  struct alignas(64) Stripe {
    Cell allowed{0};
    std::array<Cell, CounterTotals::kReasons> shadow_denied{};
    std::array<Cell, CounterTotals::kReasons> denied{};
    std::array<std::array<Cell, CounterTotals::kCounted>, CounterTotals::kOutcomes> recorded{};
    Cell private_retries_spent{0};
    Cell private_retries_refused{0};
  };

  std::array<Stripe, kStripes> stripes_;
  std::array<std::array<std::array<Cell, CounterTotals::kCauses>, CounterTotals::kStates>,
             CounterTotals::kStates>
      transitions_{};
  std::array<Cell, CounterTotals::kStates> evicted_{};
  Cell restored_{0};
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_COUNTERS_H_
