// How the parts of a policy stand that bound a breaker's calls besides the breaker itself.
#ifndef FUSEBOX_CLIENT_CLI_PARTS_TEXT_H_
#define FUSEBOX_CLIENT_CLI_PARTS_TEXT_H_

#include "client/cli/table.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {

// A row for each part that is on: "Bulkhead  3 of 4 places taken, 12 calls wait". Red where nothing
// is left.
void AddParts(const v1::Breaker& breaker, Table& table);

// A row for each kind of retry of which something is known: "TIMEOUT, attempt 2   83% succeed".
void AddRetryEstimates(const v1::Breaker& breaker, Table& table);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_PARTS_TEXT_H_
