#ifndef FUSEBOX_PROMETHEUS_H_
#define FUSEBOX_PROMETHEUS_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "fusebox/client.h"

namespace fusebox {

// Shows a client's stats to prometheus-cpp:
//
//   auto metrics = std::make_shared<fusebox::ClientCollector>(*client);
//   exposer.RegisterCollectable(metrics);
//
//   fusebox_client_connected                   1 while a server is at the other end
//   fusebox_client_state_age_seconds           since when the server has said nothing; +Inf if
//   never fusebox_client_breakers fusebox_client_unacknowledged_rows
//   fusebox_client_decisions_total{source}     pushed, lent, local, allowed_blindly, denied_blindly
//
// The client outlives it. Thread-safe.
class ClientCollector final : public prometheus::Collectable {
 public:
  explicit ClientCollector(const Client& client) : client_(client) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Client& client_;
};

}  // namespace fusebox

#endif  // FUSEBOX_PROMETHEUS_H_
