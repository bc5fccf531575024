#ifndef FUSEBOX_TESTS_BENCH_PAIRED_H_
#define FUSEBOX_TESTS_BENCH_PAIRED_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace fusebox {

// One side of a comparison: works for about so long and returns how much it did per second.
using Worker = std::function<double(absl::Duration)>;

// A median with its 95 % bootstrap interval.
struct Ratio {
  double median = 0;
  double low = 0;
  double high = 0;
};

// The limit that a ratio is held against.
struct Limit {
  enum class Kind { kAtLeast, kAtMost };
  Kind kind = Kind::kAtLeast;
  double value = 0;

  // Missed only when the whole interval lies beyond it: these machines are noisy.
  bool IsMissedBy(const Ratio& ratio) const {
    return kind == Kind::kAtLeast ? ratio.high < value : ratio.low > value;
  }
};

// How a ratio is measured: in so many pairs of short alternating runs, since neighbours in time
// share the machine's mood; which of a pair goes first alternates too.
struct Pairing {
  int pairs = 60;
  absl::Duration run = absl::Seconds(1);
};

// The ratio of `numerator`'s rate to `denominator`'s.
Ratio MeasureRatio(const Worker& numerator, const Worker& denominator, const Pairing& pairing);

// Measures the ratio, and `denominator` against itself as a control; prints a line. False if the
// limit is missed. Environment: FUSEBOX_BENCH_PAIRS for a quicker look.
bool Compare(const std::string& name, const Worker& numerator, const Worker& denominator,
             const Limit& limit);

// Prints a measured value beside its limit. False if it is missed.
bool Check(const std::string& name, double value, const Limit& limit);

Ratio MedianWithInterval(std::vector<double> samples);

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_BENCH_PAIRED_H_
