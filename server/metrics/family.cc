#include "server/metrics/family.h"

#include <utility>

#include "prometheus/metric_type.h"

namespace fusebox {
namespace {

prometheus::MetricFamily Family(absl::string_view name, absl::string_view help,
                                prometheus::MetricType type) {
  prometheus::MetricFamily family;
  family.name = std::string(name);
  family.help = std::string(help);
  family.type = type;
  return family;
}

prometheus::ClientMetric& Add(prometheus::MetricFamily& family, Labels labels) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  return metric;
}

}  // namespace

prometheus::MetricFamily CounterFamily(absl::string_view name, absl::string_view help) {
  return Family(name, help, prometheus::MetricType::Counter);
}

prometheus::MetricFamily GaugeFamily(absl::string_view name, absl::string_view help) {
  return Family(name, help, prometheus::MetricType::Gauge);
}

prometheus::MetricFamily HistogramFamily(absl::string_view name, absl::string_view help) {
  return Family(name, help, prometheus::MetricType::Histogram);
}

void AddCounter(prometheus::MetricFamily& family, Labels labels, double value) {
  Add(family, std::move(labels)).counter.value = value;
}

void AddGauge(prometheus::MetricFamily& family, Labels labels, double value) {
  Add(family, std::move(labels)).gauge.value = value;
}

prometheus::MetricFamily Counter(absl::string_view name, absl::string_view help, double value) {
  prometheus::MetricFamily family = CounterFamily(name, help);
  AddCounter(family, {}, value);
  return family;
}

prometheus::MetricFamily Gauge(absl::string_view name, absl::string_view help, double value) {
  prometheus::MetricFamily family = GaugeFamily(name, help);
  AddGauge(family, {}, value);
  return family;
}

}  // namespace fusebox
