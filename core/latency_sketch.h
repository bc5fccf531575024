#ifndef FUSEBOX_CORE_LATENCY_SKETCH_H_
#define FUSEBOX_CORE_LATENCY_SKETCH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "core/policy.h"
#include "core/share.h"
#include "core/tick.h"

namespace fusebox {

// Percentiles of the latencies of the last 30 to 60 seconds, in 1.2 KB.
//
//   sketch.Add(absl::Milliseconds(12), 1, now);
//   sketch.Quantile(Share::FromFraction(0.99), now);  // 12ms, give or take 5 %.
//
// Counts in buckets whose width is a fixed share of where they are, as in DDSketch (C. Masson,
// J. E. Rim and H. K. Lee, VLDB 2019): eight to each power of two, of which the ends are in ratios
// of at most 1.0922. A quantile is told as the value in its bucket that is nearest, relatively, to
// both ends; so it is within 4.5 % of a latency of that very rank. Latencies below 1us count as
// 1us, and those above 24h as 24h.
//
// There are two halves: one fills for 30s, while the other still holds the 30s before. The
// boundaries are multiples of 30s. When a bucket would pass 65,535, its half halves all its counts:
// from then on what came before weighs less, and ranks stay as they are, to within one call.
//
// Adding takes no logarithm: a bit scan and a table. A quantile is looked for from where the last
// one was, so one that is asked for again and again is mostly found at once; the first after a
// boundary or a halving takes a step per bucket, at most 292. Time is an argument and never goes
// back. Not thread-safe.
class LatencySketch {
 public:
  static constexpr double kRelativeError = 0.05;

  explicit LatencySketch(Tick now);

  // `calls` took `latency` each.
  void Add(absl::Duration latency, uint32_t calls, Tick now);

  // How many latencies are inside; fewer, where counts were halved.
  uint32_t Count(Tick now);

  // The latency that the share `q` (0 to 1) of all calls did not exceed, of rank ceil(q * Count()).
  // Absent without calls.
  std::optional<absl::Duration> Quantile(Share q, Tick now);

 private:
  // From the one that holds 1us to the one that holds 24h.
  static constexpr size_t kBuckets = 292;
  using Counts = std::array<std::array<uint16_t, 2>, kBuckets>;  // In either half.

  uint32_t CallsIn(size_t bucket) const {
    const auto& counts = (*counts_)[bucket];
    return uint32_t{counts[0]} + counts[1];
  }
  void Rotate(Tick now);
  void Clear(size_t half);
  void HalveCounts(size_t half);
  void StartOver();
  void Seek(uint64_t rank);

  int64_t half_end_;  // Of the half that fills, in nanoseconds.
  uint32_t filling_ = 0;
  // The bucket of the last quantile that was asked for; how many calls are in the buckets before
  // it, and how many with those in it.
  uint32_t cursor_ = 0;
  uint32_t before_ = 0;
  uint32_t up_to_ = 0;
  std::array<uint32_t, 2> totals_{};
  std::unique_ptr<Counts> counts_;
};

// How long after a call was sent a copy of it may be; absent: never. `sketch` may be null.
std::optional<absl::Duration> HedgeDelay(const HedgePolicy& policy, LatencySketch* sketch,
                                         Tick now);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_LATENCY_SKETCH_H_
