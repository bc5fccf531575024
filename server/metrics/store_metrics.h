#ifndef FUSEBOX_SERVER_METRICS_STORE_METRICS_H_
#define FUSEBOX_SERVER_METRICS_STORE_METRICS_H_

#include <functional>
#include <utility>
#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/flusher/flusher.h"

namespace fusebox {

// How the store is doing:
//
//   fusebox_store_durable                    1, or 0 while nothing can be kept
//   fusebox_store_commits_total
//   fusebox_store_failures_total
//   fusebox_store_corruptions_total
//   fusebox_store_seconds_since_commit       grows while a disk stalls, and while nothing happens
//
// Nothing of a store that is in memory, of which none of that can be said. Thread-safe.
class StoreMetrics : public prometheus::Collectable {
 public:
  StoreMetrics(bool in_memory, std::function<StoreCondition()> condition)
      : in_memory_(in_memory), condition_(std::move(condition)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const bool in_memory_;
  const std::function<StoreCondition()> condition_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_STORE_METRICS_H_
