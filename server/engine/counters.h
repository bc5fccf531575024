#ifndef FUSEBOX_SERVER_ENGINE_COUNTERS_H_
#define FUSEBOX_SERVER_ENGINE_COUNTERS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "core/guard.h"
#include "core/transition.h"

namespace fusebox {

// What a server did since its start.
struct CounterTotals {
  static constexpr size_t kReasons = 6, kOutcomes = 6, kCounted = 4, kStates = 3, kCauses = 9;

  uint64_t allowed = 0;
  std::array<uint64_t, kReasons> shadow_denied{};  // By reason; part of `allowed`.
  std::array<uint64_t, kReasons> denied{};         // By reason.
  std::array<std::array<uint64_t, kCounted>, kOutcomes> recorded{};
  // By state before, state after and cause.
  std::array<std::array<std::array<uint64_t, kCauses>, kStates>, kStates> transitions{};
  uint64_t evicted = 0;
};

// Counts for the metrics, in stripes: threads at work on different breakers rarely meet, and no
// count waits. Thread-safe; a sum taken meanwhile may lag by what is under way.
class Counters {
 public:
  // `stripe` is anything that differs between breakers, such as a slot.
  void CountDecision(size_t stripe, const Decision& decision);
  void CountRecord(size_t stripe, const Verdict& verdict, uint32_t calls);
  void CountTransition(const Transition& transition);
  void CountEviction() { stripes_[0].evicted.fetch_add(1, std::memory_order_relaxed); }

  CounterTotals Sum() const;

 private:
  using Cell = std::atomic<uint64_t>;
  static constexpr size_t kStripes = 16;

  struct alignas(64) Stripe {
    Cell allowed{0};
    std::array<Cell, CounterTotals::kReasons> shadow_denied{};
    std::array<Cell, CounterTotals::kReasons> denied{};
    std::array<std::array<Cell, CounterTotals::kCounted>, CounterTotals::kOutcomes> recorded{};
    Cell evicted{0};
  };

  std::array<Stripe, kStripes> stripes_;
  std::array<std::array<std::array<Cell, CounterTotals::kCauses>, CounterTotals::kStates>,
             CounterTotals::kStates>
      transitions_{};
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_COUNTERS_H_
