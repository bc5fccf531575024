#include "proto/convert/enum_name.h"

#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "proto/convert/convert.h"

namespace fusebox {
namespace {

std::string Without(absl::string_view prefix, absl::string_view name) {
  return std::string(absl::StripPrefix(name, prefix));
}

}  // namespace

std::string EnumName(State state) { return Without("STATE_", v1::State_Name(ToProto(state))); }
std::string EnumName(Reason reason) { return Without("REASON_", v1::Reason_Name(ToProto(reason))); }
std::string EnumName(Outcome outcome) {
  return Without("OUTCOME_", v1::Outcome_Name(ToProto(outcome)));
}
std::string EnumName(Counted counted) {
  return Without("COUNTED_", v1::Counted_Name(ToProto(counted)));
}
std::string EnumName(OverrideMode mode) {
  return Without("OVERRIDE_MODE_", v1::OverrideMode_Name(ToProto(mode)));
}
std::string EnumName(Cause cause) { return Without("CAUSE_", v1::Cause_Name(ToProto(cause))); }

}  // namespace fusebox
