#include "core/replay_filter.h"

#include <gtest/gtest.h>

#include <set>

namespace fusebox {
namespace {

using Seen = ReplayFilter::Seen;

// The point of it: a Record that is sent again counts once.
TEST(ReplayFilterTest, TellsTheFirstTimeFromTheSecond) {
  ReplayFilter filter(0);
  EXPECT_EQ(filter.Mark(0, 1), Seen::kFirst);
  EXPECT_EQ(filter.Mark(0, 1), Seen::kRepeated);
  EXPECT_EQ(filter.Mark(2, 3), Seen::kFirst);
  EXPECT_EQ(filter.Mark(1, 3), Seen::kFirst);
  EXPECT_EQ(filter.Mark(0, 3), Seen::kRepeated);
  EXPECT_EQ(filter.Mark(2, 3), Seen::kRepeated);
}

// Outcomes come back in any order.
TEST(ReplayFilterTest, OrderDoesNotMatter) {
  ReplayFilter filter(0);
  constexpr uint64_t kGranted = 3'000;
  for (uint64_t i = 0; i < kGranted; ++i) {
    EXPECT_EQ(filter.Mark((i * 1'117) % kGranted, kGranted), Seen::kFirst) << i;
  }
  for (uint64_t i = 0; i < kGranted; ++i) {
    EXPECT_EQ(filter.Mark(i, kGranted), Seen::kRepeated) << i;
  }
}

// The bound is 8,192: of a burst that deep every outcome is told apart.
TEST(ReplayFilterTest, ReachesBack8192) {
  ReplayFilter filter(0);
  EXPECT_EQ(filter.Mark(0, 8'192), Seen::kFirst);
  EXPECT_EQ(filter.Mark(8'191, 8'192), Seen::kFirst);
  EXPECT_EQ(filter.Mark(0, 8'192), Seen::kRepeated);
  EXPECT_EQ(filter.Mark(0, 8'193), Seen::kRepeated);
  EXPECT_EQ(filter.Mark(1, 8'193), Seen::kFirst);
}

// Out of reach is said and not guessed: such an outcome still counts.
TEST(ReplayFilterTest, SaysWhenItCannotKnow) {
  ReplayFilter filter(0);
  EXPECT_EQ(filter.Mark(5, 100'000), Seen::kOutOfReach);
  EXPECT_EQ(filter.Mark(99'999, 100'000), Seen::kFirst);
  EXPECT_EQ(filter.Mark(5, 100'000), Seen::kOutOfReach);
}

// A filter that is born late follows one for which nothing was out: all before it came back.
TEST(ReplayFilterTest, NumbersBeforeItsFirstCameBackBefore) {
  ReplayFilter filter(500);
  EXPECT_FALSE(filter.Awaits(500));
  EXPECT_EQ(filter.Mark(499, 600), Seen::kRepeated);
  EXPECT_EQ(filter.Mark(500, 600), Seen::kFirst);
  EXPECT_EQ(filter.Mark(500, 600), Seen::kRepeated);
  EXPECT_EQ(filter.Mark(0, 1'000'000), Seen::kRepeated);
}

// Whoever wants to forget it has to know whether something is still out.
TEST(ReplayFilterTest, AwaitsWhatHasNotComeBack) {
  ReplayFilter filter(0);
  EXPECT_FALSE(filter.Awaits(0));
  EXPECT_TRUE(filter.Awaits(2));
  filter.Mark(1, 2);
  filter.Mark(1, 2);
  EXPECT_TRUE(filter.Awaits(2));
  filter.Mark(0, 2);
  EXPECT_FALSE(filter.Awaits(2));
  EXPECT_TRUE(filter.Awaits(3));
}

// A slow call may be overtaken by thousands of fast ones; its repetition is known all the same.
TEST(ReplayFilterTest, KeepsTheBitOfOneThatIsOvertaken) {
  ReplayFilter filter(0);
  for (uint64_t i = 1; i < 8'192; ++i) ASSERT_EQ(filter.Mark(i, i + 1), Seen::kFirst);
  EXPECT_EQ(filter.Mark(0, 8'192), Seen::kFirst);
  EXPECT_EQ(filter.Mark(0, 8'192), Seen::kRepeated);
}

// A Record is sent again when its answer was lost, and by then many others have come and gone.
TEST(ReplayFilterTest, KnowsRepetitionsFromFarBehind) {
  ReplayFilter filter(0);
  for (uint64_t i = 0; i < 50'000; ++i) ASSERT_EQ(filter.Mark(i, i + 1), Seen::kFirst);
  for (uint64_t i = 0; i < 50'000; i += 100) {
    EXPECT_EQ(filter.Mark(i, 50'000), Seen::kRepeated) << i;
  }
}

// How many of the first numbers are unknown, when each `one_in`-th of so many did not come back.
uint64_t CountUnknown(uint64_t granted, uint64_t one_in, uint64_t among) {
  ReplayFilter filter(0);
  for (uint64_t i = 0; i < granted; ++i) {
    if (i % one_in == 0) continue;
    EXPECT_EQ(filter.Mark(i, i + 1), Seen::kFirst);
  }
  uint64_t unknown = 0;
  for (uint64_t i = 0; i < among; ++i) unknown += filter.Mark(i, granted) == Seen::kOutOfReach;
  return unknown;
}

// Of those that were given up nothing is known; of all before, between and after it is.
TEST(ReplayFilterTest, OnlyTheLostAreUnknown) {
  EXPECT_EQ(CountUnknown(50'000, /*one_in=*/10'000, /*among=*/40'000), 4u);
  EXPECT_EQ(CountUnknown(48'000, /*one_in=*/2'500, /*among=*/39'000), 16u);
}

// More runs than are told apart become fewer and longer, and no lost one is taken for a repetition.
TEST(ReplayFilterTest, BeyondSixteenRunsTheNearestBecomeOne) {
  EXPECT_EQ(CountUnknown(50'000, /*one_in=*/2'500, /*among=*/41'000), 15u + 2'501u);
}

// Clients die with permits in their hands: those must not be waited for for ever.
TEST(ReplayFilterTest, GivesUpWhatFallsOutOfReach) {
  ReplayFilter filter(0);
  constexpr uint64_t kLost = 100'000, kOneIn = 1'000;
  uint64_t granted = 0;
  for (; granted < kLost; ++granted) {
    if (granted % kOneIn == 0) continue;
    ASSERT_EQ(filter.Mark(granted, granted + 1), Seen::kFirst);
  }
  EXPECT_TRUE(filter.Awaits(granted));
  for (; granted < kLost + 8'192; ++granted) {
    ASSERT_EQ(filter.Mark(granted, granted + 1), Seen::kFirst);
  }
  EXPECT_FALSE(filter.Awaits(granted));
}

// Of a silent stretch, only what is still within reach is waited for.
TEST(ReplayFilterTest, AwaitsNothingFromBeforeAGap) {
  ReplayFilter filter(0);
  EXPECT_EQ(filter.Mark(99'999, 100'000), Seen::kFirst);
  EXPECT_TRUE(filter.Awaits(100'000));
  for (uint64_t i = 99'999 - 8'191; i < 99'999; ++i) {
    ASSERT_EQ(filter.Mark(i, 100'000), Seen::kFirst);
  }
  EXPECT_FALSE(filter.Awaits(100'000));
}

// Growing must keep every mark.
TEST(ReplayFilterTest, GrowsWithoutForgetting) {
  ReplayFilter filter(0);
  for (uint64_t i = 0; i < 60; ++i) ASSERT_EQ(filter.Mark(i, 61), Seen::kFirst);
  ASSERT_EQ(filter.Mark(60, 1'000), Seen::kFirst);  // Comes back from far behind: it grows.
  for (uint64_t i = 0; i <= 60; ++i) EXPECT_EQ(filter.Mark(i, 1'000), Seen::kRepeated) << i;
  for (uint64_t i = 61; i < 1'000; ++i) EXPECT_EQ(filter.Mark(i, 1'000), Seen::kFirst) << i;
}

// What the ring reuses must be clean: a number never answers for the one a lap before.
TEST(ReplayFilterTest, ALapLaterTheBitsAreClean) {
  ReplayFilter filter(0);
  for (uint64_t i = 0; i < 50'000; ++i) {
    ASSERT_EQ(filter.Mark(i, i + 1), Seen::kFirst) << i;
    ASSERT_EQ(filter.Mark(i, i + 1), Seen::kRepeated) << i;
  }
}

// A silent stretch of any length takes over bits as a busy one does.
TEST(ReplayFilterTest, BitsAreCleanAfterAGap) {
  for (const uint64_t gap : {1u, 63u, 64u, 127u, 128u, 129u, 8'191u, 8'192u, 8'193u, 1'000'000u}) {
    ReplayFilter filter(0);
    for (uint64_t i = 0; i < 128; ++i) ASSERT_EQ(filter.Mark(i, 128), Seen::kFirst);
    const uint64_t granted = 128 + gap;
    for (uint64_t i = granted - 1; i + 64 > granted && i >= 128; --i) {
      EXPECT_EQ(filter.Mark(i, granted), Seen::kFirst) << i << " after a gap of " << gap;
    }
  }
}

// Against a set of all numbers: within reach the filter is never wrong.
TEST(ReplayFilterTest, AgreesWithASetOfEverything) {
  ReplayFilter filter(0);
  std::set<uint64_t> marked;
  uint64_t granted = 0;
  uint32_t noise = 99;
  for (int i = 0; i < 50'000; ++i) {
    noise = noise * 1664525 + 1013904223;
    granted += 1 + (noise >> 29);
    const uint64_t behind = noise % (i % 100 == 0 ? 9'000 : 200);
    const uint64_t number = granted - 1 - std::min<uint64_t>(behind, granted - 1);
    const Seen seen = filter.Mark(number, granted);
    if (seen == Seen::kOutOfReach) continue;
    ASSERT_EQ(seen == Seen::kFirst, marked.insert(number).second) << number << " of " << granted;
  }
  EXPECT_GT(marked.size(), 10'000u);
}

}  // namespace
}  // namespace fusebox
