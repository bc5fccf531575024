#include "server/serving/config_metrics.h"

#include "server/metrics/family.h"

namespace fusebox {

std::vector<prometheus::MetricFamily> ConfigMetrics::Collect() const {
  if (!reloader_.has_file()) return {};
  const ConfigCondition config = reloader_.condition();
  return {
      Gauge("fusebox_config_valid",
            "1, or 0 while the policies of the file that was read last are not in force because "
            "something is wrong with it. Take the least of several servers.",
            config.error.empty() ? 1 : 0),
      Counter("fusebox_config_loads_total",
              "How often the file was read again and came into force. Adds up over servers.",
              static_cast<double>(config.loads)),
      Counter("fusebox_config_failures_total",
              "How often the file was read again and refused. Adds up over servers.",
              static_cast<double>(config.failures)),
  };
}

}  // namespace fusebox
