// Enum values as people write them: OPEN for STATE_OPEN.
//
// Relies on what `buf lint` demands of every enum: all values share a prefix and value 0 is
// <PREFIX>UNSPECIFIED.
#ifndef FUSEBOX_CLIENT_CLI_ENUMS_H_
#define FUSEBOX_CLIENT_CLI_ENUMS_H_

#include <google/protobuf/generated_enum_reflection.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace fusebox::cli {

// "OPEN" for STATE_OPEN, "-" for an unspecified one, and the number for one that a newer server
// knows and this tool does not.
std::string EnumText(const google::protobuf::EnumDescriptor& type, int value);

// All values that may be given, in the order of their numbers.
std::vector<std::string> EnumNames(const google::protobuf::EnumDescriptor& type);

// The number of one of EnumNames(); 0 for any other text.
int EnumNumber(const google::protobuf::EnumDescriptor& type, absl::string_view name);

template <typename Enum>
std::string EnumText(Enum value) {
  return EnumText(*google::protobuf::GetEnumDescriptor<Enum>(), value);
}

template <typename Enum>
std::vector<std::string> EnumNames() {
  return EnumNames(*google::protobuf::GetEnumDescriptor<Enum>());
}

template <typename Enum>
Enum EnumValue(absl::string_view name) {
  return static_cast<Enum>(EnumNumber(*google::protobuf::GetEnumDescriptor<Enum>(), name));
}

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_ENUMS_H_
