#include "server/engine/transition_numbers.h"

#include <random>

namespace fusebox {

TransitionNumbers::TransitionNumbers(uint64_t life)
    : first_epoch_(life << kCounterBits), next_epoch_(first_epoch_) {}

void TransitionNumbers::RaiseAbove(uint64_t life) {
  const uint64_t least = (life + 1) << kCounterBits;
  uint64_t next = next_epoch();
  while (next < least && !next_epoch_.compare_exchange_weak(next, least)) {
  }
}

uint64_t TransitionNumbers::RandomBits() {
  // Not Abseil's: its generators share a pool that lives in a library ThreadSanitizer cannot see.
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

}  // namespace fusebox
