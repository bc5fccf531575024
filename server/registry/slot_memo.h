#ifndef FUSEBOX_SERVER_REGISTRY_SLOT_MEMO_H_
#define FUSEBOX_SERVER_REGISTRY_SLOT_MEMO_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace fusebox {

// Where names were found lately, by their hashes: a guess, which whoever takes it has to check.
//
// Most calls are of few names. For those this is one look at memory that stays in a cache and that
// is hardly ever written, instead of a lock and several waits. Takes 64 KiB. Thread-safe.
class SlotMemo {
 public:
  // Nothing if no name of this hash was noted, or another one was in its place since. (A hash whose
  // upper half is 0 may be guessed at slot 0.)
  std::optional<uint32_t> Guess(size_t hash) const {
    const uint64_t cell = cells_[IndexOf(hash)].load(std::memory_order_relaxed);
    if (TagOf(cell) != TagOf(hash)) return std::nullopt;
    return static_cast<uint32_t>(cell);
  }

  // The name was found there, and had not been guessed. One in 16 is noted: a name that is found
  // often soon is, while the many that are found once rarely take a cell from it, or write into a
  // line that all processors have in their caches.
  void Note(size_t hash, uint32_t slot) {
    constexpr uint32_t kOneOf = 16;
    thread_local uint32_t turn = 0;
    if (turn++ % kOneOf != 0) return;
    cells_[IndexOf(hash)].store(TagOf(hash) << 32 | slot, std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kCells = 8192;

  static size_t IndexOf(size_t hash) { return hash % kCells; }
  static uint64_t TagOf(uint64_t hash_or_cell) { return hash_or_cell >> 32; }

  std::array<std::atomic<uint64_t>, kCells> cells_{};
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_REGISTRY_SLOT_MEMO_H_
