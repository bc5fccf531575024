#ifndef FUSEBOX_CORE_PREFETCH_H_
#define FUSEBOX_CORE_PREFETCH_H_

#include <cstddef>

namespace fusebox {

// Has the processor fetch all of an object that is about to be read and written. Among a million
// breakers little of one is in a cache, and one wait for all lines is shorter than a wait for each.
template <typename Object>
void PrefetchAll(const Object& object) {
  constexpr size_t kCacheLine = 64;
  const char* bytes = reinterpret_cast<const char*>(&object);
  for (size_t at = 0; at < sizeof object; at += kCacheLine) {
    __builtin_prefetch(bytes + at, /*rw=*/1);
  }
}

}  // namespace fusebox

#endif  // FUSEBOX_CORE_PREFETCH_H_
