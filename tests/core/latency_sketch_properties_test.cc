// Random latencies at random times: the sketch against a list of all of them.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/latency_sketch.h"

namespace fusebox {
namespace {

// All that was added, with the half in which it was.
class Reference {
 public:
  void Add(absl::Duration latency, uint32_t calls, Tick now) {
    added_.insert(added_.end(), calls, {HalfOf(now), latency});
  }

  std::vector<absl::Duration> Sorted(Tick now) const {
    std::vector<absl::Duration> inside;
    for (const auto& [half, latency] : added_) {
      if (half + 1 >= HalfOf(now)) inside.push_back(latency);
    }
    std::sort(inside.begin(), inside.end());
    return inside;
  }

 private:
  struct Added {
    int64_t half;
    absl::Duration latency;
  };

  static int64_t HalfOf(Tick now) { return now.nanos() / 30'000'000'000; }

  std::vector<Added> added_;
};

absl::Duration DrawLatency() {
  const int exponent = *rc::gen::inRange(10, 46);
  return absl::Nanoseconds(
      *rc::gen::inRange<int64_t>(int64_t{1} << exponent, int64_t{2} << exponent));
}

RC_GTEST_PROP(LatencySketchProperties, EveryQuantileIsWithinFivePercentOfTheExactOne, ()) {
  Tick now = Tick::FromNanos(*rc::gen::inRange<int64_t>(0, 1'000'000'000'000));
  LatencySketch sketch(now);
  Reference reference;
  const int steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    now += absl::Seconds(*rc::gen::weightedElement<int>({{10, 0}, {3, 1}, {2, 11}, {1, 70}}));
    const absl::Duration latency = DrawLatency();
    const auto calls = *rc::gen::inRange<uint32_t>(0, 50);
    sketch.Add(latency, calls, now);
    reference.Add(latency, calls, now);
    const std::vector<absl::Duration> exact = reference.Sorted(now);
    RC_ASSERT(sketch.Count(now) == exact.size());
    const Share q = Share::FromMillionths(*rc::gen::inRange<int64_t>(0, Share::kOne + 1));
    const std::optional<absl::Duration> told = sketch.Quantile(q, now);
    RC_ASSERT(told.has_value() == !exact.empty());
    if (exact.empty()) continue;
    const auto rank = static_cast<size_t>(std::max<int64_t>(
        1, (q.millionths() * static_cast<int64_t>(exact.size()) + 999'999) / Share::kOne));
    const double ratio = absl::FDivDuration(*told, exact[rank - 1]);
    RC_ASSERT(std::abs(ratio - 1) <= LatencySketch::kRelativeError);
  }
}

// However much is added, nothing wraps around, and there is always an answer in range.
RC_GTEST_PROP(LatencySketchProperties, NeverOverflows, ()) {
  const Tick now;
  LatencySketch sketch(now);
  const int steps = *rc::gen::inRange(1, 50);
  for (int i = 0; i < steps; ++i) {
    sketch.Add(DrawLatency(), *rc::gen::arbitrary<uint32_t>() | 1, now);
    RC_ASSERT(sketch.Count(now) > 0u);
    RC_ASSERT(sketch.Count(now) <= 292u * 65'535);
    RC_ASSERT(*sketch.Quantile(Share::FromFraction(0.5), now) < absl::Hours(25));
  }
}

}  // namespace
}  // namespace fusebox
