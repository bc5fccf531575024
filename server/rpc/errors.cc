#include "server/rpc/errors.h"

#include <string>
#include <vector>

#include "core/error.h"
#include "google/rpc/error_details.pb.h"

namespace fusebox {
namespace {

bool MayHelpToRetry(absl::StatusCode code) {
  return code == absl::StatusCode::kResourceExhausted || code == absl::StatusCode::kUnavailable ||
         code == absl::StatusCode::kAborted;
}

}  // namespace

google::rpc::Status ToRpcStatus(const absl::Status& status) {
  google::rpc::Status message;
  message.set_code(static_cast<int>(status.code()));
  message.set_message(std::string(status.message()));

  google::rpc::ErrorInfo info;
  info.set_reason(ErrorReason(status));
  info.set_domain("fusebox");
  message.add_details()->PackFrom(info);

  if (const std::vector<FieldError> fields = ErrorFields(status); !fields.empty()) {
    google::rpc::BadRequest bad;
    for (const FieldError& error : fields) {
      google::rpc::BadRequest::FieldViolation* violation = bad.add_field_violations();
      violation->set_field(error.field);
      violation->set_description(error.message);
    }
    message.add_details()->PackFrom(bad);
  }
  if (MayHelpToRetry(status.code())) {
    google::rpc::RetryInfo retry;
    retry.mutable_retry_delay()->set_seconds(1);
    message.add_details()->PackFrom(retry);
  }
  return message;
}

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const google::rpc::Status message = ToRpcStatus(status);
  return grpc::Status(static_cast<grpc::StatusCode>(message.code()), message.message(),
                      message.SerializeAsString());
}

grpc::ServerUnaryReactor* Finish(grpc::CallbackServerContext* context, const absl::Status& status) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(ToGrpcStatus(status));
  return reactor;
}

}  // namespace fusebox
