// Puts numbers into the form that Prometheus' library writes.
//
//   prometheus::MetricFamily refused = CounterFamily("fusebox_refused_total", "Calls refused.");
//   AddCounter(refused, {{"breaker", "db/orders"}}, 17);
#ifndef FUSEBOX_SERVER_METRICS_FAMILY_H_
#define FUSEBOX_SERVER_METRICS_FAMILY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "prometheus/client_metric.h"
#include "prometheus/metric_family.h"

namespace fusebox {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// `help` says the unit, and how the values of several servers combine.
prometheus::MetricFamily CounterFamily(absl::string_view name, absl::string_view help);
prometheus::MetricFamily GaugeFamily(absl::string_view name, absl::string_view help);
prometheus::MetricFamily HistogramFamily(absl::string_view name, absl::string_view help);

void AddCounter(prometheus::MetricFamily& family, Labels labels, double value);
void AddGauge(prometheus::MetricFamily& family, Labels labels, double value);

// A family of one series without labels.
prometheus::MetricFamily Counter(absl::string_view name, absl::string_view help, double value);
prometheus::MetricFamily Gauge(absl::string_view name, absl::string_view help, double value);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_FAMILY_H_
