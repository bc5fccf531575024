#ifndef FUSEBOX_CLIENT_CPP_LOCAL_EVEN_SAMPLES_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_EVEN_SAMPLES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace fusebox::internal {

// At most kMost of however many durations, drawn evenly: every one, then every second, every fourth
// and so on. Not thread-safe.
class EvenSamples {
 public:
  static constexpr size_t kMost = 32;  // The protocol's.

  void Add(absl::Duration sample) {
    if (seen_++ % stride_ != 0) return;
    if (kept_.size() == kMost) {
      for (size_t i = 0; i < kMost / 2; ++i) kept_[i] = kept_[2 * i];
      kept_.resize(kMost / 2);
      stride_ *= 2;
      if ((seen_ - 1) % stride_ != 0) return;
    }
    kept_.push_back(sample);
  }

  const std::vector<absl::Duration>& kept() const { return kept_; }

 private:
  std::vector<absl::Duration> kept_;
  uint64_t stride_ = 1;
  uint64_t seen_ = 0;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_EVEN_SAMPLES_H_
