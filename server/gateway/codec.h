#ifndef FUSEBOX_SERVER_GATEWAY_CODEC_H_
#define FUSEBOX_SERVER_GATEWAY_CODEC_H_

#include <google/protobuf/message.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace fusebox {

// How the message of an HTTP body is written.
enum class Codec { kJson, kProtobuf };

// By a "Content-Type", whose parameters do not matter. INVALID_ARGUMENT (reason
// CONTENT_TYPE_UNKNOWN) for any other.
absl::StatusOr<Codec> CodecOf(absl::string_view content_type);
absl::string_view ContentType(Codec codec);

// By a "Content-Encoding". UNIMPLEMENTED (reason ENCODING_UNKNOWN) for all but none and "identity".
absl::Status CheckEncoding(absl::string_view content_encoding);

// INVALID_ARGUMENT (reason BODY_INVALID): it is no such message. In JSON a field that is unknown is
// an error, and an empty body is an empty message.
absl::Status Decode(Codec codec, const std::string& body, google::protobuf::Message& message);
std::string Encode(Codec codec, const google::protobuf::Message& message);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_GATEWAY_CODEC_H_
