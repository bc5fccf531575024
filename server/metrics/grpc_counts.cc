#include "server/metrics/grpc_counts.h"

#include <algorithm>

namespace fusebox {

void GrpcMethodCells::CountDuration(absl::Duration duration) {
  constexpr const auto& kBounds = GrpcMethodTotals::kBucketNanos;
  const int64_t nanos = std::max(int64_t{0}, absl::ToInt64Nanoseconds(duration));
  size_t bucket = 0;
  while (bucket < kBounds.size() && nanos > kBounds[bucket]) ++bucket;
  Count(durations[bucket]);
  duration_nanos.fetch_add(static_cast<uint64_t>(nanos), std::memory_order_relaxed);
}

void GrpcMethodCells::AddTo(GrpcMethodTotals& totals) const {
  const auto read = [](const Cell& cell) { return cell.load(std::memory_order_relaxed); };
  totals.started += read(started);
  totals.received += read(received);
  totals.sent += read(sent);
  for (size_t i = 0; i < handled.size(); ++i) totals.handled[i] += read(handled[i]);
  for (size_t i = 0; i < durations.size(); ++i) totals.durations[i] += read(durations[i]);
  totals.duration_nanos += read(duration_nanos);
}

GrpcMethodTotals GrpcCounts::Sum(size_t method) const {
  GrpcMethodTotals totals;
  for (size_t stripe = 0; stripe < kStripes; ++stripe) {
    cells_[stripe * methods_ + method].AddTo(totals);
  }
  return totals;
}

size_t GrpcCounts::MyStripe() {
  static std::atomic<size_t> threads{0};
  thread_local size_t mine = threads.fetch_add(1, std::memory_order_relaxed) % kStripes;
  return mine;
}

}  // namespace fusebox
