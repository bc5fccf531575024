#include "client/cli/code_points.h"

#include <array>
#include <cwchar>

namespace fusebox::cli {
namespace {

// How the first byte tells how many there are, and the least that needs so many.
struct Form {
  unsigned char mask;
  unsigned char begin;
  size_t bytes;
  char32_t least;
};

constexpr std::array<Form, 4> kForms = {{
    {0x80, 0x00, 1, 0},
    {0xE0, 0xC0, 2, 0x80},
    {0xF0, 0xE0, 3, 0x800},
    {0xF8, 0xF0, 4, 0x10000},
}};

constexpr char32_t kLast = 0x10FFFF;

bool IsSurrogate(char32_t value) { return value >= 0xD800 && value <= 0xDFFF; }

CodePoint DecodeAs(const Form& form, absl::string_view text) {
  if (text.size() < form.bytes) return {};
  char32_t value = static_cast<unsigned char>(text[0]) & static_cast<unsigned char>(~form.mask);
  for (size_t i = 1; i < form.bytes; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0) != 0x80) return {};
    value = value << 6 | (byte & 0x3F);
  }
  if (value < form.least || value > kLast || IsSurrogate(value)) return {};
  return {value, form.bytes};
}

size_t ColumnsOfOne(const CodePoint& one) {
  return one.value.has_value() ? ColumnsOf(*one.value) : 1;
}

}  // namespace

CodePoint DecodeFirst(absl::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  for (const Form& form : kForms) {
    if ((first & form.mask) == form.begin) return DecodeAs(form, text);
  }
  return {};
}

size_t ColumnsOf(char32_t code_point) {
  const int columns = wcwidth(static_cast<wchar_t>(code_point));
  return columns < 0 ? 1 : static_cast<size_t>(columns);
}

size_t ColumnsOf(absl::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const CodePoint next = DecodeFirst(text);
    columns += ColumnsOfOne(next);
    text.remove_prefix(next.bytes);
  }
  return columns;
}

size_t BytesThatFit(absl::string_view text, size_t width) {
  size_t bytes = 0;
  while (bytes < text.size()) {
    const CodePoint next = DecodeFirst(text.substr(bytes));
    const size_t needed = ColumnsOfOne(next);
    if (needed > width) break;
    width -= needed;
    bytes += next.bytes;
  }
  return bytes;
}

}  // namespace fusebox::cli
