#ifndef FUSEBOX_SERVER_METRICS_BREAKER_METRICS_H_
#define FUSEBOX_SERVER_METRICS_BREAKER_METRICS_H_

#include <vector>

#include "prometheus/metric_family.h"
#include "server/metrics/breaker_series.h"

namespace fusebox {

// What is shown of each breaker that has series of its own, and of the rest as one.
//
//   fusebox_breaker_state{breaker,state}                       0 or 1
//   fusebox_breaker_state_start_timestamp_seconds{breaker}
//   fusebox_breaker_failure_ratio{breaker}                     of the window, if it says something
//   fusebox_breaker_override{breaker,mode}                     1, while there is one
//   fusebox_breaker_bulkhead_..., _rate_limit_...{breaker}     where the policy has one
//   fusebox_breaker_calls_total, _failures_total, _refused_total{breaker}
void AddBreakerFamilies(const BreakerSeries& series,
                        std::vector<prometheus::MetricFamily>& families);

// The same states and counts under the names that many teams have graphs for already.
//
//   circuit_breaker_state{service}              0 closed, 1 open, 2 half-open
//   circuit_breaker_failures_total{service}
//   circuit_breaker_rejections_total{service}
void AddPlainFamilies(const BreakerSeries& series, std::vector<prometheus::MetricFamily>& families);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_BREAKER_METRICS_H_
