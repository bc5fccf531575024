#include "server/log/log_line.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fusebox {
namespace {

struct LogfmtValue {
  std::string operator()(const std::string& text) const {
    const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
      return absl::ascii_isgraph(c) && c != '"' && c != '=';
    });
    return plain ? text : absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
  }
  std::string operator()(uint64_t number) const { return absl::StrCat(number); }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
};

struct JsonValue {
  std::string operator()(const std::string& text) const {
    constexpr int kCompact = -1;
    return nlohmann::json(text).dump(kCompact, ' ', /*ensure_ascii=*/false,
                                     nlohmann::json::error_handler_t::replace);
  }
  // Most readers take numbers for doubles, which hold no more than so many.
  std::string operator()(uint64_t number) const {
    constexpr uint64_t kMostExact = uint64_t{1} << 53;
    return number <= kMostExact ? absl::StrCat(number) : absl::StrCat("\"", number, "\"");
  }
  std::string operator()(bool truth) const { return truth ? "true" : "false"; }
};

}  // namespace

std::string LogfmtLine(absl::string_view event, std::initializer_list<LogField> fields) {
  std::string line = absl::StrCat("event=", event);
  for (const auto& [key, value] : fields) {
    absl::StrAppend(&line, " ", key, "=", std::visit(LogfmtValue(), value));
  }
  return line;
}

std::string JsonLine(absl::string_view event, std::initializer_list<LogField> fields) {
  constexpr JsonValue kText;
  std::string line = absl::StrCat("\"event\":", kText(std::string(event)));
  for (const auto& [key, value] : fields) {
    absl::StrAppend(&line, ",", kText(std::string(key)), ":", std::visit(JsonValue(), value));
  }
  return line;
}

}  // namespace fusebox
