#include "server/http/percent.h"

#include <cstddef>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_replace.h"

namespace fusebox {

std::string PercentDecoded(absl::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    const absl::string_view digits = text.substr(i + 1, 2);
    const bool is_code = text[i] == '%' && digits.size() == 2 && absl::ascii_isxdigit(digits[0]) &&
                         absl::ascii_isxdigit(digits[1]);
    if (!is_code) {
      decoded.push_back(text[i]);
      continue;
    }
    decoded += absl::HexStringToBytes(digits);
    i += digits.size();
  }
  return decoded;
}

std::string FormDecoded(absl::string_view text) {
  return PercentDecoded(absl::StrReplaceAll(text, {{"+", " "}}));
}

}  // namespace fusebox
