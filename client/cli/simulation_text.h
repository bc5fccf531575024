// What a policy would have made of a trace, as a message and for people.
#ifndef FUSEBOX_CLIENT_CLI_SIMULATION_TEXT_H_
#define FUSEBOX_CLIENT_CLI_SIMULATION_TEXT_H_

#include "client/cli/candidate.h"
#include "client/cli/documents.pb.h"
#include "client/cli/simulation.h"
#include "client/cli/table.h"

namespace fusebox::cli {

// Adds what came of one policy.
void AddTrial(const Candidate& candidate, const SimulationResult& result, SimulationReport& report);

// A column for each policy: first a row for each number, then one for each moment in which the
// breaker of one of them would have changed its state.
Table SimulationTable(const SimulationReport& report);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_SIMULATION_TEXT_H_
