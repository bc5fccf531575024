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
    // What is destroyed after this one, and counts once more, has no slot.
    is_over = true;
    const size_t slot = std::exchange(Place(), kNone);
    if (slot == kNone) return;
    FreeSlots& free = Free();
    const std::lock_guard<std::mutex> lock(free.mutex);
    free.slots.push_back(slot);
  }
  bool is_over = false;
};

size_t ThreadSlot::Take() {
  static thread_local Holder holder;
  if (Place() != kNone || holder.is_over) return Place();
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
