#include "server/metrics/store_metrics.h"

#include "absl/time/time.h"
#include "server/metrics/family.h"

namespace fusebox {

std::vector<prometheus::MetricFamily> StoreMetrics::Collect() const {
  if (in_memory_) return {};
  const StoreCondition store = condition_();
  return {
      Gauge("fusebox_store_durable",
            "1, or 0 while nothing can be kept and operators' changes are refused. Take the least "
            "of several servers.",
            store.not_durable.empty() ? 1 : 0),
      Counter("fusebox_store_commits_total",
              "Commits to the store that are durable. Adds up over servers.",
              static_cast<double>(store.commits)),
      Counter("fusebox_store_failures_total",
              "Commits to the store that failed. Adds up over servers.",
              static_cast<double>(store.failures)),
      Counter("fusebox_store_corruptions_total",
              "How often the store's file was found to be corrupt and set aside. Adds up over "
              "servers.",
              static_cast<double>(store.corruptions)),
      Gauge("fusebox_store_seconds_since_commit",
            "Seconds since something was kept last; also grows while nothing happens.",
            absl::ToDoubleSeconds(store.since_commit)),
  };
}

}  // namespace fusebox
