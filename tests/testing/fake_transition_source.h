#ifndef FUSEBOX_TESTS_TESTING_FAKE_TRANSITION_SOURCE_H_
#define FUSEBOX_TESTS_TESTING_FAKE_TRANSITION_SOURCE_H_

#include <cstdint>

#include "core/transition.h"

namespace fusebox {

// Epochs and numbers from 1, without gaps; the random bits are whatever the test says.
//
//   FakeTransitionSource source;
//   source.random_bits = ~uint64_t{0};   // The longest wait that jitter allows.
class FakeTransitionSource : public TransitionSource {
 public:
  uint64_t NextEpoch() override { return ++epochs; }
  uint64_t NextNumber() override { return ++numbers; }
  uint64_t RandomBits() override { return random_bits; }

  uint64_t epochs = 0;                       // How many were handed out.
  uint64_t numbers = 0;                      // How many were handed out.
  uint64_t random_bits = uint64_t{1} << 63;  // The middle: jitter changes nothing.
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_TESTING_FAKE_TRANSITION_SOURCE_H_
