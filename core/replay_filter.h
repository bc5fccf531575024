#ifndef FUSEBOX_CORE_REPLAY_FILTER_H_
#define FUSEBOX_CORE_REPLAY_FILTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace fusebox {

// Remembers which of the last permits of one epoch came back, so that each counts once.
//
// Permits are numbered as they are granted. The filter is a ring of bits over the newest numbers.
// It starts with 64 bits in place and doubles, up to 8,192, as long as one that is out would fall
// out of it. Who is overtaken by more is given up for lost, and of those it is not known whether
// they came back. 16 runs of lost numbers are told apart; with more, the two that are nearest
// become one, with what lies between them. Not thread-safe.
class ReplayFilter {
 public:
  enum class Seen : uint8_t { kFirst, kRepeated, kOutOfReach };

  // Numbers below `first` have all come back before.
  explicit ReplayFilter(uint64_t first) : end_(first) {}

  // Whether some of the permits `granted` so far may still come back for the first time.
  bool Awaits(uint64_t granted) const { return awaited_ > 0 || end_ < granted; }

  // Marks `number`, of `granted` so far (number < granted); says whether it was marked before.
  Seen Mark(uint64_t number, uint64_t granted);

 private:
  static constexpr uint16_t kFewBits = 64;
  static constexpr uint16_t kMaxBits = 8192;
  static constexpr size_t kMaxLostRuns = 16;

  // Numbers from `from` up to, but not including, `to`.
  struct Run {
    uint64_t from;
    uint64_t to;
  };

  void Grow(uint16_t bits);
  void Extend(uint64_t granted);
  void StartOver(uint64_t granted);
  void GiveUp(Run run);
  bool IsLost(uint64_t number) const;

  uint64_t& WordOf(uint64_t number) {
    return many_ == nullptr ? few_ : many_[(number & (bits_ - 1)) / 64];
  }
  static uint64_t BitOf(uint64_t number) { return uint64_t{1} << (number % 64); }
  bool Test(uint64_t number) { return (WordOf(number) & BitOf(number)) != 0; }

  uint64_t end_;              // One past the newest number that has a bit.
  uint32_t awaited_ = 0;      // How many that have a bit have not come back.
  uint16_t reach_ = 0;        // How many numbers before the end have a bit.
  uint16_t bits_ = kFewBits;  // A power of two.
  uint64_t few_ = 0;          // The bits, while there are no more.
  // Not vectors by themselves: there is one of these per active breaker.
  std::unique_ptr<uint64_t[]> many_;
  // Of the numbers without a bit, only these may not have come back; in order.
  std::unique_ptr<std::vector<Run>> lost_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_REPLAY_FILTER_H_
