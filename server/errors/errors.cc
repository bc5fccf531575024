#include "server/errors/errors.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/error.h"
#include "google/rpc/error_details.pb.h"

namespace fusebox {
namespace {

bool MayHelpToRetry(absl::StatusCode code) {
  return code == absl::StatusCode::kResourceExhausted || code == absl::StatusCode::kUnavailable ||
         code == absl::StatusCode::kAborted;
}

google::rpc::Status Compose(const absl::Status& status, bool describes_fields) {
  google::rpc::Status composed;
  composed.set_code(static_cast<int>(status.code()));
  composed.set_message(std::string(status.message()));

  google::rpc::ErrorInfo info;
  info.set_reason(ErrorReason(status));
  info.set_domain("fusebox");
  composed.add_details()->PackFrom(info);

  if (const std::vector<FieldError> fields = ErrorFields(status); !fields.empty()) {
    google::rpc::BadRequest bad;
    for (const FieldError& error : fields) {
      google::rpc::BadRequest::FieldViolation* violation = bad.add_field_violations();
      violation->set_field(error.field);
      if (describes_fields) violation->set_description(error.message);
    }
    composed.add_details()->PackFrom(bad);
  }
  if (MayHelpToRetry(status.code())) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(1);
    composed.add_details()->PackFrom(retry);
  }
  return composed;
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  return Compose(status, /*describes_fields=*/true);
}

google::rpc::Status ToItemStatus(const absl::Status& status) {
  constexpr size_t kMaxBytes = 410;
  constexpr absl::string_view kCut = "...";
  google::rpc::Status composed = Compose(status, /*describes_fields=*/false);
  const size_t bytes = composed.ByteSizeLong();
  if (bytes <= kMaxBytes) return composed;
  std::string& message = *composed.mutable_message();
  message.resize(message.size() - std::min(message.size(), bytes - kMaxBytes + kCut.size()));
  absl::StrAppend(&message, kCut);
  return composed;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status message = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(message.code()), message.message(),
                      message.SerializeAsString());
}

absl::Status DrainingError() {
  return MakeError(absl::StatusCode::kUnavailable, "DRAINING",
                   "the server is about to stop; watch again, and reach another or the next one");
}

grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

}  // namespace fusebox
