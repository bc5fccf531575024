#include "core/recovery.h"

#include <gtest/gtest.h>

#include <limits>

namespace fusebox {
namespace {

constexpr uint64_t kLowest = 0;
constexpr uint64_t kMiddle = uint64_t{1} << 63;
constexpr uint64_t kHighest = std::numeric_limits<uint64_t>::max();

// The first wait is what the policy says, to the nanosecond.
TEST(OpenWaitTest, IsTheOpenDurationAtFirst) {
  CircuitBreakerPolicy policy;
  EXPECT_EQ(OpenWait(policy, 0, kMiddle), absl::Seconds(30));
  policy.open_duration = absl::Nanoseconds(1'234'567'891);
  EXPECT_EQ(OpenWait(policy, 0, kLowest), absl::Nanoseconds(1'234'567'891));
}

// Without a multiplier re-opens change nothing.
TEST(OpenWaitTest, GrowsByTheMultiplierWithEachReopen) {
  CircuitBreakerPolicy policy;
  EXPECT_EQ(OpenWait(policy, 7, kMiddle), absl::Seconds(30));
  policy.open_multiplier = Share::FromFraction(1.5);
  EXPECT_EQ(OpenWait(policy, 1, kMiddle), absl::Seconds(45));
  EXPECT_EQ(OpenWait(policy, 2, kMiddle), absl::Seconds(67.5));
}

// The power overflows long before anybody gives up: it must still be the cap.
TEST(OpenWaitTest, IsCappedHoweverManyReopens) {
  CircuitBreakerPolicy policy;
  policy.open_multiplier = Share::FromFraction(10);
  for (const uint32_t reopens : {2u, 10u, 1'000u, 4'000'000'000u}) {
    EXPECT_EQ(OpenWait(policy, reopens, kMiddle), absl::Minutes(10)) << reopens;
  }
}

// Jitter is a fraction to either side.
TEST(OpenWaitTest, JitterSpreadsToBothSides) {
  CircuitBreakerPolicy policy;
  policy.jitter = Share::FromFraction(0.2);
  EXPECT_EQ(OpenWait(policy, 0, kLowest), absl::Seconds(24));
  EXPECT_EQ(OpenWait(policy, 0, kMiddle), absl::Seconds(30));
  const absl::Duration longest = OpenWait(policy, 0, kHighest);
  EXPECT_LE(longest, absl::Seconds(36));
  EXPECT_GT(longest, absl::Seconds(35.999));
}

// Full jitter may draw nothing at all; a breaker still opens for a moment.
TEST(OpenWaitTest, IsAtLeastAMillisecond) {
  CircuitBreakerPolicy policy;
  policy.jitter = Share::FromFraction(1);
  EXPECT_EQ(OpenWait(policy, 0, kLowest), absl::Milliseconds(1));
}

// Whatever lengthened it, the cap is the cap.
TEST(OpenWaitTest, JitterNeverExceedsTheCap) {
  CircuitBreakerPolicy policy;
  policy.open_multiplier = Share::FromFraction(10);
  policy.jitter = Share::FromFraction(1);
  for (const uint64_t bits : {kLowest, kMiddle, kHighest}) {
    for (const uint32_t reopens : {0u, 1u, 5u, 5'000u}) {
      EXPECT_LE(OpenWait(policy, reopens, bits), policy.max_open_duration);
      EXPECT_GE(OpenWait(policy, reopens, bits), absl::Milliseconds(1));
    }
  }
}

// Off means off.
TEST(RampShareTest, IsAllWithoutARamp) {
  const CircuitBreakerPolicy policy;
  EXPECT_EQ(RampShareAfter(policy, absl::ZeroDuration()).millionths(), Share::kOne);
}

// From ramp_initial to all, evenly.
TEST(RampShareTest, GrowsEvenly) {
  CircuitBreakerPolicy policy;
  policy.ramp_duration = absl::Seconds(10);
  EXPECT_EQ(RampShareAfter(policy, absl::ZeroDuration()).millionths(), 100'000);
  EXPECT_EQ(RampShareAfter(policy, absl::Seconds(5)).millionths(), 550'000);
  EXPECT_LT(RampShareAfter(policy, absl::Seconds(9.999)).millionths(), Share::kOne);
  EXPECT_EQ(RampShareAfter(policy, absl::Seconds(10)).millionths(), Share::kOne);
  EXPECT_EQ(RampShareAfter(policy, absl::Hours(10)).millionths(), Share::kOne);
}

// A share that went down while recovering would refuse calls that were just admitted.
TEST(RampShareTest, NeverShrinks) {
  CircuitBreakerPolicy policy;
  policy.ramp_duration = absl::Seconds(7);
  policy.ramp_initial = Share::FromFraction(0.000001);
  Share before;
  for (int ms = 0; ms <= 7'100; ++ms) {
    const Share share = RampShareAfter(policy, absl::Milliseconds(ms));
    ASSERT_GE(share, before) << ms;
    ASSERT_LE(share.millionths(), Share::kOne) << ms;
    before = share;
  }
}

}  // namespace
}  // namespace fusebox
