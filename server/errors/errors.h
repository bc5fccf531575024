#ifndef FUSEBOX_SERVER_ERRORS_ERRORS_H_
#define FUSEBOX_SERVER_ERRORS_ERRORS_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace fusebox {

// An error as clients see it: code and message, ErrorInfo with the stable reason and the domain
// "fusebox", BadRequest where a field is at fault, RetryInfo where trying again may help.
google::rpc::Status ToRpcStatus(const absl::Status& status);

// The same for one of many items in an answer, shorter: BadRequest does not repeat the message, and
// that is cut where it would make the error longer than 410 bytes. So 10,000 of them fit into the
// 4 MiB that clients receive by default.
google::rpc::Status ToItemStatus(const absl::Status& status);

// The same, as the end of a call.
grpc::Status ToGrpcStatus(const absl::Status& status);

// For who watches a server that is about to stop: UNAVAILABLE with reason DRAINING.
absl::Status DrainingError();

// Ends a unary call.
grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context, const absl::Status& status);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ERRORS_ERRORS_H_
