#ifndef FUSEBOX_CORE_REPLAY_FILTER_H_
#define FUSEBOX_CORE_REPLAY_FILTER_H_

#include <cstdint>
#include <memory>

namespace fusebox {

// Remembers which of the last permits of one epoch came back, so that each counts once.
//
// Permits are numbered as they are granted. The filter is a ring of bits over the newest numbers.
// It starts with 64 bits in place and doubles, up to 8,192, as long as one that is out would fall
// out of it. Whoever is overtaken by more is given up for lost. Not thread-safe.
class ReplayFilter {
 public:
  enum class Seen : uint8_t { kFirst, kRepeated, kOutOfReach };

  // Numbers below `first` have all come back before.
  explicit ReplayFilter(uint64_t first) : start_(first), end_(first), settled_(first) {}

  // Whether some of the permits `granted` so far may still come back for the first time.
  bool Awaits(uint64_t granted) const { return settled_ < granted; }

  // Marks `number`, of `granted` so far (number < granted); says whether it was marked before.
  Seen Mark(uint64_t number, uint64_t granted);

 private:
  static constexpr uint32_t kFewBits = 64;
  static constexpr uint32_t kMaxBits = 8192;

  void MakeRoom(uint64_t number, uint64_t granted);
  void Grow(uint32_t bits);
  void Extend(uint64_t granted);
  void StartOver(uint64_t granted);
  uint32_t CountMarks() const;

  uint64_t& WordOf(uint64_t number) {
    return many_ == nullptr ? few_ : many_[(number & (bits_ - 1)) / 64];
  }
  static uint64_t BitOf(uint64_t number) { return uint64_t{1} << (number % 64); }
  bool Test(uint64_t number) { return (WordOf(number) & BitOf(number)) != 0; }

  uint64_t start_;            // All numbers below it came back before this filter was made.
  uint64_t end_;              // One past the newest number that has a bit.
  uint64_t settled_;          // How many came back or were given up, with those below the start.
  uint32_t reach_ = 0;        // How many numbers before the end have a bit.
  uint32_t bits_ = kFewBits;  // A power of two.
  uint64_t few_ = 0;          // The bits, while there are no more.
  std::unique_ptr<uint64_t[]> many_;  // Not a vector: there is one of these per active breaker.
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_REPLAY_FILTER_H_
