#include "server/metrics/breaker_metrics.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/engine/counters.h"
#include "server/metrics/enum_label.h"
#include "server/metrics/family.h"

namespace fusebox {
namespace {

using prometheus::MetricFamily;
using Families = std::vector<MetricFamily>;
using Own = BreakerSeries::Own;

// One kind of count of every breaker that is shown by name, and of the rest.
MetricFamily Counts(absl::string_view name, absl::string_view help, const char* label,
                    int64_t BreakerCounts::*count, const BreakerSeries& series) {
  MetricFamily family = CounterFamily(name, help);
  for (const auto& [breaker, own] : series.own()) {
    AddCounter(family, {{label, breaker}}, static_cast<double>(own.counts().*count));
  }
  AddCounter(family, {{label, BreakerSeries::kOther}}, static_cast<double>(series.other().*count));
  return family;
}

// One number of every breaker that has one.
template <typename ValueOf>
MetricFamily Gauges(absl::string_view name, absl::string_view help, const BreakerSeries& series,
                    ValueOf value_of) {
  MetricFamily family = GaugeFamily(name, help);
  for (const auto& [breaker, own] : series.own()) {
    const std::optional<double> value = value_of(own);
    if (value.has_value()) AddGauge(family, {{"breaker", breaker}}, *value);
  }
  return family;
}

MetricFamily States(const BreakerSeries& series) {
  MetricFamily family = GaugeFamily(
      "fusebox_breaker_state",
      "1 for the state that the breaker is in, whatever an override imposes on it, and 0 for the "
      "others. Take the maximum over servers.");
  for (size_t i = 0; i < CounterTotals::kStates; ++i) {
    const std::string state = EnumLabel<State>(i);
    for (const auto& [name, own] : series.own()) {
      const bool is_so = static_cast<size_t>(own.gauges().state) == i;
      AddGauge(family, {{"breaker", name}, {"state", state}}, is_so ? 1 : 0);
    }
  }
  return family;
}

MetricFamily Overrides(const BreakerSeries& series) {
  MetricFamily family = GaugeFamily(
      "fusebox_breaker_override",
      "1 while an operator imposes this mode on the breaker; absent without an override. Take the "
      "maximum over servers.");
  for (const auto& [name, own] : series.own()) {
    const std::optional<OverrideMode>& mode = own.gauges().override_mode;
    if (!mode.has_value()) continue;
    AddGauge(family, {{"breaker", name}, {"mode", EnumLabel(*mode)}}, 1);
  }
  return family;
}

void AddConditions(const BreakerSeries& series, Families& families) {
  families.push_back(Gauges(
      "fusebox_breaker_state_start_timestamp_seconds",
      "When the breaker came to be in its state, in seconds since 1970; absent before its first "
      "transition. Take the maximum over servers.",
      series, [](const Own& own) -> std::optional<double> {
        if (!own.since().has_value()) return std::nullopt;
        return absl::ToDoubleSeconds(*own.since() - absl::UnixEpoch());
      }));
  families.push_back(
      Gauges("fusebox_breaker_failure_ratio",
             "Share of calls in the breaker's window that failed, from 0 to 1: what "
             "failure_rate_threshold is compared with. Absent while the window has fewer calls "
             "than minimum_calls. Take the maximum over servers.",
             series, [](const Own& own) { return own.gauges().failure_ratio; }));
}

// A number of what the breaker has only where its policy says so.
template <typename Status, typename Number>
auto NumberOf(std::optional<Status> BreakerGauges::*status, Number Status::*number) {
  return [status, number](const Own& own) -> std::optional<double> {
    const std::optional<Status>& there = own.gauges().*status;
    if (!there.has_value()) return std::nullopt;
    return static_cast<double>((*there).*number);
  };
}

void AddLimits(const BreakerSeries& series, Families& families) {
  families.push_back(Gauges("fusebox_breaker_bulkhead_in_use",
                            "Calls that hold a place in the breaker's bulkhead. Adds up over "
                            "servers.",
                            series, NumberOf(&BreakerGauges::bulkhead, &BulkheadStatus::in_use)));
  families.push_back(Gauges("fusebox_breaker_bulkhead_max",
                            "How many places the breaker's bulkhead has: max_concurrent. Adds up "
                            "over servers.",
                            series,
                            NumberOf(&BreakerGauges::bulkhead, &BulkheadStatus::max_concurrent)));
  families.push_back(Gauges("fusebox_breaker_rate_limit_available",
                            "Calls that the breaker's rate limit would grant at once. Adds up "
                            "over servers.",
                            series,
                            NumberOf(&BreakerGauges::rate_limit, &RateLimitStatus::available)));
  families.push_back(Gauges("fusebox_breaker_waiting_calls",
                            "Calls that wait for the breaker's bulkhead or rate limit; absent "
                            "where it has neither. Adds up over servers.",
                            series, [](const Own& own) -> std::optional<double> {
                              const BreakerGauges& now = own.gauges();
                              if (!now.bulkhead && !now.rate_limit) return std::nullopt;
                              return now.waiting;
                            }));
}

void AddCounts(const BreakerSeries& series, Families& families) {
  families.push_back(Counts("fusebox_breaker_calls_total",
                            "Calls that were allowed, by breaker; \"other\" is all breakers "
                            "without series of their own. Adds up over servers.",
                            "breaker", &BreakerCounts::calls, series));
  families.push_back(Counts("fusebox_breaker_failures_total",
                            "Outcomes that counted as failures, by breaker. Adds up over servers.",
                            "breaker", &BreakerCounts::failures, series));
  families.push_back(Counts("fusebox_breaker_refused_total",
                            "Calls that were refused, by breaker. Adds up over servers.", "breaker",
                            &BreakerCounts::refused, series));
}

double PlainState(State state) {
  switch (state) {
    case State::kClosed:
      return 0;
    case State::kOpen:
      return 1;
    case State::kHalfOpen:
      return 2;
  }
  return 0;
}

}  // namespace

void AddBreakerFamilies(const BreakerSeries& series, Families& families) {
  families.push_back(States(series));
  families.push_back(Overrides(series));
  AddConditions(series, families);
  AddLimits(series, families);
  AddCounts(series, families);
}

void AddPlainFamilies(const BreakerSeries& series, Families& families) {
  MetricFamily states = GaugeFamily("circuit_breaker_state",
                                    "State of the circuit breaker: 0 closed, 1 open, 2 half-open. "
                                    "Take the maximum over servers.");
  for (const auto& [name, own] : series.own()) {
    AddGauge(states, {{"service", name}}, PlainState(own.gauges().state));
  }
  families.push_back(std::move(states));
  families.push_back(Counts("circuit_breaker_failures_total",
                            "Outcomes that counted as failures. Adds up over servers.", "service",
                            &BreakerCounts::failures, series));
  families.push_back(Counts("circuit_breaker_rejections_total",
                            "Calls that were refused. Adds up over servers.", "service",
                            &BreakerCounts::refused, series));
}

}  // namespace fusebox
