#ifndef FUSEBOX_CLIENT_CPP_PIPELINE_RETRY_AFTER_H_
#define FUSEBOX_CLIENT_CPP_PIPELINE_RETRY_AFTER_H_

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace fusebox::internal {

// For how long whoever answered with this asks to stay away, by its google.rpc.RetryInfo; 0 where
// it asks for nothing.
absl::Duration RetryAfterOf(const absl::Status& status);

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_PIPELINE_RETRY_AFTER_H_
