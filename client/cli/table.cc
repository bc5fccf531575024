#include "client/cli/table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace fusebox::cli {
namespace {

constexpr absl::string_view kReset = "\x1b[0m";

absl::string_view Code(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return "";
    case Colour::kRed:
      return "\x1b[31m";
    case Colour::kYellow:
      return "\x1b[33m";
    case Colour::kGreen:
      return "\x1b[32m";
  }
  return "";
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

size_t Width(absl::string_view text) {
  return text.size() - std::count_if(text.begin(), text.end(), IsContinuation);
}

// U+0080 to U+009F steer some terminals as ESC does; in UTF-8 they are 0xC2 and a byte below 0xA0.
bool IsControl(absl::string_view text, size_t i) {
  const auto c = static_cast<unsigned char>(text[i]);
  if (c < 0x20 || c == 0x7F) return true;
  return c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string printable;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsControl(text, i)) {
      printable += text[i];
      continue;
    }
    if (static_cast<unsigned char>(text[i]) == 0xC2) ++i;
    const auto code = static_cast<unsigned char>(text[i]);
    absl::StrAppend(&printable, "\\x", absl::Hex(code, absl::kZeroPad2));
  }
  return printable;
}

std::string Painted(const Cell& cell, bool colour) {
  const std::string text = Printable(cell.text);
  if (!colour || cell.colour == Colour::kNone) return text;
  // What only fills the column is no part of the text.
  const size_t end = text.find_last_not_of(' ') + 1;
  return absl::StrCat(Code(cell.colour), text.substr(0, end), kReset, text.substr(end));
}

std::vector<std::vector<Cell>> Table::Aligned() const {
  std::vector<std::vector<Cell>> aligned = rows_;
  std::vector<size_t> widths;
  for (std::vector<Cell>& row : aligned) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      row[i].text = Printable(row[i].text);
      widths[i] = std::max(widths[i], Width(row[i].text));
    }
  }
  for (std::vector<Cell>& row : aligned) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      row[i].text.append(widths[i] - Width(row[i].text) + 2, ' ');
    }
  }
  return aligned;
}

void Table::Write(std::ostream& out, bool colour) const {
  for (const std::vector<Cell>& row : Aligned()) {
    for (const Cell& cell : row) out << Painted(cell, colour);
    out << "\n";
  }
}

}  // namespace fusebox::cli
