// Where the data goes, and how values are written for people.
//
//   Output out(std::cout, Format::kTable, UseColour());
//   out.Print({response, [&](bool wide) { return ListTable(response, wide); }, Names(response)});
#ifndef FUSEBOX_CLIENT_CLI_OUTPUT_H_
#define FUSEBOX_CLIENT_CLI_OUTPUT_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/table.h"

namespace fusebox::cli {

enum class Format { kTable, kWide, kJson, kYaml, kName };

// One answer, in every form that it can be printed in. Its parts must outlive the printing.
struct Document {
  // For json and yaml.
  const google::protobuf::Message& message;
  // For table; with `wide` also what is rarely needed.
  std::function<Table(bool wide)> table;
  // For name, a line each. Without them what was asked for has no name, and the table is printed.
  std::optional<std::vector<std::string>> names = std::nullopt;
};

// One step of a stream, in every form that it can be printed in.
struct Step {
  const google::protobuf::Message& message;
  // For table and wide: a line, the cells of which stand side by side, or empty for none.
  std::vector<Cell> line;
  // For name: a line, or empty for none.
  std::string name;
};

// stdout, in the format that was asked for. Not thread-safe.
class Output {
 public:
  // `stream` must outlive this.
  Output(std::ostream& stream, Format format, bool colour)
      : stream_(stream), format_(format), colour_(colour) {}

  // Whether people read it, and not programs.
  bool for_people() const { return format_ == Format::kTable || format_ == Format::kWide; }
  bool colour() const { return colour_ && for_people(); }

  // Whether everything so far could be written.
  bool ok() const { return stream_.good() && fault_.ok(); }

  // Why an answer could not be put into the format: a server may send times that no JSON can hold.
  const absl::Status& fault() const { return fault_; }

  // Writes one document: JSON in protobuf's mapping, zeros included; YAML as the server's file is
  // written, without what is not set.
  void Print(const Document& document);

  // Writes one step of a stream and flushes it: JSON on one line, YAML after a line with ---.
  // Returns whether there was anything to write.
  bool Print(const Step& step);

  // Writes a line, made printable, and flushes it.
  void Line(const std::vector<Cell>& cells);

  // Writes text of the program's own as it is, whatever the format.
  void Text(absl::string_view text) { stream_ << text; }

 private:
  void Json(const google::protobuf::Message& message, bool indented, absl::string_view end);

  std::ostream& stream_;
  const Format format_;
  const bool colour_;
  absl::Status fault_;
};

// Whether stdout wants colour: it is a terminal, and NO_COLOR is not set.
bool UseColour();

absl::Time ToTime(const google::protobuf::Timestamp& time);
void SetTime(absl::Time from, google::protobuf::Timestamp* to);

// The largest two units that matter: "1m30s", "29.5s", "30ms", "120us".
std::string DurationText(absl::Duration duration);
std::string DurationText(const google::protobuf::Duration& duration);

// To the second: "2026-02-03T04:05:06Z".
std::string TimeText(const google::protobuf::Timestamp& time);

// "12.5%" for 0.125.
std::string PercentText(double share);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_OUTPUT_H_
