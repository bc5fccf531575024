// What the kernel knows of this process, under the names that Prometheus' own clients use.
//
//   process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
//   process_start_time_seconds, process_open_fds, process_max_fds
#ifndef FUSEBOX_SERVER_METRICS_PROCESS_METRICS_H_
#define FUSEBOX_SERVER_METRICS_PROCESS_METRICS_H_

#include <string>
#include <utility>
#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace fusebox {

// Reads /proc when it is collected; leaves out what it cannot read. Thread-safe.
class ProcessMetrics : public prometheus::Collectable {
 public:
  // `proc` is where the proc file system is.
  explicit ProcessMetrics(std::string proc = "/proc") : proc_(std::move(proc)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::string proc_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_PROCESS_METRICS_H_
