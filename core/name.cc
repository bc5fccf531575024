#include "core/name.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

// One load a character: names are checked on every call.
constexpr std::array<bool, 256> kNameCharacters = [] {
  std::array<bool, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (char c : {'.', '_', '~', '-'}) table[static_cast<unsigned char>(c)] = true;
  return table;
}();

// What keeps it from being a name; empty if nothing does.
std::string Fault(absl::string_view name) {
  if (name.empty()) return "is empty";
  if (name.size() > kMaxNameBytes) return absl::StrCat("is ", name.size(), " bytes long");
  char previous = '/';
  for (const char c : name) {
    if (c == '/') {
      if (previous == '/') return "has an empty segment";
    } else if (!IsNameCharacter(c)) {
      return absl::StrCat("contains ", QuoteForError(absl::string_view(&c, 1)));
    }
    previous = c;
  }
  return previous == '/' ? "ends with a slash" : "";
}

absl::Status NameError(absl::string_view field, absl::string_view name, absl::string_view fault,
                       absl::string_view example) {
  return MakeError(absl::StatusCode::kInvalidArgument, "BREAKER_NAME_INVALID",
                   absl::StrCat(field, " ", QuoteForError(name), " ", fault,
                                "; use segments of [A-Za-z0-9._~-] joined by slashes, at most ",
                                kMaxNameBytes, " bytes, like ", example),
                   field);
}

}  // namespace

bool IsNameCharacter(char c) { return kNameCharacters[static_cast<unsigned char>(c)]; }

absl::Status CheckBreakerName(absl::string_view name) {
  const std::string fault = Fault(name);
  if (fault.empty()) return absl::OkStatus();
  return NameError("breaker", name, fault, "payments.v1.ChargeService/Charge");
}

absl::Status CheckBreakerPrefix(absl::string_view prefix) {
  const std::string fault = prefix.empty() ? "" : Fault(prefix);
  if (fault.empty()) return absl::OkStatus();
  return NameError("prefix", prefix, fault, "payments.v1.ChargeService, or leave it empty for all");
}

absl::Status CheckClientName(absl::string_view client) {
  const bool printable = std::none_of(client.begin(), client.end(),
                                      [](unsigned char c) { return absl::ascii_iscntrl(c); });
  if (client.size() <= kMaxNameBytes && printable) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "CLIENT_NAME_INVALID",
                   absl::StrCat("client ", QuoteForError(client),
                                printable ? absl::StrCat(" is ", client.size(), " bytes long")
                                          : std::string(" contains a control character"),
                                "; use at most ", kMaxNameBytes,
                                " bytes without control characters, or leave it empty"),
                   "client");
}

}  // namespace fusebox
