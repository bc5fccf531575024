#include "server/engine/transition_numbers.h"

#include <limits>

#include "absl/random/random.h"

namespace fusebox {

TransitionNumbers::TransitionNumbers(uint64_t life)
    : first_epoch_(life << kCounterBits), next_epoch_(first_epoch_) {}

uint64_t TransitionNumbers::RandomBits() {
  thread_local absl::InsecureBitGen generator;
  return absl::Uniform<uint64_t>(absl::IntervalClosedClosed, generator, 0,
                                 std::numeric_limits<uint64_t>::max());
}

}  // namespace fusebox
