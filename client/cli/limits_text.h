// How near a breaker is to what its policy says.
#ifndef FUSEBOX_CLIENT_CLI_LIMITS_TEXT_H_
#define FUSEBOX_CLIENT_CLI_LIMITS_TEXT_H_

#include <string>

#include "client/cli/table.h"
#include "core/policy.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {

// What the rates are measured over: "of the last 10s", "of the last 100 calls".
std::string WindowName(const CircuitBreakerPolicy& policy);

// The failure rate against its threshold, "60.0% / 50.0%"; "-" for what is not there. Red from the
// threshold on, yellow from half of it.
Cell FailureRateCell(const v1::Breaker& breaker, const CircuitBreakerPolicy& policy);

// A row for each rule: its name, its value now and where it trips.
void AddLimits(const v1::Breaker& breaker, const CircuitBreakerPolicy& policy, Table& table);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_LIMITS_TEXT_H_
