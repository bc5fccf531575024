#ifndef FUSEBOX_SERVER_LOG_LINE_LIMIT_H_
#define FUSEBOX_SERVER_LOG_LINE_LIMIT_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace fusebox {

// Lets so many lines through in any second that begins with one, and counts those between.
//
//   LineLimit limit(2);
//   limit.Admit(0.0 s)   // 0: write it, nothing was left out
//   limit.Admit(0.1 s)   // 0
//   limit.Admit(0.2 s)   // nothing: leave it out
//   limit.Admit(1.0 s)   // 1: write it, and that one was left out before
//
// Time is an argument, of any clock that does not go back. Not thread-safe.
class LineLimit {
 public:
  // `per_second` is at least 1.
  explicit LineLimit(int per_second) : per_second_(per_second) {}

  // Nothing if a line is to be left out; else how many were since the last that was not.
  std::optional<uint64_t> Admit(absl::Time now) {
    if (now >= start_ + absl::Seconds(1)) {
      start_ = now;
      lines_ = 0;
    }
    if (lines_ == per_second_) {
      ++left_out_;
      return std::nullopt;
    }
    ++lines_;
    return std::exchange(left_out_, 0);
  }

 private:
  const int per_second_;
  absl::Time start_ = absl::InfinitePast();
  int lines_ = 0;  // Since `start_`.
  uint64_t left_out_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_LOG_LINE_LIMIT_H_
