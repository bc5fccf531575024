// Reads recorded calls, one at a time, from a CSV file with a header.
//
//   time,client,outcome,latency
//   0.000,checkout-1,SUCCESS,0.021
//   0.040,checkout-2,503,1.5s
//
//   column       required  value
//   time         yes       when the call began, in seconds: 0 to 4,000,000,000, in ascending order;
//                          from any start, so those since 1970 will do
//   client       yes       who called; may be empty
//   outcome      yes       one of the API's in any case (SUCCESS, rate-limited), or a code: gRPC's
//                          by name or number (UNAVAILABLE, 14), HTTP's by number (503)
//   latency      yes       how long the call took, up to 24h: a bare number is seconds (0.02), else
//                          with a unit (20ms); empty: it ended at once and is never slow
//   attempt      no        1 for the first, 2 and more for retries; empty: 1
//   retry_after  no        what the dependency asked for, written as a latency; empty: nothing
//   breaker      no        which breaker was asked; see TraceReader
//
// Columns come in any order, and others are ignored. Values have no quotes around them and no
// commas in them. Empty lines and spaces around values do not matter.
#ifndef FUSEBOX_CLIENT_CLI_TRACE_H_
#define FUSEBOX_CLIENT_CLI_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <istream>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/classification.h"
#include "core/tick.h"

namespace fusebox::cli {

// The longest line, in bytes.
inline constexpr size_t kMaxTraceLine = 64 << 10;

// One call as it was recorded. The views are into the reader's line.
struct TracedCall {
  Tick time;  // Its origin is the trace's.
  absl::string_view client = {};
  Result result = {};
  std::optional<absl::Duration> latency = {};
  uint32_t attempt = 1;
  std::optional<absl::Duration> retry_after = {};
  absl::string_view breaker = {};
};

// Holds one line at a time, however long the trace is. Not thread-safe.
//
//   TraceReader trace(std::cin, "stdin", /*one_breaker=*/true);
//   absl::StatusOr<std::optional<TracedCall>> call = trace.Next();
class TraceReader {
 public:
  // `in` must outlive this; `file` is what errors call it. With `one_breaker` a value in the column
  // breaker that differs from the first call's is an error.
  TraceReader(std::istream& in, std::string file, bool one_breaker);

  // The next call, whose views hold until this is called again; nothing at the end. The error is
  // INVALID_ARGUMENT and names file, line, column, value and remedy; no call comes after it: each
  // later call of this returns the same error.
  absl::StatusOr<std::optional<TracedCall>> Next();

 private:
  // As Next(), but does not know of an error before.
  absl::StatusOr<std::optional<TracedCall>> ReadCall();
  // False at the end.
  absl::StatusOr<bool> ReadLine();
  absl::Status ReadHeader();
  absl::Status NameColumns();
  absl::Status Split();
  // What is wrong with a call among the others.
  absl::Status CheckOrder(const TracedCall& call);
  absl::Status CheckBreaker(const TracedCall& call);

  absl::Status Complaint(absl::string_view what) const;

  std::istream& in_;
  const std::string file_;
  const bool one_breaker_;
  std::vector<char> buffer_;
  int64_t line_number_ = 0;
  absl::string_view line_;
  std::vector<absl::string_view> values_;       // Of this line.
  std::vector<std::optional<size_t>> columns_;  // By place: which of those above, in that order.
  size_t time_column_ = 0;                      // Which of the values is the time.
  std::optional<Tick> latest_;
  std::string latest_text_;  // As the trace has it.
  std::optional<std::string> breaker_;
  absl::Status failure_;  // The first error.
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_TRACE_H_
