// Where the data goes, and how values are written for people.
//
//   Output out(std::cout, Format::kTable, UseColour());
//   if (out.json()) {
//     out.Json(response);
//   } else {
//     out.Print(table);
//   }
#ifndef FUSEBOX_CLIENT_CLI_OUTPUT_H_
#define FUSEBOX_CLIENT_CLI_OUTPUT_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>
#include <google/protobuf/timestamp.pb.h>

#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "client/cli/table.h"

namespace fusebox::cli {

enum class Format { kTable, kJson };

// stdout, in the format that was asked for. Not thread-safe.
class Output {
 public:
  // `stream` must outlive this.
  Output(std::ostream& stream, Format format, bool colour)
      : stream_(stream), format_(format), colour_(colour) {}

  bool json() const { return format_ == Format::kJson; }
  bool colour() const { return colour_; }

  // Whether everything so far could be written.
  bool ok() const { return stream_.good(); }

  // Writes a message in protobuf's JSON mapping, zeros included, as one indented document.
  void Json(const google::protobuf::Message& message);

  // The same on one line, flushed, for streams.
  void JsonLine(const google::protobuf::Message& message);

  // Writes a table.
  void Print(const Table& table);

  // Writes a line and flushes it, for streams.
  void Line(absl::string_view line);

 private:
  std::ostream& stream_;
  const Format format_;
  const bool colour_;
};

// Whether stdout wants colour: it is a terminal, and NO_COLOR is not set.
bool UseColour();

// The largest two units that matter: "1m30s", "29.5s", "30ms", "120us".
std::string DurationText(const google::protobuf::Duration& duration);

// To the second: "2026-02-03T04:05:06Z".
std::string TimeText(const google::protobuf::Timestamp& time);

// "12.5%" for 0.125.
std::string PercentText(double share);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_OUTPUT_H_
