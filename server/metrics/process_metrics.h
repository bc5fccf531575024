// What the kernel knows of this process, under the names that Prometheus' own clients use.
//
//   process_cpu_seconds_total, process_resident_memory_bytes, process_virtual_memory_bytes,
//   process_start_time_seconds, process_open_fds, process_max_fds
#ifndef FUSEBOX_SERVER_METRICS_PROCESS_METRICS_H_
#define FUSEBOX_SERVER_METRICS_PROCESS_METRICS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"

namespace fusebox {

// Reads /proc/self when it is collected; leaves out what it cannot read. The rest of /proc may be
// hidden, as by systemd's ProcSubset=pid. Thread-safe.
class ProcessMetrics : public prometheus::Collectable {
 public:
  // `proc` is where the proc file system is, `boot` when the machine was started.
  explicit ProcessMetrics(std::string proc = "/proc", absl::Time boot = BootTime())
      : proc_(std::move(proc)), boot_(boot) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  static absl::Time BootTime();

  const std::string proc_;
  const absl::Time boot_;  // Asked once, so that what is told stays as it is.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_PROCESS_METRICS_H_
