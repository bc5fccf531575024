#ifndef FUSEBOX_CORE_STATE_H_
#define FUSEBOX_CORE_STATE_H_

#include <cstdint>

namespace fusebox {

// Where a breaker stands.
enum class State : uint8_t { kClosed, kOpen, kHalfOpen };

}  // namespace fusebox

#endif  // FUSEBOX_CORE_STATE_H_
