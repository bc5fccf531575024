// Says on stderr what went wrong with an RPC, and what to do about it.
//
//   fuseboxctl: INVALID_ARGUMENT: breaker name "a b" has a space at byte 1; use [A-Za-z0-9._~-]
//     reason: BREAKER_NAME_INVALID
//     field: breaker
#ifndef FUSEBOX_CLIENT_CLI_ERRORS_H_
#define FUSEBOX_CLIENT_CLI_ERRORS_H_

#include <grpcpp/grpcpp.h>

#include <ostream>

#include "client/cli/channel.h"

namespace fusebox::cli {

// Whether the RPC failed because no connection came to stand.
bool IsConnectFailure(const Connection& server, const grpc::Status& status);

// Prints the status with the details of google.rpc.Status that it carries (ErrorInfo, BadRequest,
// RetryInfo); for a connect failure, what to start or to set. Returns the exit code, which is 64
// plus the status code.
int ReportRpcError(std::ostream& err, const Connection& server, const grpc::Status& status);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_ERRORS_H_
