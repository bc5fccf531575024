// Text of UTF-8, code point by code point.
//
//   for (size_t i = 0; i < text.size();) {
//     const CodePoint next = DecodeFirst(text.substr(i));
//     columns += next.value.has_value() ? ColumnsOf(*next.value) : 1;
//     i += next.bytes;
//   }
#ifndef FUSEBOX_CLIENT_CLI_CODE_POINTS_H_
#define FUSEBOX_CLIENT_CLI_CODE_POINTS_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"

namespace fusebox::cli {

struct CodePoint {
  std::optional<char32_t> value;  // None: the byte is no part of any.
  size_t bytes = 1;
};

// What a text begins with, which must not be empty. Longer forms than needed, surrogates and what
// is beyond U+10FFFF are none, as Unicode says.
CodePoint DecodeFirst(absl::string_view text);

// How many columns of a terminal it takes: 0 for a combining accent, 2 for most of Chinese. 1 for
// what the locale of this process does not know, as all of it in "C" but ASCII.
size_t ColumnsOf(char32_t code_point);

// How many columns a text takes. A byte that is no part of a code point takes one.
size_t ColumnsOf(absl::string_view text);

// How many bytes of the text fit into a width in columns, in whole code points.
size_t BytesThatFit(absl::string_view text, size_t width);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_CODE_POINTS_H_
