#ifndef FUSEBOX_PROTO_CONVERT_MAX_CALL_TIME_H_
#define FUSEBOX_PROTO_CONVERT_MAX_CALL_TIME_H_

#include "absl/time/time.h"

namespace fusebox {

// The longest that a call may have taken or a dependency may ask to be left alone.
inline constexpr absl::Duration kMaxCallTime = absl::Hours(24);

}  // namespace fusebox

#endif  // FUSEBOX_PROTO_CONVERT_MAX_CALL_TIME_H_
