// Parts of a breaker as people read them, shared by the verbs that show breakers.
#ifndef FUSEBOX_CLIENT_CLI_BREAKER_TEXT_H_
#define FUSEBOX_CLIENT_CLI_BREAKER_TEXT_H_

#include <string>

#include "client/cli/table.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {

// OPEN in red, HALF_OPEN in yellow, CLOSED in green.
Cell StateCell(v1::State state);

// UNHEALTHY in red, DEGRADED in yellow, HEALTHY in green.
Cell HealthCell(v1::Health health);

// "FORCED_OPEN by ann: drill, 4m30s left"; "-" if nothing is imposed.
std::string OverrideText(const v1::Breaker& breaker);

// "CLOSED -> OPEN, FAILURE_RATE".
std::string TransitionText(const v1::Transition& transition);

// What is left of the wait, "-" unless open.
std::string RetryAfterText(const v1::Breaker& breaker);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_BREAKER_TEXT_H_
