#include "server/gateway/codec.h"

#include <google/protobuf/util/json_util.h>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

constexpr absl::string_view kJson = "application/json", kProtobuf = "application/proto";

absl::Status Invalid(absl::string_view type, absl::string_view why) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BODY_INVALID",
                   absl::StrCat("the body is not a ", type, ": ", why));
}

}  // namespace

absl::StatusOr<Codec> CodecOf(absl::string_view content_type) {
  const absl::string_view essence = content_type.substr(0, content_type.find(';'));
  const std::string type = absl::AsciiStrToLower(absl::StripAsciiWhitespace(essence));
  if (type == kJson) return Codec::kJson;
  if (type == kProtobuf) return Codec::kProtobuf;
  return MakeError(absl::StatusCode::kInvalidArgument, "CONTENT_TYPE_UNKNOWN",
                   absl::StrCat("Content-Type is ", QuoteForError(content_type), "; send ", kJson,
                                " or ", kProtobuf));
}

absl::string_view ContentType(Codec codec) { return codec == Codec::kJson ? kJson : kProtobuf; }

absl::Status CheckEncoding(absl::string_view content_encoding) {
  if (content_encoding.empty() || absl::EqualsIgnoreCase(content_encoding, "identity")) {
    return absl::OkStatus();
  }
  return MakeError(absl::StatusCode::kUnimplemented, "ENCODING_UNKNOWN",
                   absl::StrCat("Content-Encoding is ", QuoteForError(content_encoding),
                                "; send the body as it is, by the encoding \"identity\""));
}

absl::Status Decode(Codec codec, const std::string& body, google::protobuf::Message& message) {
  const std::string& type = message.GetDescriptor()->full_name();
  if (codec == Codec::kProtobuf) {
    if (message.ParseFromString(body)) return absl::OkStatus();
    return Invalid(type, "its bytes are no message of that type");
  }
  if (absl::StripAsciiWhitespace(body).empty()) return absl::OkStatus();
  const auto status = google::protobuf::util::JsonStringToMessage(body, &message);
  if (status.ok()) return absl::OkStatus();
  return Invalid(type, QuoteForError(std::string(status.message())));
}

std::string Encode(Codec codec, const google::protobuf::Message& message) {
  if (codec == Codec::kProtobuf) return message.SerializeAsString();
  std::string json;
  // Cannot fail: there is nothing in our messages that JSON has no form for.
  static_cast<void>(google::protobuf::util::MessageToJsonString(message, &json));
  json += '\n';
  return json;
}

}  // namespace fusebox
