#ifndef FUSEBOX_SERVER_ENGINE_TRANSITION_NUMBERS_H_
#define FUSEBOX_SERVER_ENGINE_TRANSITION_NUMBERS_H_

#include <atomic>
#include <cstdint>

#include "core/transition.h"

namespace fusebox {

// One server's epochs, numbers and randomness. Lock-free, so fit to be used under any lock.
//
//   epoch = life (upper 44 bits) | counter (lower 20 bits, carrying into the life)
//
// A life is a start of the server, in units of 2^20 ns (about 1 ms) since 1970. A server would have
// to make more than one epoch per nanosecond for its counter to reach the life of a later start.
class TransitionNumbers : public TransitionSource {
 public:
  static constexpr int kCounterBits = 20;

  explicit TransitionNumbers(uint64_t life);

  uint64_t NextEpoch() override { return next_epoch_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t NextNumber() override { return next_number_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t RandomBits() override;

  // Transitions of an earlier life had numbers up to this. To be called before the first.
  void GoOnAfter(uint64_t number) { next_number_.store(number + 1, std::memory_order_relaxed); }

  // Epochs from now on are those of a life after `life`, if they are not already.
  void RaiseAbove(uint64_t life);

  // A start with a life above this has epochs above all of this one's, the next million included.
  uint64_t reached_life() const { return (next_epoch() >> kCounterBits) + 1; }

  // Every epoch of this life is at least this.
  uint64_t first_epoch() const { return first_epoch_; }
  // Every epoch so far is below this.
  uint64_t next_epoch() const { return next_epoch_.load(std::memory_order_relaxed); }
  uint64_t life() const { return first_epoch_ >> kCounterBits; }
  uint64_t transitions() const { return next_number_.load(std::memory_order_relaxed) - 1; }

 private:
  const uint64_t first_epoch_;
  std::atomic<uint64_t> next_epoch_;
  std::atomic<uint64_t> next_number_{1};
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_TRANSITION_NUMBERS_H_
