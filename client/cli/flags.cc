#include "client/cli/flags.h"

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

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

CLI::Validator MomentCheck() { return CLI::Validator(MomentFault, ""); }

absl::Time ParseMoment(const std::string& text, absl::Time now) {
  absl::Duration ago;
  if (absl::ParseDuration(text, &ago)) return now - ago;
  absl::Time time;
  std::string error;
  absl::ParseTime(absl::RFC3339_full, text, &time, &error);
  return time;
}

CLI::Validator OneOf(const std::vector<std::string>& names) {
  return CLI::IsMember(names, [](const std::string& text) {
    return absl::AsciiStrToUpper(absl::StrReplaceAll(text, {{"-", "_"}}));
  });
}

CLI::Validator Base64Check() { return CLI::Validator(Base64Fault, ""); }

CLI::Validator GrpcCodeToNumber() { return CLI::Validator(ReplaceGrpcCode, ""); }

CLI::Option* AddBreakerName(CLI::App& verb, std::string& value) {
  return verb.add_option("NAME", value, "The breaker, as in payments.v1.ChargeService/Charge")
      ->required()
      ->type_name("BREAKER");
}

CLI::Option* AddGlob(CLI::App& verb, std::string& value) {
  return verb.add_option("GLOB", value, "Which ones, as in 'payments.v1.*/**' [all]")
      ->type_name("BREAKER");
}

CLI::Option* AddMatch(CLI::App& verb, std::string& value) {
  return verb.add_option("MATCH", value, "A breaker, or a glob, as in 'payments.v1.*/**'")
      ->required()
      ->type_name("BREAKER");
}

CLI::Option* AddReason(CLI::App& verb, std::string& value) {
  return verb.add_option("--reason", value, "Why, for the history")->type_name("TEXT");
}

CLI::Option* AddDryRun(CLI::App& verb, bool& value) {
  return verb.add_flag("--dry-run", value, "Only ask the server whether it could be done");
}

CLI::Option* AddFile(CLI::App& verb, std::string& value) {
  return verb
      .add_option("-f,--file", value,
                  "YAML with policies: and retry_budgets:, as in the server's file without its "
                  "server:; - is stdin")
      ->required()
      ->type_name("FILE");
}

std::string DecodeBase64(const std::string& text) {
  std::string decoded;
  if (!absl::Base64Unescape(text, &decoded)) absl::WebSafeBase64Unescape(text, &decoded);
  return decoded;
}

}  // namespace fusebox::cli
