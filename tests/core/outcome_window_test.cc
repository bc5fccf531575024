#include "core/outcome_window.h"

#include <gtest/gtest.h>

#include <deque>
#include <limits>
#include <vector>

namespace fusebox {
namespace {

constexpr WindowCounts kGood = {.calls = 1};
constexpr WindowCounts kBad = {.calls = 1, .failures = 1};
constexpr WindowCounts kSlow = {.calls = 1, .failures = 0, .slow = 1};

Tick At(absl::Duration since_origin) { return Tick() + since_origin; }
Tick AtMs(int64_t ms) { return At(absl::Milliseconds(ms)); }

// What came in a bucket leaves with it: after nine to ten tenths of the duration.
TEST(TimeWindowTest, HoldsTheLastTenBuckets) {
  TimeWindow window(absl::Seconds(10), AtMs(0));
  window.Add(kBad, AtMs(999));
  window.Add(kGood, AtMs(1'000));
  EXPECT_EQ(window.Counts(AtMs(9'999)), (WindowCounts{2, 1, 0}));
  EXPECT_EQ(window.Counts(AtMs(10'000)), (WindowCounts{1, 0, 0}));
  EXPECT_EQ(window.Counts(AtMs(11'000)), (WindowCounts{0, 0, 0}));
}

// Boundaries are multiples of a tenth, wherever the window was born.
TEST(TimeWindowTest, BucketsAreAlignedWhereverItStarts) {
  TimeWindow window(absl::Seconds(10), AtMs(3'700));
  window.Add(kBad, AtMs(3'700));
  EXPECT_EQ(window.Counts(AtMs(12'999)).calls, 1u);
  EXPECT_EQ(window.Counts(AtMs(13'000)).calls, 0u);
}

// An idle gap must not shift the boundaries: 9.9 s after a gap has to be like 9.9 s without one.
TEST(TimeWindowTest, BucketsStayAlignedAcrossIdleGaps) {
  for (const int64_t gap_ms : {1'500, 10'000, 12'345, 3'600'001, 86'400'000}) {
    TimeWindow window(absl::Seconds(10), AtMs(500));
    window.Add(kBad, AtMs(500));
    const int64_t later_ms = 500 + gap_ms;
    window.Add(kGood, AtMs(later_ms));
    const int64_t leaves_ms = (later_ms / 1'000 + 10) * 1'000;
    EXPECT_EQ(window.Counts(AtMs(leaves_ms - 1)).calls, 1u) << gap_ms;
    EXPECT_EQ(window.Counts(AtMs(leaves_ms)).calls, 0u) << gap_ms;
  }
}

// A gap longer than the window empties it, however long: no bucket survives a lap of the ring.
TEST(TimeWindowTest, ALongGapEmptiesIt) {
  for (const int64_t gap_s : {10, 11, 19, 20, 100, 100'000'000}) {
    TimeWindow window(absl::Seconds(10), AtMs(0));
    for (int64_t ms = 0; ms < 10'000; ms += 100) window.Add(kSlow, AtMs(ms));
    ASSERT_EQ(window.Counts(AtMs(9'999)).slow, 100u);
    EXPECT_EQ(window.Counts(At(absl::Seconds(9 + gap_s))), WindowCounts{}) << gap_s;
  }
}

// The totals are kept by subtraction; they must equal what a rescan finds.
TEST(TimeWindowTest, TotalsEqualTheSumOfWhatIsInside) {
  TimeWindow window(absl::Seconds(1), AtMs(0));
  std::deque<std::pair<int64_t, WindowCounts>> all;
  int64_t ms = 0;
  uint32_t noise = 12345;
  for (int i = 0; i < 5'000; ++i) {
    noise = noise * 1664525 + 1013904223;
    ms += noise >> 28 == 0 ? 1'700 : (noise >> 20) % 40;
    const WindowCounts counts = {1 + (noise >> 8) % 3, (noise >> 12) % 2, (noise >> 14) % 2};
    window.Add(counts, AtMs(ms));
    all.emplace_back(ms, counts);
    WindowCounts expected;
    for (const auto& [then, added] : all) {
      if (then / 100 > ms / 100 - 10) expected += added;
    }
    ASSERT_EQ(window.Counts(AtMs(ms)), expected) << "at " << ms;
    while (all.front().first < ms - 2'000) all.pop_front();
  }
}

// A tenth that is no whole number of nanoseconds must not divide by nothing or drift.
TEST(TimeWindowTest, TakesDurationsThatDoNotDivideByTen) {
  const absl::Duration odd = absl::Milliseconds(100) + absl::Nanoseconds(7);
  TimeWindow window(odd, AtMs(0));
  window.Add(kBad, AtMs(0));
  EXPECT_EQ(window.Counts(AtMs(99)).failures, 1u);
  EXPECT_EQ(window.Counts(AtMs(101)).failures, 0u);
}

// More than four billion calls must not wrap around to few.
TEST(TimeWindowTest, StopsCountingBeforeItWouldWrap) {
  TimeWindow window(absl::Hours(1), AtMs(0));
  const uint32_t most = std::numeric_limits<uint32_t>::max();
  window.Add({most - 1, 0, 0}, AtMs(0));
  window.Add({2, 2, 0}, AtMs(0));
  EXPECT_EQ(window.Counts(AtMs(1)), (WindowCounts{most - 1, 0, 0}));
  window.Add({1, 1, 1}, AtMs(1));
  EXPECT_EQ(window.Counts(AtMs(1)), (WindowCounts{most, 1, 1}));
  EXPECT_EQ(window.Counts(At(absl::Hours(2))), WindowCounts{});
}

// A client that failed counts for the quorum exactly as long as its failure is in the counts.
TEST(TimeWindowTest, AStampLeavesWithItsBucket) {
  for (const int64_t born_ms : {0, 1, 500, 999}) {
    TimeWindow window(absl::Seconds(10), AtMs(born_ms));
    window.Add(kBad, AtMs(born_ms));
    const int64_t stamp = TimeWindow::Stamp(AtMs(born_ms));
    for (int64_t ms = born_ms; ms < 11'000; ms += 250) {
      EXPECT_EQ(window.Holds(stamp, AtMs(ms)), window.Counts(AtMs(ms)).failures == 1)
          << "born at " << born_ms << ", seen at " << ms;
    }
  }
}

// The last N, whatever the time.
TEST(CountWindowTest, HoldsTheLastCalls) {
  CountWindow window(3);
  window.Add(kBad);
  window.Add(kSlow);
  EXPECT_EQ(window.Counts(), (WindowCounts{2, 1, 1}));
  window.Add(kGood);
  window.Add(kGood);
  EXPECT_EQ(window.Counts(), (WindowCounts{3, 0, 1}));
  window.Add(kGood);
  EXPECT_EQ(window.Counts(), (WindowCounts{3, 0, 0}));
}

// The totals are kept by subtraction; they must equal what a rescan finds, lap after lap.
TEST(CountWindowTest, TotalsEqualTheSumOfWhatIsInside) {
  constexpr size_t kSize = 7;
  CountWindow window(kSize);
  std::deque<WindowCounts> all;
  uint32_t noise = 54321;
  for (int i = 0; i < 1'000; ++i) {
    noise = noise * 1664525 + 1013904223;
    const WindowCounts one = {1, (noise >> 12) % 2, (noise >> 14) % 2};
    window.Add(one);
    all.push_back(one);
    if (all.size() > kSize) all.pop_front();
    WindowCounts expected;
    for (const WindowCounts& added : all) expected += added;
    ASSERT_EQ(window.Counts(), expected);
  }
}

// Counts that come together do not say in which order: the bad ones must not leave first.
TEST(CountWindowTest, FailuresOfABatchLeaveLast) {
  CountWindow window(4);
  window.Add({4, 2, 1});
  EXPECT_EQ(window.Counts(), (WindowCounts{4, 2, 1}));
  window.Add({2, 0, 0});
  EXPECT_EQ(window.Counts(), (WindowCounts{4, 2, 1}));
  window.Add({1, 0, 0});
  EXPECT_EQ(window.Counts(), (WindowCounts{4, 1, 1}));
}

// A million calls at once cost no more than the window holds.
TEST(CountWindowTest, ABatchLargerThanTheWindowFillsIt) {
  CountWindow window(10);
  window.Add({1'000'000, 1'000'000, 0});
  EXPECT_EQ(window.Counts(), (WindowCounts{10, 10, 0}));
  window.Add({1'000'000, 0, 1'000'000});
  EXPECT_EQ(window.Counts(), (WindowCounts{10, 0, 10}));
}

// Shrinking a window of 100 with 50 failures must leave one half failed, and not ten of ten.
TEST(CountWindowTest, ABatchLargerThanTheWindowKeepsItsRates) {
  CountWindow window(10);
  window.Add({100, 50, 20});
  EXPECT_EQ(window.Counts(), (WindowCounts{10, 5, 2}));
}

// A batch is laid down by whole words, and must be as if its calls came one by one: good ones
// first.
TEST(CountWindowTest, ABatchIsAsItsCallsOneByOne) {
  for (const uint32_t size : {1u, 2u, 63u, 64u, 65u, 127u, 128u, 130u, 1'000u, 10'000u}) {
    CountWindow batched(size), single(size);
    uint32_t noise = size;
    for (int i = 0; i < 300; ++i) {
      noise = noise * 1664525 + 1013904223;
      const uint32_t calls = i % 10 == 0 ? size : (noise >> 8) % (size + 1);
      noise = noise * 1664525 + 1013904223;
      const uint32_t failures = (noise >> 8) % (calls + 1);
      const uint32_t slow = (noise >> 16) % (calls + 1);
      batched.Add({calls, failures, slow});
      for (uint32_t left = calls; left > 0; --left) single.Add({1, left <= failures, left <= slow});
      ASSERT_EQ(batched.Counts(), single.Counts()) << "size " << size << ", batch " << i;
      ASSERT_EQ(batched.Stamp(), single.Stamp());
    }
  }
}

// Stamps of a count window count calls.
TEST(CountWindowTest, AStampLeavesAfterSoManyCalls) {
  CountWindow window(3);
  window.Add(kBad);
  const int64_t stamp = window.Stamp();
  for (int more = 0; more < 5; ++more) {
    EXPECT_EQ(window.Holds(stamp), window.Counts().failures == 1) << more;
    window.Add(kGood);
  }
  window.Add(kBad);
  const int64_t later = window.Stamp();
  window.Add({1'000, 0, 0});
  EXPECT_FALSE(window.Holds(later));
}

// The policy says which one it is, and time means nothing to a window of calls.
TEST(OutcomeWindowTest, IsTheOneThatThePolicyAsksFor) {
  CircuitBreakerPolicy by_time;
  OutcomeWindow timed(by_time, AtMs(0));
  timed.Add(kBad, AtMs(0));
  EXPECT_EQ(timed.Counts(AtMs(9'999)).failures, 1u);
  EXPECT_EQ(timed.Counts(AtMs(10'000)).failures, 0u);

  CircuitBreakerPolicy by_calls;
  by_calls.window_calls = 2;
  OutcomeWindow counted(by_calls, AtMs(0));
  counted.Add(kBad, AtMs(0));
  const int64_t stamp = counted.Stamp(AtMs(0));
  EXPECT_EQ(counted.Counts(At(absl::Hours(9'999))).failures, 1u);
  counted.Add({2, 0, 0}, AtMs(1));
  EXPECT_EQ(counted.Counts(AtMs(1)).failures, 0u);
  EXPECT_FALSE(counted.Holds(stamp, AtMs(1)));
}

// Only a changed window is replaced; the duration of an unused one is no change.
TEST(OutcomeWindowTest, KnowsWhetherTwoPoliciesAskForTheSame) {
  CircuitBreakerPolicy a, b;
  EXPECT_TRUE(SameWindow(a, b));
  b.window_duration = absl::Seconds(5);
  EXPECT_FALSE(SameWindow(a, b));
  a.window_calls = b.window_calls = 10;
  EXPECT_TRUE(SameWindow(a, b));
  b.window_calls = 11;
  EXPECT_FALSE(SameWindow(a, b));
  b.window_calls = 0;
  EXPECT_FALSE(SameWindow(a, b));
}

}  // namespace
}  // namespace fusebox
