#ifndef FUSEBOX_TESTS_BENCH_RATE_H_
#define FUSEBOX_TESTS_BENCH_RATE_H_

#include <chrono>
#include <cstdint>

#include "absl/time/time.h"

namespace fusebox {

// Calls `work` for about `time`, a thousand at a go; returns how often per second.
template <typename Work>
double Rate(absl::Duration time, Work work) {
  const auto start = std::chrono::steady_clock::now();
  const auto end = start + absl::ToChronoNanoseconds(time);
  uint64_t done = 0;
  auto now = start;
  for (; now < end; now = std::chrono::steady_clock::now()) {
    for (int i = 0; i < 1000; ++i) work();
    done += 1000;
  }
  return static_cast<double>(done) / std::chrono::duration<double>(now - start).count();
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_BENCH_RATE_H_
