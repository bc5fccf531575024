#include "core/replay_filter.h"

#include <algorithm>
#include <utility>

namespace fusebox {

ReplayFilter::Seen ReplayFilter::Mark(uint64_t number, uint64_t granted) {
  Extend(granted);
  if (number + reach_ < end_) {
    return IsLost(number) ? Seen::kOutOfReach : Seen::kRepeated;
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
      GiveUp({end_ - bits_, end_ - bits_ + 1});
      --awaited_;
    }
    WordOf(end_) &= ~BitOf(end_);
  }
}

// As Extend(), when no number keeps its bit and some never get one.
void ReplayFilter::StartOver(uint64_t granted) {
  GiveUp({end_ - reach_, granted - bits_});
  few_ = 0;
  if (many_ != nullptr) std::fill_n(many_.get(), bits_ / 64, 0);
  end_ = granted;
  awaited_ = reach_ = bits_;
}

// Numbers are given up in their order.
void ReplayFilter::GiveUp(Run run) {
  if (lost_ == nullptr) lost_ = std::make_unique<std::vector<Run>>();
  if (!lost_->empty() && lost_->back().to == run.from) {
    lost_->back().to = run.to;
    return;
  }
  lost_->push_back(run);
  if (lost_->size() <= kMaxLostRuns) return;
  size_t nearest = 1;
  const auto gap = [this](size_t i) { return (*lost_)[i].from - (*lost_)[i - 1].to; };
  for (size_t i = 2; i < lost_->size(); ++i) {
    if (gap(i) < gap(nearest)) nearest = i;
  }
  (*lost_)[nearest - 1].to = (*lost_)[nearest].to;
  lost_->erase(lost_->begin() + static_cast<std::ptrdiff_t>(nearest));
}

bool ReplayFilter::IsLost(uint64_t number) const {
  return lost_ != nullptr && std::any_of(lost_->begin(), lost_->end(), [number](const Run& run) {
           return number >= run.from && number < run.to;
         });
}

}  // namespace fusebox
