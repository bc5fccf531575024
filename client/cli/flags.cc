#include "client/cli/flags.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fusebox::cli {
namespace {

constexpr int kLastGrpcCode = 16;

std::string DurationFault(const std::string& text) {
  absl::Duration parsed;
  if (absl::ParseDuration(text, &parsed) && parsed >= absl::ZeroDuration() &&
      parsed != absl::InfiniteDuration()) {
    return "";
  }
  return absl::StrCat("\"", text,
                      "\" is no duration; write a number with a unit, like 30ms, 5s or 1h30m");
}

std::string Base64Fault(const std::string& text) {
  std::string decoded;
  if (absl::Base64Unescape(text, &decoded) || absl::WebSafeBase64Unescape(text, &decoded)) {
    return "";
  }
  return absl::StrCat("\"", text,
                      "\" is no base64; give the permit as `fuseboxctl allow` printed it");
}

std::string ReplaceGrpcCode(std::string& text) {
  const std::string name = absl::AsciiStrToUpper(text);
  for (int code = 0; code <= kLastGrpcCode; ++code) {
    const std::string number = absl::StrCat(code);
    if (text == number || name == absl::StatusCodeToString(static_cast<absl::StatusCode>(code))) {
      text = number;
      return "";
    }
  }
  return absl::StrCat("\"", text,
                      "\" is no gRPC status code; give 0 to 16 or a name like UNAVAILABLE");
}

}  // namespace

CLI::Validator DurationCheck() { return CLI::Validator(DurationFault, ""); }

CLI::Validator Base64Check() { return CLI::Validator(Base64Fault, ""); }

CLI::Validator GrpcCodeToNumber() { return CLI::Validator(ReplaceGrpcCode, ""); }

std::string DecodeBase64(const std::string& text) {
  std::string decoded;
  if (!absl::Base64Unescape(text, &decoded)) absl::WebSafeBase64Unescape(text, &decoded);
  return decoded;
}

}  // namespace fusebox::cli
