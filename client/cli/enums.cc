#include "client/cli/enums.h"

#include <google/protobuf/descriptor.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace fusebox::cli {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::EnumValueDescriptor;

absl::string_view Prefix(const EnumDescriptor& type) {
  return absl::StripSuffix(type.FindValueByNumber(0)->name(), "UNSPECIFIED");
}

}  // namespace

std::string EnumText(const EnumDescriptor& type, int value) {
  if (value == 0) return "-";
  const EnumValueDescriptor* known = type.FindValueByNumber(value);
  if (known == nullptr) return absl::StrCat(value);
  return std::string(absl::StripPrefix(known->name(), Prefix(type)));
}

std::vector<std::string> EnumNames(const EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() != 0) names.push_back(EnumText(type, type.value(i)->number()));
  }
  return names;
}

int EnumNumber(const EnumDescriptor& type, absl::string_view name) {
  const EnumValueDescriptor* value = type.FindValueByName(absl::StrCat(Prefix(type), name));
  return value == nullptr ? 0 : value->number();
}

}  // namespace fusebox::cli
