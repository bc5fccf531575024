#include "client/cpp/client/refusal.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "google/rpc/error_details.pb.h"
#include "proto/convert/convert.h"

namespace fusebox::internal {
namespace {

void Attach(const google::protobuf::Message& detail, absl::Status& status) {
  const std::string type =
      absl::StrCat("type.googleapis.com/", detail.GetDescriptor()->full_name());
  status.SetPayload(type, absl::Cord(detail.SerializeAsString()));
}

}  // namespace

absl::Status RefusalOf(absl::string_view breaker, Reason reason, absl::Duration retry_after) {
  const std::string& enumerator = v1::Reason_Name(ToProto(reason));
  const absl::string_view name = absl::StripPrefix(enumerator, "REASON_");
  const bool knows_when = retry_after > absl::ZeroDuration();
  std::string message = absl::StrCat("breaker ", breaker, " refuses the call: ", name);
  if (knows_when) absl::StrAppend(&message, " for ", absl::FormatDuration(retry_after));
  absl::Status status = absl::UnavailableError(message);
  google::rpc::ErrorInfo info;
  info.set_domain("fusebox");
  info.set_reason(absl::StrCat("BREAKER_", name));
  (*info.mutable_metadata())["breaker"] = std::string(breaker);
  Attach(info, status);
  if (!knows_when) return status;
  google::rpc::RetryInfo retry;
  *retry.mutable_retry_delay() = ToProto(retry_after);
  Attach(retry, status);
  return status;
}

}  // namespace fusebox::internal
