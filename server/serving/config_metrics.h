#ifndef FUSEBOX_SERVER_SERVING_CONFIG_METRICS_H_
#define FUSEBOX_SERVER_SERVING_CONFIG_METRICS_H_

#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/serving/reloader.h"

namespace fusebox {

// How the configuration's file is doing; nothing without a file.
//
//   fusebox_config_valid                  0 while what was read last is not in force
//   fusebox_config_loads_total, fusebox_config_failures_total
//
// Thread-safe.
class ConfigMetrics : public prometheus::Collectable {
 public:
  // `reloader` must outlive this.
  explicit ConfigMetrics(const Reloader& reloader) : reloader_(reloader) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Reloader& reloader_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_CONFIG_METRICS_H_
