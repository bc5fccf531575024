#include "client/cli/output.h"

#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/time_util.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/convert/convert.h"
#include "proto/yaml/yaml.h"

namespace fusebox::cli {
namespace {

absl::StatusOr<std::string> ToJson(const google::protobuf::Message& message, bool indented) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = indented;
  // A script that reads `refused` wants 0, not nothing.
  options.always_print_primitive_fields = true;
  std::string json;
  const auto status = google::protobuf::util::MessageToJsonString(message, &json, options);
  if (status.ok()) return json;
  const absl::string_view cause(status.message().data(), status.message().size());
  return absl::InvalidArgumentError(absl::StrCat("the answer cannot be written as JSON: ", cause,
                                                 "; -o table or -o yaml may show it"));
}

}  // namespace

void Output::Print(const Document& document) {
  switch (format_) {
    case Format::kJson:
      Json(document.message, /*indented=*/true, "");
      return;
    case Format::kYaml:
      stream_ << WriteYaml(document.message);
      return;
    case Format::kName:
      if (!document.names.has_value()) break;
      for (const std::string& name : *document.names) stream_ << Printable(name) << "\n";
      return;
    case Format::kTable:
    case Format::kWide:
      break;
  }
  document.table(format_ == Format::kWide).Write(stream_, colour());
}

bool Output::Print(const Step& step) {
  switch (format_) {
    case Format::kJson:
      Json(step.message, /*indented=*/false, "\n");
      return true;
    case Format::kYaml:
      stream_ << "---\n" << WriteYaml(step.message) << std::flush;
      return true;
    case Format::kName:
      if (!step.name.empty()) Line({step.name});
      return !step.name.empty();
    case Format::kTable:
    case Format::kWide:
      if (!step.line.empty()) Line(step.line);
      return !step.line.empty();
  }
  return false;
}

void Output::Json(const google::protobuf::Message& message, bool indented, absl::string_view end) {
  const absl::StatusOr<std::string> json = ToJson(message, indented);
  if (json.ok()) {
    stream_ << *json << end << std::flush;
  } else {
    fault_.Update(json.status());
  }
}

void Output::Line(const std::vector<Cell>& cells) {
  for (const Cell& cell : cells) stream_ << Painted(cell, colour());
  stream_ << "\n" << std::flush;
}

bool UseColour() {
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_color == nullptr || *no_color == '\0');
}

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

void SetTime(absl::Time from, google::protobuf::Timestamp* to) {
  to->set_seconds(absl::ToUnixSeconds(from));
  const absl::Duration rest = from - absl::FromUnixSeconds(to->seconds());
  to->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(rest)));
}

std::string DurationText(absl::Duration duration) {
  const absl::Duration size = absl::AbsDuration(duration);
  absl::Duration unit = absl::Microseconds(1);
  if (size >= absl::Milliseconds(10)) unit = absl::Milliseconds(1);
  if (size >= absl::Seconds(1)) unit = absl::Milliseconds(100);
  if (size >= absl::Minutes(1)) unit = absl::Seconds(1);
  if (size >= absl::Hours(1)) unit = absl::Minutes(1);
  const absl::Duration shown = absl::Trunc(duration, unit);
  return shown == absl::ZeroDuration() ? "0s" : absl::FormatDuration(shown);
}

std::string DurationText(const google::protobuf::Duration& duration) {
  return DurationText(FromProto(duration));
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  google::protobuf::Timestamp whole = time;
  whole.set_nanos(0);
  return google::protobuf::util::TimeUtil::ToString(whole);
}

std::string PercentText(double share) { return absl::StrFormat("%.1f%%", share * 100); }

}  // namespace fusebox::cli
