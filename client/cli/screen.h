// A whole terminal as a screen: lines of coloured cells, and keys.
//
//   absl::StatusOr<std::unique_ptr<Screen>> screen = Screen::Open(/*colour=*/true);
//   (*screen)->Clear();
//   (*screen)->Line(0, {{"OPEN", Colour::kRed}});
//   (*screen)->Show();
//   const Key key = (*screen)->WaitForKey(absl::Seconds(1));
#ifndef FUSEBOX_CLIENT_CLI_SCREEN_H_
#define FUSEBOX_CLIENT_CLI_SCREEN_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "client/cli/table.h"

namespace fusebox::cli {

struct Key {
  enum class Kind {
    kNone,  // Nothing was pressed; or the screen has another size now.
    kCharacter,
    kUp,
    kDown,
    kPageUp,
    kPageDown,
    kHome,
    kEnd,
    kEnter,
    kEscape,
    kBackspace,
  };
  Kind kind = Kind::kNone;
  char character = '\0';
};

// There is at most one. Not thread-safe. While it lives nothing else may be written to stdout and
// stderr, if that is the same terminal.
class Screen {
 public:
  // Takes the terminal of stdin and stdout, in the locale that the process has set.
  // FAILED_PRECONDITION: they are none, or one that cannot place its cursor.
  static absl::StatusOr<std::unique_ptr<Screen>> Open(bool colour);

  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;
  // Gives it back as it was.
  ~Screen();

  int width() const;
  int height() const;

  // Begins a new picture.
  void Clear();
  // Writes a line from its beginning; what is too wide is cut, and rows that are not there are
  // left out.
  void Line(int row, const std::vector<Cell>& cells, bool bold = false) const;
  // Shows the picture.
  void Show();

  // The next key, or none after so long. A signal ends the waiting early.
  Key WaitForKey(absl::Duration patience);

 private:
  struct Terminal;

  Screen(std::unique_ptr<Terminal> terminal, bool colour);

  const std::unique_ptr<Terminal> terminal_;
  const bool colour_;
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_SCREEN_H_
