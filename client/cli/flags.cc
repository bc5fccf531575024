#include "client/cli/flags.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fusebox::cli {
namespace {

constexpr int kLastGrpcCode = 16;

}  // namespace

std::string MomentFault(const std::string& text) {
  absl::Time time;
  std::string error;
  if (DurationFault(text).empty() || absl::ParseTime(absl::RFC3339_full, text, &time, &error)) {
    return "";
  }
  return absl::StrCat(
      "\"", text,
      "\" is no moment; write how long ago, like 15m, or a time with its zone, like "
      "2026-02-03T04:05:06Z");
}

std::string Base64Fault(const std::string& text) {
  std::string decoded;
  if (absl::Base64Unescape(text, &decoded) || absl::WebSafeBase64Unescape(text, &decoded)) {
    return "";
  }
  return absl::StrCat("\"", text,
                      "\" is no base64; give the permit as `fuseboxctl allow` printed it");
}

std::string MakeGrpcCode(std::string& text) {
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

absl::Time ParseMoment(const std::string& text, absl::Time now) {
  absl::Duration ago;
  if (absl::ParseDuration(text, &ago)) return now - ago;
  absl::Time time;
  std::string error;
  absl::ParseTime(absl::RFC3339_full, text, &time, &error);
  return time;
}

Flag AddBreakerName(FlagSet verb, std::string& value) {
  return verb.Add("NAME", value, "The breaker, as in payments.v1.ChargeService/Charge")
      .Required()
      .Metavar("BREAKER");
}

Flag AddGlob(FlagSet verb, std::string& value) {
  return verb.Add("GLOB", value, "Which ones, as in 'payments.v1.*/**' [all]").Metavar("BREAKER");
}

Flag AddMatch(FlagSet verb, std::string& value) {
  return verb.Add("MATCH", value, "A breaker, or a glob, as in 'payments.v1.*/**'")
      .Required()
      .Metavar("BREAKER");
}

Flag AddReason(FlagSet verb, std::string& value) {
  return verb.Add("--reason", value, "Why, for the history").Metavar("TEXT");
}

Flag AddDryRun(FlagSet verb, bool& value) {
  return verb.Add("--dry-run", value, "Only ask the server whether it could be done");
}

Flag AddFile(FlagSet verb, std::string& value) {
  return verb
      .Add("-f,--file", value,
           "YAML with policies: and retry_budgets:, as in the server's file without its "
           "server:; - is stdin")
      .Required()
      .Metavar("FILE");
}

std::string DecodeBase64(const std::string& text) {
  std::string decoded;
  if (!absl::Base64Unescape(text, &decoded)) absl::WebSafeBase64Unescape(text, &decoded);
  return decoded;
}

}  // namespace fusebox::cli
