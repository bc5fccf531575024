// Counts calls of a gRPC server, by method, without anybody waiting for anybody.
//
//   GrpcCounts counts(/*methods=*/7);
//   GrpcMethodCells& cells = counts.Mine(method);   // Once per call.
//   Count(cells.started);
//   cells.CountDuration(absl::Milliseconds(3));
//   counts.Sum(method).started;                     // At a scrape.
//
// Each method has its cells in several stripes, and each thread uses one stripe: threads rarely
// write the same cache line.
#ifndef FUSEBOX_SERVER_METRICS_GRPC_COUNTS_H_
#define FUSEBOX_SERVER_METRICS_GRPC_COUNTS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/time/time.h"

namespace fusebox {

// What happened to the calls of one method.
struct GrpcMethodTotals {
  static constexpr size_t kCodes = 17;  // The status codes of gRPC.
  // Upper bounds of the buckets of the durations: Fusebox answers in tens of microseconds.
  static constexpr std::array<int64_t, 14> kBucketNanos = {
      50'000,     100'000,    250'000,    500'000,     1'000'000,   2'500'000,     5'000'000,
      10'000'000, 25'000'000, 50'000'000, 100'000'000, 250'000'000, 1'000'000'000, 5'000'000'000};

  uint64_t started = 0;
  uint64_t received = 0;
  uint64_t sent = 0;
  std::array<uint64_t, kCodes> handled = {};  // By code.
  std::array<uint64_t, kBucketNanos.size() + 1> durations =
      {};                       // The last: longer than all bounds.
  uint64_t duration_nanos = 0;  // Summed up.
};

// The same, in one stripe. Thread-safe.
struct alignas(64) GrpcMethodCells {
  using Cell = std::atomic<uint64_t>;

  void CountDuration(absl::Duration duration);
  void AddTo(GrpcMethodTotals& totals) const;

  Cell started{0};
  Cell received{0};
  Cell sent{0};
  std::array<Cell, GrpcMethodTotals::kCodes> handled{};
  std::array<Cell, GrpcMethodTotals::kBucketNanos.size() + 1> durations{};
  Cell duration_nanos{0};
};

inline void Count(GrpcMethodCells::Cell& cell) { cell.fetch_add(1, std::memory_order_relaxed); }

// Thread-safe.
class GrpcCounts {
 public:
  explicit GrpcCounts(size_t methods) : methods_(methods), cells_(methods * kStripes) {}

  // The cells of a method for the calling thread. They stay valid, and others may use them too.
  GrpcMethodCells& Mine(size_t method) { return cells_[MyStripe() * methods_ + method]; }

  GrpcMethodTotals Sum(size_t method) const;

 private:
  static constexpr size_t kStripes = 16;

  static size_t MyStripe();

  const size_t methods_;
  std::vector<GrpcMethodCells> cells_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_GRPC_COUNTS_H_
