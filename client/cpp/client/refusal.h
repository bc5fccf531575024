#ifndef FUSEBOX_CLIENT_CPP_CLIENT_REFUSAL_H_
#define FUSEBOX_CLIENT_CPP_CLIENT_REFUSAL_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/reason.h"

namespace fusebox::internal {

// UNAVAILABLE with ErrorInfo and, where `retry_after` is known (not 0), RetryInfo, as payloads of
// the types that gRPC's rich errors have.
absl::Status RefusalOf(absl::string_view breaker, Reason reason, absl::Duration retry_after);

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_CLIENT_REFUSAL_H_
