#ifndef FUSEBOX_INTERNAL_THREAD_SLOT_H_
#define FUSEBOX_INTERNAL_THREAD_SLOT_H_

#include <cstddef>

namespace fusebox::internal {

// A small number of this thread's: no other thread has it while this one lives. Numbers of threads
// that have ended are used again, and what those did happened before. Thread-safe.
//
// They are 0, kStride, 2 * kStride and so on: places in memory, without a multiplication.
class ThreadSlot {
 public:
  static constexpr size_t kStride = 64;
  static constexpr size_t kSlots = 512;
  static constexpr size_t kNone = kSlots * kStride;  // There are more threads than that.

  // kNone also before the first Take().
  static size_t Mine() { return Place(); }
  // Takes one, if it has none yet.
  static size_t Take();

 private:
  struct Holder;

  // Without a destructor, so that reading it is one load; also from a shared library.
  static size_t& Place() {
    [[gnu::tls_model("initial-exec")]] static thread_local size_t place = kNone;
    return place;
  }
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_INTERNAL_THREAD_SLOT_H_
