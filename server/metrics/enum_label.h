#ifndef FUSEBOX_SERVER_METRICS_ENUM_LABEL_H_
#define FUSEBOX_SERVER_METRICS_ENUM_LABEL_H_

#include <string>

#include "absl/strings/ascii.h"
#include "proto/convert/enum_name.h"

namespace fusebox {

// The value of a label: as the API has it, in lower case.
//
//   EnumLabel(State::kHalfOpen)      // "half_open"
//   EnumLabel<State>(1)              // For who counts in arrays.
template <typename Enum>
std::string EnumLabel(Enum value) {
  return absl::AsciiStrToLower(EnumName(value));
}

template <typename Enum>
std::string EnumLabel(size_t value) {
  return EnumLabel(static_cast<Enum>(value));
}

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_ENUM_LABEL_H_
