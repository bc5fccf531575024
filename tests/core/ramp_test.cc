// How a breaker lets traffic back in after it closed.
#include "core/guard_fixture.h"

namespace fusebox {
namespace {

class RampTest : public GuardTest {
 protected:
  RampTest() { breaker().ramp_duration = absl::Seconds(10); }

  void Recover() {
    HalfOpen();
    Close();
  }
  int AllowedOf(int calls) {
    int allowed = 0;
    for (int i = 0; i < calls; ++i) allowed += Acquire().allowed;
    return allowed;
  }
};

// Off by default: closing means closed.
TEST_F(RampTest, IsOffByDefault) {
  breaker().ramp_duration = CircuitBreakerPolicy().ramp_duration;
  Recover();
  EXPECT_EQ(AllowedOf(1'000), 1'000);
  EXPECT_EQ(Look().ramp_share.millionths(), Share::kOne);
}

// A dependency with cold caches must not be hit by everybody at once.
TEST_F(RampTest, AdmitsAShareThatGrowsToAll) {
  Recover();
  EXPECT_NEAR(AllowedOf(1'000), 100, 1);
  Pass(absl::Seconds(5));
  EXPECT_NEAR(AllowedOf(1'000), 550, 1);
  Pass(absl::Seconds(5));
  EXPECT_EQ(AllowedOf(1'000), 1'000);
}

// The lonely caller must not be told to wait by a breaker that has just closed.
TEST_F(RampTest, TheFirstCallAfterClosingPasses) {
  Recover();
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_FALSE(Acquire().allowed);
}

// A refusal says why, and to come back soon: others are being admitted.
TEST_F(RampTest, ARefusalIsRamping) {
  Recover();
  Acquire();
  const Decision refused = Acquire();
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reason, Reason::kRamping);
  EXPECT_EQ(refused.retry_after, absl::Milliseconds(100));
  EXPECT_EQ(refused.state, State::kClosed);
}

// The admitted calls are spread, not bunched at the front.
TEST_F(RampTest, AdmittedCallsAreSpreadEvenly) {
  breaker().ramp_initial = Share::FromFraction(0.25);
  Recover();
  for (int i = 0; i < 40; ++i) EXPECT_EQ(Acquire().allowed, i % 4 == 0) << i;
}

// Only recovery ramps; a new breaker starts at full.
TEST_F(RampTest, ANewBreakerDoesNotRamp) { EXPECT_EQ(AllowedOf(1'000), 1'000); }

// A ramp is CLOSED: failures count and trip as ever.
TEST_F(RampTest, MayTripWhileRamping) {
  Recover();
  EXPECT_EQ(Observe(Outcome::kFailure, 5).state, State::kOpen);
}

// Every recovery ramps from the start.
TEST_F(RampTest, StartsAnewWithEveryRecovery) {
  Recover();
  Pass(absl::Seconds(10));
  EXPECT_EQ(AllowedOf(100), 100);
  Recover();
  EXPECT_NEAR(AllowedOf(1'000), 100, 1);
}

// Seen from outside: the share grows and never exceeds one.
TEST_F(RampTest, TheShareIsVisible) {
  EXPECT_EQ(Look().ramp_share.millionths(), Share::kOne);
  Recover();
  EXPECT_EQ(Look().ramp_share.millionths(), 100'000);
  Pass(absl::Seconds(5));
  EXPECT_EQ(Look().ramp_share.millionths(), 550'000);
  Pass(absl::Hours(1));
  EXPECT_EQ(Look().ramp_share.millionths(), Share::kOne);
}

// What the ramp admitted and the budget refused was no call: the next one takes its place.
TEST_F(RampTest, ARefusedRetryGivesItsPlaceBack) {
  budget() = {Share(), 0, absl::Seconds(10)};
  Recover();
  EXPECT_EQ(Acquire(2).reason, Reason::kRetryBudget);
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_EQ(Acquire().reason, Reason::kRamping);
}

// Retries refused at full share took no place: they must not fund a burst in a later ramp.
TEST_F(RampTest, RetriesRefusedOutsideTheRampSaveUpNothing) {
  budget() = {Share(), 0, absl::Seconds(10)};
  breaker().ramp_duration = absl::ZeroDuration();
  Recover();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(Acquire(2).reason, Reason::kRetryBudget);
  breaker().ramp_duration = absl::Hours(1);
  EXPECT_LE(AllowedOf(100), 11);
}

}  // namespace
}  // namespace fusebox
