// What happened to a breaker, as people read it.
#ifndef FUSEBOX_CLIENT_CLI_TRANSITION_TEXT_H_
#define FUSEBOX_CLIENT_CLI_TRANSITION_TEXT_H_

#include <string>

#include "client/cli/table.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {

// "CLOSED -> OPEN"; of an override "FORCED_OPEN" or "FORCED_OPEN ended".
std::string ChangeText(const v1::Transition& transition);

// Why, in words: "12 of 20 calls failed (60.0%)", "ann reset it: the database is back".
std::string WhyText(const v1::Transition& transition);

// What a drill showed: a row for its length and its calls, and one for each client.
Table DrillTable(const v1::DrillReport& report);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_TRANSITION_TEXT_H_
