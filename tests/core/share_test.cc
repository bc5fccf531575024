#include "core/share.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fusebox {
namespace {

// int(1.0 / 0.1f) is 9: thresholds compared in floating point are missed by one call.
TEST(ShareTest, IsReachedExactly) {
  for (const uint64_t tenths : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
    const Share share = Share::FromFraction(static_cast<double>(tenths) / 10);
    EXPECT_TRUE(share.IsReachedBy(tenths, 10)) << tenths;
    EXPECT_TRUE(share.IsReachedBy(tenths * 1'000, 10'000)) << tenths;
    EXPECT_FALSE(share.IsReachedBy(tenths - 1, 10)) << tenths;
    EXPECT_FALSE(share.IsReachedBy(tenths * 1'000 - 1, 10'000)) << tenths;
  }
}

// A window may hold as many calls as its counters can count.
TEST(ShareTest, DoesNotOverflowWithTheLargestCounts) {
  constexpr uint64_t kMost = std::numeric_limits<uint32_t>::max();
  EXPECT_TRUE(Share::FromFraction(1).IsReachedBy(kMost, kMost));
  EXPECT_FALSE(Share::FromFraction(1).IsReachedBy(kMost - 1, kMost));
}

// What a user writes must come back as it was written.
TEST(ShareTest, GivesBackTheFraction) {
  for (const double fraction : {0.0, 0.000001, 0.1, 0.2, 0.3, 0.5, 0.999999, 1.0, 1000.0}) {
    EXPECT_EQ(Share::FromFraction(fraction).fraction(), fraction);
  }
}

// 0 switches a rule off, so a tiny threshold must not become 0.
TEST(ShareTest, NeverRoundsToOff) {
  EXPECT_EQ(Share::FromFraction(1e-9).millionths(), 1);
  EXPECT_EQ(Share::FromFraction(-1e-9).millionths(), -1);
  EXPECT_FALSE(Share::FromFraction(0).on());
  EXPECT_TRUE(Share::FromFraction(1e-9).on());
}

// Validation can only name what survives until then.
TEST(ShareTest, HoldsWhatNoPolicyMayHave) {
  EXPECT_EQ(Share::FromFraction(50).fraction(), 50);
  EXPECT_LT(Share::FromFraction(-0.5).fraction(), 0);
  EXPECT_TRUE(std::isnan(Share::FromFraction(std::nan("")).fraction()));
  EXPECT_GT(Share::FromFraction(std::numeric_limits<double>::infinity()).fraction(), 1e9);
  EXPECT_LT(Share::FromFraction(-std::numeric_limits<double>::infinity()).fraction(), -1e9);
  EXPECT_GT(Share::FromFraction(1e300).fraction(), 1e9);
}

}  // namespace
}  // namespace fusebox
