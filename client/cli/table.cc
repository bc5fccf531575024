#include "client/cli/table.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "client/cli/code_points.h"

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

// U+0080 to U+009F steer some terminals as ESC does.
bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c <= 0x9F); }

// Begins another line, or turns the order of what follows round, so that it reads as what it is
// not.
bool IsMisleading(char32_t c) {
  return (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

std::string Escaped(absl::string_view text, const CodePoint& one) {
  if (one.value.has_value() && *one.value > 0xFF) {
    return absl::StrCat("\\u", absl::Hex(static_cast<uint32_t>(*one.value), absl::kZeroPad4));
  }
  const uint32_t code = one.value.value_or(static_cast<unsigned char>(text[0]));
  return absl::StrCat("\\x", absl::Hex(code, absl::kZeroPad2));
}

}  // namespace

std::string Printable(absl::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const CodePoint next = DecodeFirst(text);
    // A byte that is no part of UTF-8 may be a control character in the terminal's own encoding.
    if (next.value.has_value() && !IsControl(*next.value) && !IsMisleading(*next.value)) {
      absl::StrAppend(&printable, text.substr(0, next.bytes));
    } else {
      absl::StrAppend(&printable, Escaped(text, next));
    }
    text.remove_prefix(next.bytes);
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
      widths[i] = std::max(widths[i], ColumnsOf(row[i].text));
    }
  }
  for (std::vector<Cell>& row : aligned) {
    for (size_t i = 0; i + 1 < row.size(); ++i) {
      row[i].text.append(widths[i] - ColumnsOf(row[i].text) + 2, ' ');
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
