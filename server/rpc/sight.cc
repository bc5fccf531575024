#include "server/rpc/sight.h"

#include "core/error.h"

namespace fusebox {

absl::Status Sight::CheckCurrent() const {
  if (authorizer_->IsCurrent(caller_)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kAborted, "GRANTS_CHANGED",
                   "what this caller is known by or may do has changed; watch anew, without a "
                   "resume token");
}

}  // namespace fusebox
