#ifndef FUSEBOX_CLIENT_CPP_CONNECTION_BACKOFF_H_
#define FUSEBOX_CLIENT_CPP_CONNECTION_BACKOFF_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace fusebox::internal {

// A random part of it, evenly.
inline absl::Duration RandomPart(absl::Duration whole, uint64_t random_bits) {
  return whole * (static_cast<double>(random_bits >> 11) * 0x1p-53);
}

// How long to wait before coming back: a random time up to twice as long as is due, which doubles
// with every try that fails, so that many clients do not come back all at once.
class Backoff {
 public:
  static constexpr absl::Duration kFirst = absl::Milliseconds(100);
  static constexpr absl::Duration kLongest = absl::Seconds(10);

  absl::Duration Next(uint64_t random_bits) {
    const absl::Duration wait = RandomPart(2 * due_, random_bits);
    due_ = std::min(2 * due_, kLongest);
    return wait;
  }
  // It was of no use to come back soon.
  void Lengthen() { due_ = kLongest; }
  void Reset() { due_ = kFirst; }

 private:
  absl::Duration due_ = kFirst;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_CONNECTION_BACKOFF_H_
