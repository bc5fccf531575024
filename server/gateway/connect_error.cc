#include "server/gateway/connect_error.h"

#include <google/protobuf/util/json_util.h>

#include <iterator>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "google/rpc/status.pb.h"
#include "server/errors/errors.h"
#include "server/gateway/codec.h"
#include "server/gateway/error_body.pb.h"

namespace fusebox {
namespace {

using http::v1::ErrorBody;

struct ConnectCode {
  const char* name;
  int http_status;
};

// By gRPC's numbers, as Connect's protocol has them.
constexpr ConnectCode kCodes[] = {
    {"", 200},
    {"canceled", 499},
    {"unknown", 500},
    {"invalid_argument", 400},
    {"deadline_exceeded", 504},
    {"not_found", 404},
    {"already_exists", 409},
    {"permission_denied", 403},
    {"resource_exhausted", 429},
    {"failed_precondition", 400},
    {"aborted", 409},
    {"out_of_range", 400},
    {"unimplemented", 501},
    {"internal", 500},
    {"unavailable", 503},
    {"data_loss", 500},
    {"unauthenticated", 401},
};

const ConnectCode& CodeOf(grpc::StatusCode code) {
  const auto number = static_cast<size_t>(code);
  return number < std::size(kCodes) ? kCodes[number] : kCodes[grpc::StatusCode::UNKNOWN];
}

// What a detail says, for people; nothing, if this program does not know its type.
void AddDebug(const google::protobuf::Any& detail, ErrorBody::Detail& shown) {
  std::string json;
  if (!google::protobuf::util::MessageToJsonString(detail, &json).ok()) return;
  google::protobuf::Struct fields;
  if (!google::protobuf::util::JsonStringToMessage(json, &fields).ok()) return;
  fields.mutable_fields()->erase("@type");
  *shown.mutable_debug() = std::move(fields);
}

void AddDetail(const google::protobuf::Any& detail, ErrorBody& body) {
  ErrorBody::Detail& shown = *body.add_details();
  absl::string_view type = detail.type_url();
  absl::ConsumePrefix(&type, "type.googleapis.com/");
  shown.set_type(std::string(type));
  std::string bytes = absl::Base64Escape(detail.value());
  bytes.erase(bytes.find_last_not_of('=') + 1);
  shown.set_value(bytes);
  AddDebug(detail, shown);
}

}  // namespace

HttpResponse ConnectError(const grpc::Status& status) {
  const ConnectCode& code = CodeOf(status.error_code());
  ErrorBody body;
  body.set_code(code.name);
  body.set_message(status.error_message());
  google::rpc::Status full;
  if (full.ParseFromString(status.error_details())) {
    for (const google::protobuf::Any& detail : full.details()) AddDetail(detail, body);
  }
  HttpResponse response{.status = code.http_status,
                        .content_type = std::string(ContentType(Codec::kJson)),
                        .body = Encode(Codec::kJson, body)};
  if (code.http_status == 401) {
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"fusebox\"");
  }
  return response;
}

HttpResponse ConnectError(const absl::Status& status) { return ConnectError(ToGrpcStatus(status)); }

}  // namespace fusebox
