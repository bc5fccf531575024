#ifndef FUSEBOX_WITHOUT_SERVER_H_
#define FUSEBOX_WITHOUT_SERVER_H_

#include <cstdint>

namespace fusebox {

// What decides about calls while a client has no server.
enum class WithoutServer : uint8_t {
  kLocal,  // Breakers of its own, by the same policies: best for nearly all.
  kAllow,  // Nothing: all calls are made.
  kDeny,   // Nothing: all calls are refused, for the reason kNoServer. Also before it first
           // connects.
};

}  // namespace fusebox

#endif  // FUSEBOX_WITHOUT_SERVER_H_
