#include "client/cli/output.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_format.h"
#include "absl/time/time.h"

namespace fusebox::cli {
namespace {

std::string ToJson(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indented;
  // A script that reads `refused` wants 0, not nothing.
  options.always_print_primitive_fields = true;
  std::string json;
  // Cannot fail: that takes an Any of unknown type, and what is printed holds none.
  google::protobuf::util::MessageToJsonString(message, &json, options);
  return json;
}

}  // namespace

void Output::Json(const google::protobuf::Message& message) { stream_ << ToJson(message, true); }

void Output::JsonLine(const google::protobuf::Message& message) { Line(ToJson(message, false)); }

void Output::Print(const Table& table) { table.Write(stream_, colour_); }

void Output::Line(absl::string_view line) { stream_ << line << "\n" << std::flush; }

bool UseColour() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

std::string DurationText(const google::protobuf::Duration& duration) {
  const absl::Duration exact =
      absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
  const absl::Duration size = absl::AbsDuration(exact);
  absl::Duration unit = absl::Microseconds(1);
  if (size >= absl::Milliseconds(10)) unit = absl::Milliseconds(1);
  if (size >= absl::Seconds(1)) unit = absl::Milliseconds(100);
  if (size >= absl::Minutes(1)) unit = absl::Seconds(1);
  return absl::FormatDuration(absl::Trunc(exact, unit));
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  google::protobuf::Timestamp whole = time;
  whole.set_nanos(0);
  return google::protobuf::util::TimeUtil::ToString(whole);
}

std::string PercentText(double share) { return absl::StrFormat("%.1f%%", share * 100); }

}  // namespace fusebox::cli
