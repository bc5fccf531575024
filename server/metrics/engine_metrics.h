// What an engine tells Prometheus: breakers, decisions, outcomes, transitions, retry budgets.
//
//   EngineMetrics metrics(engine, {.max_breakers = 1'000, .version = "0.1.0"});
//   RenderMetrics({&metrics});
//
//   fusebox_breakers{state="open"} 3
//   fusebox_breaker_state{breaker="db/orders",state="open"} 1
//   fusebox_breaker_calls_total{breaker="other"} 70133
//   fusebox_decisions_total{decision="denied",reason="open"} 412
//
// The number of series is bounded: by `max_breakers` for those of breakers (see BreakerSeries), by
// the policies for those of shared budgets, and constant for all others.
#ifndef FUSEBOX_SERVER_METRICS_ENGINE_METRICS_H_
#define FUSEBOX_SERVER_METRICS_ENGINE_METRICS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/engine/counters.h"
#include "server/engine/engine.h"
#include "server/engine/shared_budgets.h"
#include "server/metrics/breaker_series.h"
#include "server/sync/mutex.h"

namespace fusebox {

struct EngineMetricsOptions {
  // How many breakers have series of their own: --metrics-max-breakers.
  size_t max_breakers = 1'000;
  // Also the names that many teams have graphs for already: see AddPlainFamilies().
  bool plain_names = false;
  // The release: "0.1.0".
  std::string version = "unknown";
};

// Reads the engine when it is collected and at no other time. A scrape holds the lock of one
// breaker at a time, for as long as it takes to copy it (about 1 us), so decisions do not wait for
// scrapes. Thread-safe; scrapes wait for each other.
class EngineMetrics : public prometheus::Collectable {
 public:
  // `engine` must outlive this.
  EngineMetrics(Engine& engine, EngineMetricsOptions options);

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  using Families = std::vector<prometheus::MetricFamily>;
  using BreakersByState = std::array<uint64_t, CounterTotals::kStates>;

  // The counters of a budget as series. A budget that was removed and defined again between two
  // scrapes counts from 0 again; its series goes on from where it was.
  struct BudgetSeries {
    void Update(const BudgetStatus& status);

    uint64_t spent_before = 0, refused_before = 0;  // By earlier budgets of this name.
    uint64_t spent = 0, refused = 0;                // By the present one.
  };

  void AddServer(Families& families) const;
  void AddBreakers(const BreakersByState& by_state, Families& families) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddDecisions(const CounterTotals& totals, Families& families) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddPrivateBudgets(const CounterTotals& totals, Families& families) const;
  void AddBudgets(Families& families) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Engine& engine_;
  const std::string version_;
  const bool plain_names_;
  mutable Mutex mutex_;
  mutable BreakerSeries series_ ABSL_GUARDED_BY(mutex_);
  mutable std::map<std::string, BudgetSeries> budgets_ ABSL_GUARDED_BY(mutex_);
  mutable uint64_t allowed_ ABSL_GUARDED_BY(mutex_) = 0;  // And not only by SHADOW.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_ENGINE_METRICS_H_
