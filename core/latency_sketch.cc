#include "core/latency_sketch.h"

#include <algorithm>
#include <bit>
#include <limits>

namespace fusebox {
namespace {

constexpr int64_t kHalfWidth = 30'000'000'000;  // 30s, in nanoseconds.

constexpr int64_t kShortest = 1'000;                           // 1us, in nanoseconds,
constexpr int64_t kLongest = int64_t{24} * 3'600'000'000'000;  // and 24h.

// A latency is read by its highest nine bits, 256 to 511. Where the steps of a power of two begin,
// in these: 256 * 2 ^ (i / 8), rounded.
constexpr uint32_t kBits = 9;
constexpr uint32_t kSteps = 8;
constexpr std::array<uint64_t, kSteps + 1> kBounds = {256, 279, 304, 332, 362, 395, 431, 470, 512};

constexpr std::array<uint8_t, 256> kStepOf = [] {
  std::array<uint8_t, 256> steps{};
  for (uint32_t step = 0; step < kSteps; ++step) {
    for (uint64_t top = kBounds[step]; top < kBounds[step + 1]; ++top) {
      steps[top - 256] = static_cast<uint8_t>(step);
    }
  }
  return steps;
}();

constexpr uint32_t NumberOf(int64_t nanos) {
  const auto value = static_cast<uint64_t>(nanos);
  const auto width = static_cast<uint32_t>(std::bit_width(value));
  return width * kSteps + kStepOf[(value >> (width - kBits)) - 256];
}

constexpr uint32_t kFirst = NumberOf(kShortest);

constexpr uint64_t BeginOf(uint32_t number) {
  return kBounds[number % kSteps] << (number / kSteps - kBits);
}

size_t BucketOf(absl::Duration latency) {
  return NumberOf(std::clamp(absl::ToInt64Nanoseconds(latency), kShortest, kLongest)) - kFirst;
}

// The harmonic mean of the ends: its distance is the same share of either.
absl::Duration LatencyOf(size_t bucket) {
  const auto number = static_cast<uint32_t>(bucket) + kFirst;
  const auto begin = static_cast<double>(BeginOf(number));
  const auto end = static_cast<double>(BeginOf(number + 1));
  return absl::Nanoseconds(static_cast<int64_t>(2 * begin * end / (begin + end)));
}

constexpr bool KeepsItsPromise() {
  for (uint32_t step = 0; step < kSteps; ++step) {
    const auto begin = static_cast<double>(kBounds[step]);
    const auto end = static_cast<double>(kBounds[step + 1]);
    if ((end - begin) / (end + begin) > LatencySketch::kRelativeError) return false;
  }
  return true;
}
static_assert(KeepsItsPromise());

}  // namespace

LatencySketch::LatencySketch(Tick now)
    : half_end_((now.nanos() / kHalfWidth + 1) * kHalfWidth), counts_(std::make_unique<Counts>()) {
  static_assert(NumberOf(kLongest) - kFirst + 1 == kBuckets);
  static_assert(sizeof(LatencySketch) + sizeof(Counts) < 1'250, "documented as 1.2 KB");
}

void LatencySketch::Rotate(Tick now) {
  if (now.nanos() < half_end_) return;
  const int64_t steps = (now.nanos() - half_end_) / kHalfWidth + 1;
  half_end_ += steps * kHalfWidth;
  filling_ = 1 - filling_;
  Clear(filling_);
  if (steps > 1) Clear(1 - filling_);
  StartOver();
}

void LatencySketch::Clear(size_t half) {
  totals_[half] = 0;
  for (auto& counts : *counts_) counts[half] = 0;
}

// What is left over of one count goes to the next, so that the sum up to any bucket is half of what
// it was, rounded down.
void LatencySketch::HalveCounts(size_t half) {
  uint32_t left = 0;
  totals_[half] = 0;
  for (auto& counts : *counts_) {
    left += counts[half];
    counts[half] = static_cast<uint16_t>(left / 2);
    left %= 2;
    totals_[half] += counts[half];
  }
  StartOver();
}

void LatencySketch::StartOver() {
  cursor_ = 0;
  before_ = 0;
  up_to_ = CallsIn(0);
}

void LatencySketch::Add(absl::Duration latency, uint32_t calls, Tick now) {
  Rotate(now);
  const size_t bucket = BucketOf(latency);
  uint16_t& count = (*counts_)[bucket][filling_];
  while (calls > std::numeric_limits<uint16_t>::max() - uint32_t{count}) {
    HalveCounts(filling_);
    calls = calls / 2 + calls % 2;
  }
  count = static_cast<uint16_t>(count + calls);
  totals_[filling_] += calls;
  if (bucket < cursor_) before_ += calls;
  if (bucket <= cursor_) up_to_ += calls;
}

uint32_t LatencySketch::Count(Tick now) {
  Rotate(now);
  return totals_[0] + totals_[1];
}

std::optional<absl::Duration> LatencySketch::Quantile(Share q, Tick now) {
  const uint64_t total = Count(now);
  if (total == 0) return std::nullopt;
  const uint64_t millionths =
      static_cast<uint64_t>(std::clamp<int64_t>(q.millionths(), 0, Share::kOne));
  const uint64_t rank = std::max<uint64_t>(1, (millionths * total + Share::kOne - 1) / Share::kOne);
  Seek(rank);
  return LatencyOf(cursor_);
}

// Moves to the bucket of that rank, of at least 1 and at most all.
void LatencySketch::Seek(uint64_t rank) {
  while (up_to_ < rank) {
    before_ = up_to_;
    up_to_ += CallsIn(++cursor_);
  }
  while (before_ >= rank) {
    up_to_ = before_;
    before_ -= CallsIn(--cursor_);
  }
}

std::optional<absl::Duration> HedgeDelay(const HedgePolicy& policy, LatencySketch* sketch,
                                         Tick now) {
  if (policy.percentile.on() && sketch != nullptr && sketch->Count(now) >= policy.min_samples) {
    return sketch->Quantile(policy.percentile, now);
  }
  if (policy.delay > absl::ZeroDuration()) return policy.delay;
  return std::nullopt;
}

}  // namespace fusebox
