#include "core/replay_filter.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace fusebox {

ReplayFilter::Seen ReplayFilter::Mark(uint64_t number, uint64_t granted) {
  if (number < start_) return Seen::kRepeated;
  // Also for one that is out of reach: those that follow it shall not be.
  MakeRoom(number, granted);
  Extend(granted);
  if (end_ - number > reach_) return Seen::kOutOfReach;
  if (Test(number)) return Seen::kRepeated;
  WordOf(number) |= BitOf(number);
  ++settled_;
  return Seen::kFirst;
}

// For every number from `number` to `granted` and for all that are out, as far as the bound allows.
void ReplayFilter::MakeRoom(uint64_t number, uint64_t granted) {
  // Doubles early, so that a burst as deep as the last one still fits.
  const uint64_t wanted = std::max(2 * (granted - number), granted - settled_);
  uint32_t bits = bits_;
  while (bits < wanted && bits < kMaxBits) bits *= 2;
  if (bits != bits_) Grow(bits);
}

void ReplayFilter::Grow(uint32_t bits) {
  ReplayFilter larger(start_);
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
  if (granted > end_ + bits_) return StartOver(granted);
  for (; end_ < granted; ++end_) {
    // A slow call that many fast ones overtake shall keep its bit.
    if (reach_ == bits_ && bits_ < kMaxBits && !Test(end_)) Grow(2 * bits_);
    if (reach_ < bits_) {
      ++reach_;
      continue;
    }
    if (!Test(end_)) ++settled_;  // The number that had this bit is given up.
    WordOf(end_) &= ~BitOf(end_);
  }
}

// As Extend(), when no number keeps its bit and some never get one.
void ReplayFilter::StartOver(uint64_t granted) {
  settled_ += reach_ - CountMarks();
  settled_ += granted - end_ - bits_;
  few_ = 0;
  if (many_ != nullptr) std::fill_n(many_.get(), bits_ / 64, 0);
  end_ = granted;
  reach_ = bits_;
}

uint32_t ReplayFilter::CountMarks() const {
  if (many_ == nullptr) return static_cast<uint32_t>(std::popcount(few_));
  uint32_t marks = 0;
  for (uint32_t i = 0; i < bits_ / 64; ++i) marks += static_cast<uint32_t>(std::popcount(many_[i]));
  return marks;
}

}  // namespace fusebox
