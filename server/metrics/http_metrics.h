// What the HTTP port was asked, and how that ended.
//
//   fusebox_http_requests_total{route="/metrics",code="200"}, fusebox_http_handshake_failures_total
#ifndef FUSEBOX_SERVER_METRICS_HTTP_METRICS_H_
#define FUSEBOX_SERVER_METRICS_HTTP_METRICS_H_

#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/http/request_counts.h"

namespace fusebox {

// Thread-safe.
class HttpMetrics : public prometheus::Collectable {
 public:
  // `counts` must outlive it.
  explicit HttpMetrics(const RequestCounts& counts) : counts_(counts) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const RequestCounts& counts_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_HTTP_METRICS_H_
