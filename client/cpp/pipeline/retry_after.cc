#include "client/cpp/pipeline/retry_after.h"

#include <algorithm>
#include <string>

#include "google/rpc/error_details.pb.h"

namespace fusebox::internal {

absl::Duration RetryAfterOf(const absl::Status& status) {
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.RetryInfo");
  google::rpc::RetryInfo info;
  if (!payload.has_value() || !info.ParseFromString(std::string(*payload))) {
    return absl::ZeroDuration();
  }
  const absl::Duration asked =
      absl::Seconds(info.retry_delay().seconds()) + absl::Nanoseconds(info.retry_delay().nanos());
  return std::max(asked, absl::ZeroDuration());
}

}  // namespace fusebox::internal
