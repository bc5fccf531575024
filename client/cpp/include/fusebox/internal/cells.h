#ifndef FUSEBOX_INTERNAL_CELLS_H_
#define FUSEBOX_INTERNAL_CELLS_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "absl/base/optimization.h"
#include "fusebox/internal/thread_slot.h"

namespace fusebox::internal {

// Counts what happens most, without a locked instruction: each thread counts in a cell of its own,
// which nobody else writes, and somebody adds up what is new from time to time.
//
//   cell = generation (upper 16 bits) | successes (lower 48), and what those took that were timed
//
// A generation is a stretch of time in which what is counted belongs together. It is part of the
// same word, so a count is never of another generation than its caller meant: who finds their cell
// in another one takes the slow way, Switch().
//
// CountSuccess() and CountRefusal() may be called from any thread at any time; the rest by one
// thread at a time, which the owner sees to. A thread counts successes after its first Switch().
class Cells {
 public:
  using Generation = uint16_t;

  // What was counted of one generation since the last time.
  struct Sum {
    Generation generation = 0;
    uint64_t successes = 0;
    uint64_t timed = 0;
    uint64_t latency = 0;  // Of the timed ones, in any unit.
  };

  Cells() = default;
  Cells(const Cells&) = delete;
  Cells& operator=(const Cells&) = delete;
  ~Cells() {
    for (std::atomic<Block*>& block : blocks_) delete block.load(std::memory_order_relaxed);
  }

  // False: this thread's cell is of another generation, or there is none.
  bool CountSuccess(Generation generation) {
    Cell* const cell = Mine();
    if (ABSL_PREDICT_FALSE(cell == nullptr)) return false;
    return Add(*cell, generation);
  }
  // The same of a call that took so long. What it took may be told with the next sum.
  bool CountSuccess(Generation generation, uint64_t latency) {
    Cell* const cell = Mine();
    if (ABSL_PREDICT_FALSE(cell == nullptr)) return false;
    if (!Add(*cell, generation)) return false;
    AddTo(cell->timed, 1);
    AddTo(cell->latency, latency);
    return true;
  }

  // False: this thread has no cell.
  bool CountRefusal() {
    Cell* const cell = Mine();
    if (ABSL_PREDICT_FALSE(cell == nullptr)) return false;
    AddTo(cell->refusals, 1);
    return true;
  }

  // This thread counts in this generation from now on. Calls take(sum) with what it had counted
  // before, if that was not taken yet. False: there are too many threads; then somebody has to
  // count in another way.
  template <typename Take>
  bool Switch(Generation generation, const Take& take) {
    const size_t slot = ThreadSlot::Take();
    if (slot == ThreadSlot::kNone) return false;
    Cell& cell = BlockOf(slot).At(slot % sizeof(Block));
    TakeFrom(cell, take);
    cell.taken = uint64_t{generation} << kCountBits;
    cell.successes.store(cell.taken, std::memory_order_release);
    return true;
  }

  // Calls take(sum) for what was counted since the last time.
  template <typename Take>
  void TakeSuccesses(const Take& take) {
    ForEach([&take](Cell& cell) { TakeFrom(cell, take); });
  }

  // How many refusals there were since the last time.
  uint64_t TakeRefusals() {
    uint64_t refusals = 0;
    ForEach([&refusals](Cell& cell) {
      const uint64_t now = cell.refusals.load(std::memory_order_relaxed);
      refusals += now - cell.taken_refusals;
      cell.taken_refusals = now;
    });
    return refusals;
  }

 private:
  static constexpr int kCountBits = 48;
  static constexpr size_t kBlockCells = 8;
  static constexpr size_t kBlocks = ThreadSlot::kSlots / kBlockCells;

  struct alignas(64) Cell {
    // Of the thread.
    std::atomic<uint64_t> successes{0};
    std::atomic<uint64_t> timed{0};
    std::atomic<uint64_t> latency{0};
    std::atomic<uint64_t> refusals{0};
    // Of who adds up: what they were the last time.
    uint64_t taken = 0;
    uint64_t taken_timed = 0;
    uint64_t taken_latency = 0;
    uint64_t taken_refusals = 0;
  };
  static_assert(sizeof(Cell) == ThreadSlot::kStride);
  struct Block {
    Cell& At(size_t offset) {
      return *reinterpret_cast<Cell*>(reinterpret_cast<char*>(cells.data()) + offset);
    }
    std::array<Cell, kBlockCells> cells;
  };

  Cell* Mine() {
    const size_t slot = ThreadSlot::Mine();
    if (ABSL_PREDICT_TRUE(slot < sizeof(Block))) return &first_.At(slot);
    Block* const block = blocks_[slot / sizeof(Block)].load(std::memory_order_acquire);
    return block == nullptr ? nullptr : &block->At(slot % sizeof(Block));
  }

  // For the one thread that writes it.
  static void AddTo(std::atomic<uint64_t>& sum, uint64_t count) {
    sum.store(sum.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

  Block& BlockOf(size_t slot) {
    if (slot < sizeof(Block)) return first_;
    std::atomic<Block*>& place = blocks_[slot / sizeof(Block)];
    Block* block = place.load(std::memory_order_relaxed);
    if (block == nullptr) place.store(block = new Block, std::memory_order_release);
    return *block;
  }

  static bool Add(Cell& cell, Generation generation) {
    const uint64_t count = cell.successes.load(std::memory_order_relaxed);
    if (ABSL_PREDICT_FALSE(count >> kCountBits != generation)) return false;
    cell.successes.store(count + 1, std::memory_order_release);
    return true;
  }

  template <typename Visit>
  void ForEach(const Visit& visit) {
    for (Cell& cell : first_.cells) visit(cell);
    for (std::atomic<Block*>& place : blocks_) {
      Block* const block = place.load(std::memory_order_relaxed);
      if (block == nullptr) continue;
      for (Cell& cell : block->cells) visit(cell);
    }
  }

  // Only its own thread makes a cell one of another generation, in Switch(): so it is of the same.
  template <typename Take>
  static void TakeFrom(Cell& cell, const Take& take) {
    const uint64_t now = cell.successes.load(std::memory_order_acquire);
    if (now == cell.taken) return;
    // Of these two one call may be in the one and not in the other, which evens out.
    const uint64_t timed = cell.timed.load(std::memory_order_relaxed);
    const uint64_t latency = cell.latency.load(std::memory_order_relaxed);
    const uint64_t successes = now - cell.taken;
    take(Sum{static_cast<Generation>(now >> kCountBits), successes,
             std::min(successes, timed - cell.taken_timed), latency - cell.taken_latency});
    cell.taken = now;
    cell.taken_timed = timed;
    cell.taken_latency = latency;
  }

  // The cells of a process's first threads are at hand; those of others come with their first
  // Switch(). The last place is that of threads without a slot, and always null, as is the first.
  Block first_;
  std::array<std::atomic<Block*>, kBlocks + 1> blocks_{};
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_INTERNAL_CELLS_H_
