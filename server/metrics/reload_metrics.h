// What was read again while the server runs, and how that went.
//
//   fusebox_reloads_total{what="certificate",result="taken"}, fusebox_reload_failing{what=...},
//   fusebox_certificate_not_after_seconds
#ifndef FUSEBOX_SERVER_METRICS_RELOAD_METRICS_H_
#define FUSEBOX_SERVER_METRICS_RELOAD_METRICS_H_

#include <utility>
#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/files/watched_files.h"
#include "server/tls/live_certificate.h"

namespace fusebox {

// Thread-safe.
class ReloadMetrics : public prometheus::Collectable {
 public:
  // All must outlive it.
  ReloadMetrics(std::vector<const WatchedFiles*> files, const LiveCertificate& certificate)
      : files_(std::move(files)), certificate_(certificate) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const std::vector<const WatchedFiles*> files_;
  const LiveCertificate& certificate_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_RELOAD_METRICS_H_
