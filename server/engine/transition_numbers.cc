#include "server/engine/transition_numbers.h"

#include <random>

namespace fusebox {

TransitionNumbers::TransitionNumbers(uint64_t life)
    : first_epoch_(life << kCounterBits), next_epoch_(first_epoch_) {}

uint64_t TransitionNumbers::RandomBits() {
  // Not Abseil's: its generators share a pool that lives in a library ThreadSanitizer cannot see.
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return generator();
}

}  // namespace fusebox
