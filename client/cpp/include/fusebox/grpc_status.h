#ifndef FUSEBOX_GRPC_STATUS_H_
#define FUSEBOX_GRPC_STATUS_H_

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace fusebox {

// With the details of a rich error (google.rpc.Status) as payloads, and back.
absl::Status FromGrpc(const grpc::Status& status);
grpc::Status ToGrpc(const absl::Status& status);

}  // namespace fusebox

#endif  // FUSEBOX_GRPC_STATUS_H_
