#include "client/cli/screen.h"

// Its macros are named like everybody's functions.
#define NCURSES_NOMACROS
#include <curses.h>
#include <term.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/cli/code_points.h"

namespace fusebox::cli {
namespace {

// How long after an ESC the rest of a key's sequence may come.
constexpr int kEscapeMs = 25;

short PairOf(Colour colour) { return static_cast<short>(colour); }  // NOLINT(google-runtime-int)

attr_t AttributeOf(Colour colour) {
  return colour == Colour::kNone ? A_NORMAL : static_cast<attr_t>(COLOR_PAIR(PairOf(colour)));
}

// Asks terminfo before newterm(), which ends the process for terminals that it does not know.
absl::Status CheckTerminal() {
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) {
    return absl::FailedPreconditionError("stdin and stdout are not both a terminal");
  }
  const char* name = std::getenv("TERM");
  int result = 0;
  const bool known = name != nullptr && setupterm(name, STDOUT_FILENO, &result) == OK;
  const bool has_cursor = known && tigetstr("cup") != nullptr;
  if (known) del_curterm(cur_term);
  if (has_cursor) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("the terminal, TERM=", name == nullptr ? "" : name,
                   ", is unknown or cannot place its cursor"));
}

Key::Kind KindOf(int code) {
  switch (code) {
    case KEY_UP:
      return Key::Kind::kUp;
    case KEY_DOWN:
      return Key::Kind::kDown;
    case KEY_PPAGE:
      return Key::Kind::kPageUp;
    case KEY_NPAGE:
      return Key::Kind::kPageDown;
    case KEY_HOME:
      return Key::Kind::kHome;
    case KEY_END:
      return Key::Kind::kEnd;
    case KEY_ENTER:
    case '\n':
    case '\r':
      return Key::Kind::kEnter;
    case '\x1b':
      return Key::Kind::kEscape;
    case KEY_BACKSPACE:
    case '\b':
    case '\x7f':
      return Key::Kind::kBackspace;
    default:
      return code >= ' ' && code < '\x7f' ? Key::Kind::kCharacter : Key::Kind::kNone;
  }
}

}  // namespace

struct Screen::Terminal {
  SCREEN* screen;
};

absl::StatusOr<std::unique_ptr<Screen>> Screen::Open(bool colour) {
  if (absl::Status bad = CheckTerminal(); !bad.ok()) return bad;
  SCREEN* screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) {
    return absl::FailedPreconditionError("the terminal could not be set up");
  }
  colour = colour && has_colors() && start_color() == OK && use_default_colors() == OK;
  return std::unique_ptr<Screen>(new Screen(std::make_unique<Terminal>(Terminal{screen}), colour));
}

Screen::Screen(std::unique_ptr<Terminal> terminal, bool colour)
    : terminal_(std::move(terminal)), colour_(colour) {
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, true);
  set_escdelay(kEscapeMs);
  curs_set(0);
  if (!colour_) return;
  init_pair(PairOf(Colour::kRed), COLOR_RED, -1);
  init_pair(PairOf(Colour::kYellow), COLOR_YELLOW, -1);
  init_pair(PairOf(Colour::kGreen), COLOR_GREEN, -1);
}

Screen::~Screen() {
  endwin();
  delscreen(terminal_->screen);
}

int Screen::width() const { return getmaxx(stdscr); }
int Screen::height() const { return getmaxy(stdscr); }

void Screen::Clear() { werase(stdscr); }

void Screen::Line(int row, const std::vector<Cell>& cells, bool bold) const {
  if (row < 0 || row >= height() || wmove(stdscr, row, 0) == ERR) return;
  wclrtoeol(stdscr);
  for (const Cell& cell : cells) {
    const attr_t attributes =
        (colour_ ? AttributeOf(cell.colour) : A_NORMAL) | (bold ? A_BOLD : A_NORMAL);
    wattrset(stdscr, static_cast<int>(attributes));
    // At the end of the line it goes on in the next, unless told how much room there is.
    const std::string text = Printable(cell.text);
    const int room = width() - getcurx(stdscr);
    if (getcury(stdscr) != row || room <= 0) break;
    waddnstr(stdscr, text.c_str(), static_cast<int>(BytesThatFit(text, room)));
  }
  wattrset(stdscr, static_cast<int>(A_NORMAL));
}

void Screen::Show() { wrefresh(stdscr); }

Key Screen::WaitForKey(absl::Duration patience) {
  wtimeout(stdscr, static_cast<int>(absl::ToInt64Milliseconds(patience)));
  const int code = wgetch(stdscr);
  const Key::Kind kind = KindOf(code);
  return {kind, kind == Key::Kind::kCharacter ? static_cast<char>(code) : '\0'};
}

}  // namespace fusebox::cli
