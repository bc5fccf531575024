// What happens by itself: waits end, leases expire, idle breakers are forgotten.
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;

class MaintainTest : public EngineTest {
 protected:
  MaintainTest() : EngineTest({.idle_ttl = absl::Minutes(10)}) {}

  uint64_t Evicted() const { return engine_.counters().Evicted(); }
};

// Watchers see a breaker half-open though nobody calls it.
TEST_F(MaintainTest, HalfOpensWhenTheWaitIsOver) {
  Trip();
  Pass(absl::Seconds(30) - absl::Nanoseconds(1));
  EXPECT_EQ(engine_.transitions(), 1u);
  Pass(absl::Nanoseconds(1));
  ASSERT_EQ(engine_.transitions(), 2u);
  const Transition last = engine_.events().After(1, 1).front().transition;
  EXPECT_EQ(last.to, State::kHalfOpen);
  EXPECT_EQ(last.cause, Cause::kWaitOver);
}

// A timer that comes late must not make the wait longer.
TEST_F(MaintainTest, WhatWasDueHappensAtTheTimeItWasDue) {
  const Tick tripped = clock_.Now();
  Trip();
  Pass(absl::Seconds(45));
  EXPECT_EQ(Look().last_transition->time, tripped + absl::Seconds(30));
}

// More breakers than are taken from the queue at a time.
TEST_F(MaintainTest, AdvancesEveryBreakerThatIsDue) {
  constexpr int kBreakers = 2'500;
  for (int i = 0; i < kBreakers; ++i) Trip("db/" + std::to_string(i));
  Pass(absl::Seconds(30));
  EXPECT_EQ(engine_.transitions(), 2u * kBreakers);
}

// The holders of all probes died: the breaker must find that out by itself.
TEST_F(MaintainTest, LeasesThatExpireReopenTheBreaker) {
  HalfOpen();
  EXPECT_EQ(CountAllowed(5), 3);
  Pass(absl::Seconds(60));
  EXPECT_EQ(engine_.transitions(), 3u);
  const Snapshot snapshot = Look();
  EXPECT_EQ(snapshot.state, State::kOpen);
  EXPECT_EQ(snapshot.last_transition->cause, Cause::kProbesExpired);
}

// One holder died: its slot comes back, and the others decide.
TEST_F(MaintainTest, ALeaseThatExpiresGivesItsSlotBack) {
  HalfOpen();
  Allow();
  Pass(absl::Seconds(60));
  EXPECT_EQ(Look().state, State::kHalfOpen);
  EXPECT_EQ(Look().probes, 0u);
  EXPECT_EQ(CountAllowed(5), 3);
}

// What an operator forgot ends by itself.
TEST_F(MaintainTest, OverridesEndWithTheirTimeToLive) {
  const Override drill{.mode = OverrideMode::kForcedOpen,
                       .expires = clock_.Now() + absl::Minutes(5)};
  ASSERT_TRUE(engine_.SetOverride(kOrders, drill).ok());
  const uint32_t revision = Look().revision;
  Pass(absl::Minutes(5) - absl::Nanoseconds(1));
  EXPECT_TRUE(Look().override.has_value());
  Pass(absl::Nanoseconds(1));
  EXPECT_FALSE(Look().override.has_value());
  EXPECT_EQ(Look().revision, revision + 1);
}

// Ten million names from one tenant: what is idle makes room.
TEST_F(MaintainTest, ForgetsAnIdleBreaker) {
  Record(Granted(), Outcome::kSuccess);
  Pass(absl::Minutes(9));
  Sweep();
  EXPECT_TRUE(Exists());
  Pass(absl::Minutes(1));
  Sweep();
  EXPECT_FALSE(Exists());
  EXPECT_EQ(engine_.breakers(), 0u);
  EXPECT_EQ(Evicted(), 1u);
}

// Only Allow keeps a breaker: a look at it must not.
TEST_F(MaintainTest, LookingDoesNotKeepABreaker) {
  Allow();
  for (int minute = 0; minute < 10; ++minute) {
    Look();
    Pass(absl::Minutes(1));
  }
  Sweep();
  EXPECT_FALSE(Exists());
}

// Traffic keeps a breaker, and idleness counts from the last of it.
TEST_F(MaintainTest, KeepsABreakerWithTraffic) {
  for (int minute = 0; minute < 30; ++minute) {
    Allow();
    Pass(absl::Minutes(1));
  }
  EXPECT_TRUE(Exists());
}

// Some callers only report. Their breaker's window must not be emptied in the middle of an outage.
TEST_F(MaintainTest, KeepsABreakerThatIsOnlyReportedTo) {
  Observe(Outcome::kFailure);
  const uint64_t epoch = Look().epoch;
  for (int minute = 0; minute < 30; ++minute) {
    Pass(absl::Minutes(1));
    Observe(Outcome::kSuccess);
  }
  EXPECT_EQ(Look().epoch, epoch);
}

// An open breaker is the memory of an outage: it may be forgotten only once its wait is over.
TEST_F(MaintainTest, KeepsAnOpenBreakerUntilItsWaitIsOver) {
  Policy patient;
  patient.circuit_breaker.open_duration = absl::Hours(1);
  patient.circuit_breaker.max_open_duration = absl::Hours(1);
  SetPolicies({patient});
  Trip();
  Pass(absl::Minutes(59));
  Sweep();
  ASSERT_TRUE(Exists());
  EXPECT_EQ(Look().state, State::kOpen);
  Pass(absl::Minutes(1));
  Sweep();
  EXPECT_EQ(Look().state, State::kHalfOpen);  // Since a moment ago: not idle for long enough.
  Pass(absl::Minutes(10));
  Sweep();
  EXPECT_FALSE(Exists());
}

// A half-open breaker that nobody calls would otherwise stay for ever.
TEST_F(MaintainTest, ForgetsAnIdleHalfOpenBreaker) {
  HalfOpen();
  Pass(absl::Minutes(10));
  Sweep();
  EXPECT_FALSE(Exists());
}

// A probe that is out may still decide.
TEST_F(MaintainTest, KeepsABreakerWhoseProbeIsOut) {
  Policy slow;
  slow.circuit_breaker.probe_timeout = absl::Hours(1);
  SetPolicies({slow});
  HalfOpen();
  const std::string probe = Granted();
  Pass(absl::Minutes(30));
  Sweep();
  ASSERT_TRUE(Exists());
  EXPECT_EQ(Record(probe, Outcome::kSuccess).counted, Counted::kCounted);
}

// What an operator was told is done stays done.
TEST_F(MaintainTest, KeepsAnOverriddenBreaker) {
  ASSERT_TRUE(engine_.SetOverride(kOrders, {.mode = OverrideMode::kForcedClosed}).ok());
  Pass(absl::Hours(24));
  Sweep();
  ASSERT_TRUE(Exists());
  EXPECT_TRUE(Look().override.has_value());
  ASSERT_TRUE(engine_.ClearOverride(kOrders).ok());
  Sweep();
  EXPECT_FALSE(Exists());
}

// A breaker that was forgotten starts anew, and late news of the old one do not reach it.
TEST_F(MaintainTest, AForgottenBreakerStartsAnew) {
  Observe(Outcome::kFailure, 4);
  const std::string permit = Granted();
  Pass(absl::Minutes(10));
  Sweep();
  ASSERT_FALSE(Exists());
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kLate);
  EXPECT_FALSE(Exists());
  Allow();
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kLate);
  EXPECT_EQ(Look().consecutive_failures, 0u);
}

// The next tenant of a slot must not be touched by what was due for the one before.
TEST_F(MaintainTest, WhatWasDueForTheLastTenantOfASlotPasses) {
  const Override drill{.expires = clock_.Now() + absl::Hours(2)};
  ASSERT_TRUE(engine_.SetOverride(kOrders, drill).ok());
  ASSERT_TRUE(engine_.ClearOverride(kOrders).ok());
  Pass(absl::Minutes(10));
  Sweep();
  ASSERT_FALSE(Exists());
  Trip(kUsers);
  Pass(absl::Seconds(30));
  EXPECT_EQ(Look(kUsers).state, State::kHalfOpen);
  EXPECT_EQ(engine_.transitions(), 2u);
}

// Memory that holds nothing is given back; what hangs longer than the window must still count.
TEST_F(MaintainTest, TrafficAfterTrimmingIsStillRight) {
  Observe(Outcome::kFailure, 4);
  const std::string hanging = Granted();
  Pass(absl::Seconds(60));
  Sweep();
  EXPECT_EQ(Look().window.calls, 0u);
  EXPECT_EQ(Look().consecutive_failures, 4u);
  EXPECT_EQ(Record(hanging, Outcome::kTimeout).counted, Counted::kCounted);
  EXPECT_EQ(Look().state, State::kOpen);
}

// After a trim the window fills and empties as before.
TEST_F(MaintainTest, TheWindowAfterTrimmingCountsFromNothing) {
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 10; ++i) Record(Granted(), Outcome::kSuccess);
    EXPECT_EQ(Look().window.calls, 10u) << round;
    Pass(absl::Seconds(20));
    Sweep();
  }
  EXPECT_EQ(Look().totals.calls, 30u);
  EXPECT_EQ(Look().totals.successes, 30u);
}

// A spent budget is no empty one: trimming must not hand out a new one.
TEST_F(MaintainTest, TrimmingKeepsWhatTheBudgetCounted) {
  Policy policy;
  policy.retry_budget = {.min_retries_per_second = 1, .window = absl::Minutes(1)};
  SetPolicies({policy});
  EXPECT_EQ(CountAllowed(100, kOrders, 2), 60);
  Sweep();
  EXPECT_EQ(CountAllowed(100, kOrders, 2), 0);
}

// The sweep is spread over its period, so that no single turn looks at a million breakers.
TEST_F(MaintainTest, TheSweepIsSpreadOverItsPeriod) {
  constexpr int kBreakers = 1'000;
  for (int i = 0; i < kBreakers; ++i) Allow("db/" + std::to_string(i));
  Pass(absl::Minutes(10) - absl::Seconds(1));
  Pass(absl::Seconds(5));  // Begins a sweep.
  const uint64_t before = Evicted();
  Pass(absl::Seconds(1));
  EXPECT_EQ(Evicted() - before, kBreakers / 5u);
}

// Nothing to do is nothing done.
TEST_F(MaintainTest, AnEmptyEngineNeedsNoCare) {
  for (int i = 0; i < 100; ++i) Pass(absl::Seconds(1));
  EXPECT_EQ(engine_.transitions(), 0u);
  EXPECT_THAT(engine_.events().After(0, 10), IsEmpty());
}

}  // namespace
}  // namespace fusebox
