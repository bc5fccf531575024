#ifndef FUSEBOX_CORE_OUTCOME_WINDOW_H_
#define FUSEBOX_CORE_OUTCOME_WINDOW_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "core/policy.h"
#include "core/tick.h"

namespace fusebox {

// What a window holds. failures and slow are at most calls; a slow failure is both.
struct WindowCounts {
  uint32_t calls = 0;
  uint32_t failures = 0;
  uint32_t slow = 0;

  WindowCounts& operator+=(const WindowCounts& other);
  WindowCounts& operator-=(const WindowCounts& other);
  friend bool operator==(const WindowCounts&, const WindowCounts&) = default;
};

// The calls of the last so-and-so long, in ten buckets.
//
//   | 3 | 0 | 5 | 1 | . | . | . | . | 2 | 4 |      head
//                 ^ newest; the next one evicts `.`
//
// Bucket boundaries are multiples of a tenth of the duration, also across idle gaps. A total is
// kept by subtracting what is evicted, so that adding and reading cost O(1).
class TimeWindow {
 public:
  TimeWindow(absl::Duration duration, Tick now);

  void Add(const WindowCounts& counts, Tick now);
  const WindowCounts& Counts(Tick now);

  // A stamp of now, and whether what was stamped so is still inside.
  static int64_t Stamp(Tick now) { return now.nanos(); }
  bool Holds(int64_t stamp, Tick now) const;

 private:
  static constexpr size_t kBuckets = 10;
  using Column = std::array<uint32_t, kBuckets>;

  void Advance(Tick now);
  void EvictOldest();

  int64_t width_;     // Of a bucket, in nanoseconds.
  int64_t head_end_;  // Where the newest bucket ends.
  WindowCounts total_;
  uint32_t head_ = 0;
  Column calls_{};
  Column failures_{};
  std::unique_ptr<Column> slow_;  // Comes with the first slow call: few policies look for them.
};

// A ring of bits, of which whole runs are replaced at the cost of their words.
class BitRing {
 public:
  // All 0.
  explicit BitRing(uint32_t size) : size_(size), words_((size + kWordBits - 1) / kWordBits) {}

  uint32_t size() const { return size_; }

  // Makes `count` bits from `from` on, across the end if need be, all `value`. Returns how many of
  // them were 1. `from` is below twice the size, `count` at most the size.
  uint32_t Replace(uint32_t from, uint32_t count, bool value);

  // Makes the bit at `index`, below the size, `value`. Returns what it was.
  bool ReplaceOne(uint32_t index, bool value);

 private:
  static constexpr uint32_t kWordBits = 64;

  uint32_t ReplaceUpToEnd(uint32_t from, uint32_t count, bool value);

  uint32_t size_;
  std::vector<uint64_t> words_;
};

// The last so many calls. Adding many costs a step per 64 of the window, and not one per call.
class CountWindow {
 public:
  explicit CountWindow(uint32_t size);

  void Add(const WindowCounts& counts);
  const WindowCounts& Counts() const { return total_; }

  // A stamp of the newest call, and whether it is still inside.
  int64_t Stamp() const { return added_; }
  bool Holds(int64_t stamp) const { return added_ - stamp < static_cast<int64_t>(failed_.size()); }

 private:
  void AddOne(bool failed, bool slow);

  // Writes `ones` times 1 over the end of the next `room` bits and 0 over the rest, and keeps their
  // total.
  void Overwrite(BitRing& bits, uint32_t room, uint32_t ones, uint32_t& total) const;

  WindowCounts total_;
  int64_t added_ = 0;
  uint32_t next_ = 0;
  BitRing failed_;
  BitRing slow_;
};

// The window that a policy asks for. Time never goes back: the owner clamps it.
class OutcomeWindow {
 public:
  OutcomeWindow(const CircuitBreakerPolicy& policy, Tick now);

  void Add(const WindowCounts& counts, Tick now);
  WindowCounts Counts(Tick now);

  // A stamp of the newest outcome, and whether it is still inside.
  int64_t Stamp(Tick now) const;
  bool Holds(int64_t stamp, Tick now) const;

 private:
  std::variant<TimeWindow, CountWindow> window_;
};

// Whether the two policies ask for the same window.
bool SameWindow(const CircuitBreakerPolicy& a, const CircuitBreakerPolicy& b);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_OUTCOME_WINDOW_H_
