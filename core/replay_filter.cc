#include "core/replay_filter.h"

#include <algorithm>
#include <utility>

namespace fusebox {

ReplayFilter::Seen ReplayFilter::Mark(uint64_t number, uint64_t granted) {
  Extend(granted);
  if (number + reach_ < end_) {
    const bool lost = number >= lost_from_ && number < lost_to_;
    return lost ? Seen::kOutOfReach : Seen::kRepeated;
  }
  if (Test(number)) return Seen::kRepeated;
  WordOf(number) |= BitOf(number);
  --awaited_;
  return Seen::kFirst;
}

void ReplayFilter::Grow(uint16_t bits) {
  ReplayFilter larger(0);
  larger.bits_ = bits;
  larger.many_ = std::make_unique<uint64_t[]>(bits / 64);
  for (uint64_t number = end_ - reach_; number < end_; ++number) {
    if (Test(number)) larger.WordOf(number) |= BitOf(number);
  }
  bits_ = bits;
  many_ = std::move(larger.many_);
}

// Gives a bit to every number before `granted`: those of the oldest numbers, once all are taken.
void ReplayFilter::Extend(uint64_t granted) {
  while (granted > end_ + bits_ && bits_ < kMaxBits) Grow(static_cast<uint16_t>(2 * bits_));
  if (granted > end_ + bits_) return StartOver(granted);
  for (; end_ < granted; ++end_) {
    // A slow call that many fast ones overtake shall keep its bit.
    if (reach_ == bits_ && bits_ < kMaxBits && !Test(end_)) Grow(static_cast<uint16_t>(2 * bits_));
    ++awaited_;
    if (reach_ < bits_) {
      ++reach_;
      continue;
    }
    if (!Test(end_)) {
      GiveUp(end_ - bits_, end_ - bits_ + 1);
      --awaited_;
    }
    WordOf(end_) &= ~BitOf(end_);
  }
}

// As Extend(), when no number keeps its bit and some never get one.
void ReplayFilter::StartOver(uint64_t granted) {
  GiveUp(end_ - reach_, granted - bits_);
  few_ = 0;
  if (many_ != nullptr) std::fill_n(many_.get(), bits_ / 64, 0);
  end_ = granted;
  awaited_ = reach_ = bits_;
}

void ReplayFilter::GiveUp(uint64_t from, uint64_t to) {
  if (lost_from_ == lost_to_) lost_from_ = from;
  lost_to_ = to;
}

}  // namespace fusebox
