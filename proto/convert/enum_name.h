#ifndef FUSEBOX_PROTO_CONVERT_ENUM_NAME_H_
#define FUSEBOX_PROTO_CONVERT_ENUM_NAME_H_

#include <string>

#include "core/guard.h"
#include "core/transition.h"

// What the API calls core's values, for logs and metrics.
//
//   EnumName(State::kHalfOpen)   // "HALF_OPEN": v1::STATE_HALF_OPEN without its type
//   EnumName(Cause::kNone)       // "UNSPECIFIED"
//
// Thread-safe.
namespace fusebox {

std::string EnumName(State state);
std::string EnumName(Reason reason);
std::string EnumName(Outcome outcome);
std::string EnumName(Counted counted);
std::string EnumName(Cause cause);
std::string EnumName(OverrideMode mode);

}  // namespace fusebox

#endif  // FUSEBOX_PROTO_CONVERT_ENUM_NAME_H_
