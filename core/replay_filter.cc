#include "core/replay_filter.h"

#include <algorithm>
#include <utility>

namespace fusebox {

bool ReplayFilter::Test(uint64_t number) const {
  const uint64_t bit = number & (bits_ - 1);
  return (words_[bit / 64] >> (bit % 64)) & 1;
}

void ReplayFilter::Set(uint64_t number) {
  const uint64_t bit = number & (bits_ - 1);
  words_[bit / 64] |= uint64_t{1} << (bit % 64);
}

// Forgets what stood in the bits that the numbers [from, to) take over.
void ReplayFilter::Clear(uint64_t from, uint64_t to) {
  if (to - from >= bits_) {
    std::fill_n(words_.get(), bits_ / 64, 0);
    return;
  }
  for (uint64_t number = from; number < to; ++number) {
    const uint64_t bit = number & (bits_ - 1);
    words_[bit / 64] &= ~(uint64_t{1} << (bit % 64));
  }
}

void ReplayFilter::Resize(uint32_t bits) {
  ReplayFilter larger(first_);
  larger.bits_ = bits;
  larger.words_ = std::make_unique<uint64_t[]>(bits / 64);
  if (bits_ != 0) {
    for (uint64_t number = first_; number < end_; ++number) {
      if (Test(number)) larger.Set(number);
    }
  }
  bits_ = bits;
  words_ = std::move(larger.words_);
}

// Makes room for every number from `number` to `granted`, as far as the bound allows.
void ReplayFilter::Reach(uint64_t number, uint64_t granted) {
  // Doubles early, so that a burst as deep as the last one still fits.
  const uint64_t wanted = std::max(2 * (granted - number), granted - returned_);
  uint32_t bits = std::max(bits_, kMinBits);
  while (bits < wanted && bits < kMaxBits) bits *= 2;
  if (bits != bits_) Resize(bits);
  if (granted > end_) {
    Clear(end_, granted);
    end_ = granted;
  }
  if (end_ > bits_) first_ = std::max(first_, end_ - bits_);
}

ReplayFilter::Seen ReplayFilter::Mark(uint64_t number, uint64_t granted) {
  if (number < start_) return Seen::kRepeated;
  // Also for one that is out of reach: those that follow it shall not be.
  Reach(number, granted);
  if (number < first_) return Seen::kOutOfReach;
  if (Test(number)) return Seen::kRepeated;
  Set(number);
  ++returned_;
  return Seen::kFirst;
}

}  // namespace fusebox
