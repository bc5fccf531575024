#ifndef FUSEBOX_TESTS_CORE_RETRY_TRACES_TRACE_H_
#define FUSEBOX_TESTS_CORE_RETRY_TRACES_TRACE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "core/outcome.h"

namespace fusebox {

// One call with all of its attempts, also those that nobody would have made after a success: how
// each ended, and when, from the start of the trace.
struct TracedCall {
  struct Attempt {
    Outcome outcome = Outcome::kSuccess;
    absl::Duration ended;
  };
  static constexpr size_t kAttempts = 3;

  std::array<Attempt, kAttempts> attempts;
};

using Trace = std::vector<TracedCall>;

inline Outcome ParseOutcome(absl::string_view text) {
  if (text == "SUCCESS") return Outcome::kSuccess;
  if (text == "FAILURE") return Outcome::kFailure;
  if (text == "TIMEOUT") return Outcome::kTimeout;
  throw std::runtime_error(absl::StrCat("no outcome: ", text));
}

inline absl::Duration ParseMs(absl::string_view text) {
  int64_t ms = 0;
  if (!absl::SimpleAtoi(text, &ms)) throw std::runtime_error(absl::StrCat("no number: ", text));
  return absl::Milliseconds(ms);
}

// A file as record.py writes it: a line of titles, then for each call when it began and, for each
// attempt, its outcome and when it ended, in milliseconds since the call began.
inline Trace ReadTrace(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  Trace trace;
  while (std::getline(file, line)) {
    const std::vector<absl::string_view> fields = absl::StrSplit(line, ',');
    if (fields.size() != 1 + 2 * TracedCall::kAttempts) {
      throw std::runtime_error(absl::StrCat("no call: ", line));
    }
    const absl::Duration began = ParseMs(fields[0]);
    TracedCall call;
    for (size_t i = 0; i < TracedCall::kAttempts; ++i) {
      call.attempts[i] = {ParseOutcome(fields[1 + 2 * i]), began + ParseMs(fields[2 + 2 * i])};
    }
    trace.push_back(call);
  }
  return trace;
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_RETRY_TRACES_TRACE_H_
