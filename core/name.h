#ifndef FUSEBOX_CORE_NAME_H_
#define FUSEBOX_CORE_NAME_H_

#include <cstddef>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace fusebox {

inline constexpr size_t kMaxNameBytes = 256;

// Whether `c` may stand in a segment of a breaker's name: [A-Za-z0-9._~-].
bool IsNameCharacter(char c);

// Checks a breaker's name: segments of [A-Za-z0-9._~-] joined by single slashes, at most 256 bytes.
// The error is INVALID_ARGUMENT with reason BREAKER_NAME_INVALID and says where and how to mend it.
absl::Status CheckBreakerName(absl::string_view name);

// Checks a path of whole segments under which breakers lie, as a breaker's name is checked; the
// empty one is that of all. The error has the same reason.
absl::Status CheckBreakerPrefix(absl::string_view prefix);

// Checks a client's name: at most 256 bytes of printable UTF-8 or nothing at all. The error is
// INVALID_ARGUMENT with reason CLIENT_NAME_INVALID.
absl::Status CheckClientName(absl::string_view client);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_NAME_H_
