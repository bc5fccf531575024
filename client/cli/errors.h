// Says on stderr what went wrong with an RPC, and what to do about it.
//
//   fuseboxctl: INVALID_ARGUMENT: breaker name "a b" has a space at byte 1; use [A-Za-z0-9._~-]
//     reason: BREAKER_NAME_INVALID
//     field: breaker
#ifndef FUSEBOX_CLIENT_CLI_ERRORS_H_
#define FUSEBOX_CLIENT_CLI_ERRORS_H_

#include <grpcpp/grpcpp.h>

#include <functional>
#include <string>

#include "client/cli/channel.h"
#include "client/cli/talk.h"

namespace fusebox::cli {

// Whether the RPC failed because no connection came to stand, and all others will.
bool IsConnectFailure(const Connection& server, const grpc::Status& status);

// What an error is about, where the request does not say it by itself.
struct About {
  // What the first line begins with: "fusebox.yaml:3: policy/payments: ".
  std::string what;
  // Where a field of the request was written: "fusebox.yaml:7"; empty if nowhere.
  std::function<std::string(const std::string& field)> locate;
};

// Prints the status with the details of google.rpc.Status that it carries (ErrorInfo, BadRequest,
// RetryInfo); for a connect failure, what to start or to set; for credentials that cannot be used,
// what is wrong with them. Returns the exit code, which is 64 plus the status code, and for bad
// credentials that of a wrong command line.
int ReportRpcError(Talk& err, const Connection& server, const grpc::Status& status,
                   const About& about = {});

// The stable reason that the status carries ("ETAG_STALE"); empty without one.
std::string ReasonOf(const grpc::Status& status);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_ERRORS_H_
