// Breakers and overrides as people read them, shared by the verbs that show them.
#ifndef FUSEBOX_CLIENT_CLI_BREAKER_TEXT_H_
#define FUSEBOX_CLIENT_CLI_BREAKER_TEXT_H_

#include <google/protobuf/repeated_ptr_field.h>

#include <optional>
#include <string>

#include "absl/time/time.h"
#include "client/cli/output.h"
#include "client/cli/table.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {

// OPEN in red, HALF_OPEN in yellow, CLOSED in green.
Cell StateCell(v1::State state);

// UNHEALTHY in red, DEGRADED in yellow, HEALTHY in green.
Cell HealthCell(v1::Health health);

// "FORCED_OPEN by ann: drill, 4m30s left"; "-" if nothing is imposed.
std::string OverrideText(const v1::Breaker& breaker);

// What is left of the wait, "-" unless open.
std::string RetryAfterText(const v1::Breaker& breaker);

// "20 calls, 12 failed (60.0%), 0 slow (0.0%)".
std::string WindowText(const v1::Window& window);

// "340 calls, 320 successes, ...".
std::string TotalsText(const v1::Totals& totals);

// For how long it has been in its state; nothing if it never changed. `now` is the wall clock's;
// that of an open breaker is not needed, as the server says what is left of the wait.
std::optional<absl::Duration> TimeInState(const v1::Breaker& breaker, absl::Time now);

// All there is to know about one breaker, a row each. What would say nothing is left out.
Table BreakerTable(const v1::Breaker& breaker);

// How many breakers feel together, and then those that are unwell, a row each.
Table HealthTable(const v1::GetHealthResponse& health);

Table OverridesTable(const google::protobuf::RepeatedPtrField<v1::Override>& overrides, bool wide);

// `response`, which holds the override. Both must outlive it.
Document OverrideDocument(const google::protobuf::Message& response, const v1::Override& override);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_BREAKER_TEXT_H_
