#ifndef FUSEBOX_SERVER_LOG_LOG_LINE_H_
#define FUSEBOX_SERVER_LOG_LOG_LINE_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <variant>

#include "absl/strings/string_view.h"

namespace fusebox {

// What a log line says besides its time and its level.
struct LogField {
  absl::string_view key;
  std::variant<std::string, uint64_t, bool> value;
};

// `event=transition breaker=db/orders to=OPEN calls=20`: a text that is empty or holds a space, a
// quote, an equals sign or what is not ASCII's to show is quoted, and escaped as in C.
std::string LogfmtLine(absl::string_view event, std::initializer_list<LogField> fields);

// `"event":"transition","breaker":"db/orders","to":"OPEN","calls":20`: members of an object. What
// is not UTF-8 in a text is replaced by U+FFFD. A number beyond 2^53 is a text, as in protobuf's
// JSON: many readers would round it.
std::string JsonLine(absl::string_view event, std::initializer_list<LogField> fields);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_LOG_LOG_LINE_H_
