#include "core/outcome_window.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace fusebox {

WindowCounts& WindowCounts::operator+=(const WindowCounts& other) {
  calls += other.calls;
  failures += other.failures;
  slow += other.slow;
  return *this;
}

WindowCounts& WindowCounts::operator-=(const WindowCounts& other) {
  calls -= other.calls;
  failures -= other.failures;
  slow -= other.slow;
  return *this;
}

TimeWindow::TimeWindow(absl::Duration duration, Tick now)
    : width_(absl::ToInt64Nanoseconds(duration) / static_cast<int64_t>(kBuckets)),
      head_end_((now.nanos() / width_ + 1) * width_) {}

void TimeWindow::Advance(Tick now) {
  if (now.nanos() < head_end_) return;
  const int64_t steps = (now.nanos() - head_end_) / width_ + 1;
  head_end_ += steps * width_;
  const int64_t evicted = std::min(steps, static_cast<int64_t>(kBuckets));
  for (int64_t i = 0; i < evicted; ++i) EvictOldest();
}

void TimeWindow::EvictOldest() {
  head_ = (head_ + 1) % kBuckets;
  total_ -= {calls_[head_], failures_[head_], slow_ == nullptr ? 0 : (*slow_)[head_]};
  calls_[head_] = failures_[head_] = 0;
  if (slow_ != nullptr) (*slow_)[head_] = 0;
}

void TimeWindow::Add(const WindowCounts& counts, Tick now) {
  Advance(now);
  // Four billion calls say enough; more must not wrap around.
  if (counts.calls > std::numeric_limits<uint32_t>::max() - total_.calls) return;
  total_ += counts;
  calls_[head_] += counts.calls;
  failures_[head_] += counts.failures;
  if (counts.slow == 0) return;
  if (slow_ == nullptr) slow_ = std::make_unique<Column>();
  (*slow_)[head_] += counts.slow;
}

const WindowCounts& TimeWindow::Counts(Tick now) {
  Advance(now);
  return total_;
}

// As long as the bucket that it fell in: a client leaves together with its failure.
bool TimeWindow::Holds(int64_t stamp, Tick now) const {
  const int64_t newest_end = std::max(head_end_, (now.nanos() / width_ + 1) * width_);
  return stamp >= newest_end - width_ * static_cast<int64_t>(kBuckets);
}

uint32_t BitRing::Replace(uint32_t from, uint32_t count, bool value) {
  if (from >= size_) from -= size_;
  const uint32_t to_end = std::min(count, size_ - from);
  return ReplaceUpToEnd(from, to_end, value) + ReplaceUpToEnd(0, count - to_end, value);
}

bool BitRing::ReplaceOne(uint32_t index, bool value) {
  uint64_t& word = words_[index / kWordBits];
  const uint32_t offset = index % kWordBits;
  const bool replaced = ((word >> offset) & 1) != 0;
  word ^= uint64_t{replaced != value} << offset;
  return replaced;
}

uint32_t BitRing::ReplaceUpToEnd(uint32_t from, uint32_t count, bool value) {
  uint32_t replaced = 0;
  while (count > 0) {
    const uint32_t offset = from % kWordBits;
    const uint32_t bits = std::min(count, kWordBits - offset);
    const uint64_t mask = (~uint64_t{0} >> (kWordBits - bits)) << offset;
    uint64_t& word = words_[from / kWordBits];
    replaced += static_cast<uint32_t>(std::popcount(word & mask));
    word = value ? word | mask : word & ~mask;
    from += bits;
    count -= bits;
  }
  return replaced;
}

CountWindow::CountWindow(uint32_t size) : failed_(size), slow_(size) {}

void CountWindow::AddOne(bool failed, bool slow) {
  total_.failures += uint32_t{failed} - uint32_t{failed_.ReplaceOne(next_, failed)};
  total_.slow += uint32_t{slow} - uint32_t{slow_.ReplaceOne(next_, slow)};
  total_.calls = std::min(total_.calls + 1, failed_.size());
  next_ = next_ + 1 == failed_.size() ? 0 : next_ + 1;
  ++added_;
}

void CountWindow::Overwrite(BitRing& bits, uint32_t room, uint32_t ones, uint32_t& total) const {
  total -= bits.Replace(next_, room - ones, false);
  total -= bits.Replace(next_ + room - ones, ones, true);
  total += ones;
}

// Failures and slow calls are taken as the newest, so that they leave last. More calls than there
// is room for keep their proportions.
void CountWindow::Add(const WindowCounts& counts) {
  if (counts.calls == 0) return;
  if (counts.calls == 1) return AddOne(counts.failures != 0, counts.slow != 0);  // Nearly always.
  const uint32_t room = std::min(counts.calls, failed_.size());
  const auto share = [&](uint32_t part) {
    return static_cast<uint32_t>(uint64_t{part} * room / counts.calls);
  };
  Overwrite(failed_, room, share(counts.failures), total_.failures);
  Overwrite(slow_, room, share(counts.slow), total_.slow);
  total_.calls = std::min(total_.calls + room, failed_.size());
  next_ = (next_ + room) % failed_.size();
  added_ += counts.calls;
}

OutcomeWindow::OutcomeWindow(const CircuitBreakerPolicy& policy, Tick now)
    : window_(policy.window_calls != 0
                  ? std::variant<TimeWindow, CountWindow>(CountWindow(policy.window_calls))
                  : TimeWindow(policy.window_duration, now)) {}

void OutcomeWindow::Add(const WindowCounts& counts, Tick now) {
  if (auto* by_time = std::get_if<TimeWindow>(&window_)) {
    by_time->Add(counts, now);
  } else {
    std::get<CountWindow>(window_).Add(counts);
  }
}

WindowCounts OutcomeWindow::Counts(Tick now) {
  if (auto* by_time = std::get_if<TimeWindow>(&window_)) return by_time->Counts(now);
  return std::get<CountWindow>(window_).Counts();
}

int64_t OutcomeWindow::Stamp(Tick now) const {
  if (std::holds_alternative<TimeWindow>(window_)) return TimeWindow::Stamp(now);
  return std::get<CountWindow>(window_).Stamp();
}

bool OutcomeWindow::Holds(int64_t stamp, Tick now) const {
  if (const auto* by_time = std::get_if<TimeWindow>(&window_)) return by_time->Holds(stamp, now);
  return std::get<CountWindow>(window_).Holds(stamp);
}

bool SameWindow(const CircuitBreakerPolicy& a, const CircuitBreakerPolicy& b) {
  if (a.window_calls != 0 || b.window_calls != 0) return a.window_calls == b.window_calls;
  return a.window_duration == b.window_duration;
}

}  // namespace fusebox
