#include "core/tick.h"

#include <gtest/gtest.h>

namespace fusebox {
namespace {

// A wait and the elapsed time must cancel out exactly, or timers would drift.
TEST(TickTest, AddingAndSubtractingAreExact) {
  const Tick start = Tick::FromNanos(7);
  const Tick end = start + absl::Seconds(3);
  EXPECT_EQ(end.nanos(), 3'000'000'007);
  EXPECT_EQ(end - start, absl::Seconds(3));
  EXPECT_EQ(start - end, -absl::Seconds(3));
}

// "Never" must stay never, whatever is added to it.
TEST(TickTest, SaturatesAtMax) {
  EXPECT_EQ(Tick::Max() + absl::Hours(1), Tick::Max());
  EXPECT_EQ(Tick::FromNanos(1) + absl::InfiniteDuration(), Tick::Max());
  Tick tick = Tick::FromNanos(Tick::Max().nanos() - 5);
  tick += absl::Nanoseconds(5);
  EXPECT_EQ(tick, Tick::Max());
  tick += absl::Nanoseconds(1);
  EXPECT_EQ(tick, Tick::Max());
}

// How long until never: for ever, and not 292 years.
TEST(TickTest, NeverIsInfinitelyFarAway) {
  EXPECT_EQ(Tick::Max() - Tick::FromNanos(5), absl::InfiniteDuration());
}

// Deadlines are compared all the time.
TEST(TickTest, LaterIsGreater) {
  EXPECT_LT(Tick::FromNanos(1), Tick::FromNanos(2));
  EXPECT_LT(Tick::FromNanos(2), Tick::Max());
  EXPECT_EQ(Tick(), Tick::FromNanos(0));
}

}  // namespace
}  // namespace fusebox
