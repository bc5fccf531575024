#include "client/cpp/grpc/retry_metadata.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/numbers.h"
#include "absl/strings/string_view.h"

namespace fusebox::internal {
namespace {

using Metadata = std::multimap<grpc::string_ref, grpc::string_ref>;

absl::Duration Find(const Metadata& metadata, const char* key, absl::Duration unit) {
  const auto found = metadata.find(key);
  int64_t number = 0;
  const bool is_number =
      found != metadata.end() &&
      absl::SimpleAtoi(absl::string_view(found->second.data(), found->second.size()), &number);
  return is_number && number > 0 ? number * unit : absl::ZeroDuration();
}

}  // namespace

absl::Duration RetryAfterIn(const Metadata& metadata) {
  return std::max(Find(metadata, "grpc-retry-pushback-ms", absl::Milliseconds(1)),
                  Find(metadata, "retry-after", absl::Seconds(1)));
}

}  // namespace fusebox::internal
