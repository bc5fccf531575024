#ifndef FUSEBOX_CLIENT_CPP_GRPC_RETRY_METADATA_H_
#define FUSEBOX_CLIENT_CPP_GRPC_RETRY_METADATA_H_

#include <grpcpp/support/string_ref.h>

#include <map>

#include "absl/time/time.h"

namespace fusebox::internal {

// For how long a server asks to stay away, by the metadata at the end of a call: the longer one of
// `grpc-retry-pushback-ms` and `retry-after`. 0 where it asks for nothing that can be understood.
absl::Duration RetryAfterIn(const std::multimap<grpc::string_ref, grpc::string_ref>& metadata);

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_GRPC_RETRY_METADATA_H_
