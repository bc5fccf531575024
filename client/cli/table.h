// Columns of text, as wide as their widest cell.
//
//   Table table;
//   table.AddRow({"NAME", "STATE"});
//   table.AddRow({"db/orders", {"OPEN", Colour::kRed}});
//   table.Write(std::cout, /*colour=*/true);
#ifndef FUSEBOX_CLIENT_CLI_TABLE_H_
#define FUSEBOX_CLIENT_CLI_TABLE_H_

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace fusebox::cli {

enum class Colour { kNone, kRed, kYellow, kGreen };

// One cell. What a terminal would obey rather than show is escaped when it is written.
struct Cell {
  // Implicit, so that a row reads like a list of texts.
  Cell(std::string text, Colour colour = Colour::kNone)  // NOLINT(google-explicit-constructor)
      : text(std::move(text)), colour(colour) {}
  Cell(const char* text) : text(text) {}  // NOLINT(google-explicit-constructor)

  std::string text;
  Colour colour = Colour::kNone;
};

// Rows may differ in length. Width is counted in columns of the terminal. Not thread-safe.
class Table {
 public:
  void AddRow(std::vector<Cell> row) { rows_.push_back(std::move(row)); }

  // The cells as they stand side by side: printable and, but for the last of each row, filled with
  // spaces up to two beyond the widest of their column.
  std::vector<std::vector<Cell>> Aligned() const;

  // Writes each row as one line, without spaces at its end.
  void Write(std::ostream& out, bool colour) const;

 private:
  std::vector<std::vector<Cell>> rows_;
};

// Escapes control characters, bytes that are no UTF-8, and what begins a line or turns the order of
// the text round, as \xNN or \uNNNN: a name or a reason that somebody else chose cannot steer the
// reader's terminal nor read as what it is not. The rest, UTF-8 included, stays as it is.
std::string Printable(absl::string_view text);

// The text in its colour, if `colour` says so, and printable.
std::string Painted(const Cell& cell, bool colour);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_TABLE_H_
