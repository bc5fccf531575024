#ifndef FUSEBOX_CORE_REPLAY_FILTER_H_
#define FUSEBOX_CORE_REPLAY_FILTER_H_

#include <cstdint>
#include <memory>

namespace fusebox {

// Remembers which of the last permits of one epoch came back, so that each counts once.
//
// Permits are numbered as they are granted. The filter is a ring of bits over the newest numbers;
// it starts small and doubles, up to 8,192, when more are out or when outcomes come back from
// further behind. Not thread-safe.
class ReplayFilter {
 public:
  enum class Seen : uint8_t { kFirst, kRepeated, kOutOfReach };

  // Numbers below `first` have all come back before.
  explicit ReplayFilter(uint64_t first)
      : start_(first), first_(first), end_(first), returned_(first) {}

  // Whether some of the permits `granted` so far have not come back.
  bool Awaits(uint64_t granted) const { return returned_ < granted; }

  // Marks `number`, of `granted` so far (number < granted); says whether it was marked before.
  Seen Mark(uint64_t number, uint64_t granted);

 private:
  static constexpr uint32_t kMinBits = 128;
  static constexpr uint32_t kMaxBits = 8192;

  void Reach(uint64_t number, uint64_t granted);
  void Resize(uint32_t bits);
  void Clear(uint64_t from, uint64_t to);
  bool Test(uint64_t number) const;
  void Set(uint64_t number);

  uint64_t start_;     // All numbers below it came back before this filter was made.
  uint64_t first_;     // The oldest number within reach.
  uint64_t end_;       // One past the newest number that has a bit.
  uint64_t returned_;  // How many have come back; those before the start count as such.
  uint32_t bits_ = 0;  // 0 or a power of two.
  std::unique_ptr<uint64_t[]> words_;  // Not a vector: there is one of these per active breaker.
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_REPLAY_FILTER_H_
