#ifndef FUSEBOX_CLIENT_CPP_PROMETHEUS_FAMILIES_H_
#define FUSEBOX_CLIENT_CPP_PROMETHEUS_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "fusebox/client.h"

namespace fusebox::internal {

// As ClientCollector shows them.
std::vector<prometheus::MetricFamily> FamiliesOf(const ClientStats& stats);

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_PROMETHEUS_FAMILIES_H_
