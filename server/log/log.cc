#include "server/log/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace fusebox {
namespace {

spdlog::level::level_enum Level(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return spdlog::level::debug;
    case Severity::kInfo:
      return spdlog::level::info;
    case Severity::kWarning:
      return spdlog::level::warn;
    case Severity::kError:
      break;
  }
  return spdlog::level::err;
}

spdlog::logger& Logger() {
  static const std::shared_ptr<spdlog::logger> logger = [] {
    auto made = spdlog::stderr_logger_mt("fusebox");
    made->set_pattern("ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
    return made;
  }();
  return *logger;
}

// logfmt quotes what is empty or holds a space, a quote, an equals sign or a control character.
std::string Value(const std::string& text) {
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return absl::ascii_isgraph(c) && c != '"' && c != '=';
  });
  return plain ? text : absl::StrCat("\"", absl::Utf8SafeCEscape(text), "\"");
}

}  // namespace

void SetLogSeverity(Severity least) { Logger().set_level(Level(least)); }

void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields) {
  if (!Logger().should_log(Level(severity))) return;
  std::string line = absl::StrCat("event=", event);
  for (const auto& [key, value] : fields) absl::StrAppend(&line, " ", key, "=", Value(value));
  Logger().log(Level(severity), line);
}

}  // namespace fusebox
