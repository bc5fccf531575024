#include "fusebox/internal/thread_slot.h"

#include <mutex>
#include <utility>
#include <vector>

namespace fusebox::internal {
namespace {

// Those that threads gave back, and the first that was never used. Never destroyed: threads may
// outlive all else.
struct FreeSlots {
  std::mutex mutex;
  std::vector<size_t> slots;
  size_t next = 0;
};

FreeSlots& Free() {
  static auto& free = *new FreeSlots;
  return free;
}

}  // namespace

// Gives the slot back when its thread ends.
struct ThreadSlot::Holder {
  ~Holder() {
    is_over = true;
    const size_t slot = std::exchange(Place(), kNone);
    if (slot == kNone) return;
    FreeSlots& free = Free();
    const std::lock_guard<std::mutex> lock(free.mutex);
    free.slots.push_back(slot);
  }
  // What is destroyed after it, and counts once more, has no slot.
  static thread_local bool is_over;
};
thread_local bool ThreadSlot::Holder::is_over = false;

size_t ThreadSlot::Take() {
  if (Place() != kNone || Holder::is_over) return Place();
  static thread_local const Holder kHolder;
  FreeSlots& free = Free();
  const std::lock_guard<std::mutex> lock(free.mutex);
  if (!free.slots.empty()) {
    Place() = free.slots.back();
    free.slots.pop_back();
  } else if (free.next < kNone) {
    Place() = std::exchange(free.next, free.next + kStride);
  }
  return Place();
}

}  // namespace fusebox::internal
