#include <string>
#include <utility>

#include "client/cpp/prometheus/families.h"
#include "fusebox/prometheus.h"

namespace fusebox {
namespace internal {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily Gauge(std::string name, std::string help, double value) {
  MetricFamily family{std::move(name), std::move(help), MetricType::Gauge, {}};
  family.metric.emplace_back();
  family.metric.back().gauge.value = value;
  return family;
}

void AddSource(std::string source, uint64_t decisions, MetricFamily& family) {
  prometheus::ClientMetric metric;
  metric.label = {{"source", std::move(source)}};
  metric.counter.value = static_cast<double>(decisions);
  family.metric.push_back(std::move(metric));
}

}  // namespace

std::vector<MetricFamily> FamiliesOf(const ClientStats& stats) {
  MetricFamily decisions{"fusebox_client_decisions_total",
                         "Decisions about calls, by what decided. Adds up over clients.",
                         MetricType::Counter,
                         {}};
  AddSource("pushed", stats.decisions.pushed, decisions);
  AddSource("lent", stats.decisions.lent, decisions);
  AddSource("unary", stats.decisions.unary, decisions);
  AddSource("local", stats.decisions.local, decisions);
  AddSource("allowed_blindly", stats.decisions.allowed_blindly, decisions);
  AddSource("denied_blindly", stats.decisions.denied_blindly, decisions);
  return {Gauge("fusebox_client_connected", "1 while a server is at the other end.",
                stats.connected ? 1 : 0),
          Gauge("fusebox_client_state_age_seconds",
                "Since when the server has said nothing; +Inf if it never has.",
                absl::ToDoubleSeconds(stats.state_age)),
          Gauge("fusebox_client_breakers", "Breakers that the client has.",
                static_cast<double>(stats.breakers)),
          Gauge("fusebox_client_refused_breakers",
                "Breakers that the server would not take, which the client decides alone.",
                static_cast<double>(stats.refused_breakers)),
          Gauge("fusebox_client_unacknowledged_rows",
                "Rows of reports that the server has not confirmed.",
                static_cast<double>(stats.unacknowledged_rows)),
          std::move(decisions)};
}

}  // namespace internal

std::vector<prometheus::MetricFamily> ClientCollector::Collect() const {
  return internal::FamiliesOf(client_.stats());
}

}  // namespace fusebox
