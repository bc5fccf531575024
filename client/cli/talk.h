// What is said to people on stderr.
//
//   Talk talk(std::cerr);
//   talk << "fuseboxctl: " << breaker.name() << " is " << 3 << " times open\n";
//
// Only what stands in the source, as "..." above, is written as it is; every other text is made
// printable. So no server can steer the reader's terminal, or make lines that look like ours, and
// nobody has to remember that.
#ifndef FUSEBOX_CLIENT_CLI_TALK_H_
#define FUSEBOX_CLIENT_CLI_TALK_H_

#include <cstddef>
#include <ostream>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "client/cli/table.h"

namespace fusebox::cli {

// Not thread-safe.
class Talk {
 public:
  // `stream` must outlive this.
  explicit Talk(std::ostream& stream) : stream_(stream) {}

  // A literal; an array that is none cannot be had from a message.
  template <size_t N>
  Talk& operator<<(const char (&literal)[N]) {
    stream_ << literal;
    return *this;
  }

  template <typename Number, typename = std::enable_if_t<std::is_arithmetic_v<Number> &&
                                                         !std::is_same_v<Number, char>>>
  Talk& operator<<(Number number) {
    stream_ << number;
    return *this;
  }

  Talk& operator<<(absl::string_view text) {
    stream_ << Printable(text);
    return *this;
  }

 private:
  std::ostream& stream_;
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_TALK_H_
