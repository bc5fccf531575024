// What an operator does to one breaker: resets it, forgets it.
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using ::testing::Contains;

class ResetTest : public EngineTest {
 protected:
  ResetTest() { engine_.KeepOutages(); }
  Event LastEvent() { return engine_.events().Before(~uint64_t{0}, 1).at(0); }
};

TEST_F(ResetTest, AResetBreakerIsClosedAndKnowsNothing) {
  HalfOpen();
  const uint64_t epoch = Look().epoch;
  ASSERT_TRUE(engine_.Reset(kOrders, {"ada", "fixed"}).ok());
  const Snapshot after = Look();
  EXPECT_EQ(after.state, State::kClosed);
  EXPECT_GT(after.epoch, epoch);
  EXPECT_EQ(after.window.calls, 0u);
  EXPECT_EQ(after.consecutive_failures, 0u);
  EXPECT_EQ(after.probes, 0u);
  EXPECT_EQ(CountAllowed(100), 100);
}

// It is what the next outage waits that tells whether re-opens were forgotten.
TEST_F(ResetTest, AResetForgetsReopens) {
  Policy doubling;
  doubling.name = "default";
  doubling.circuit_breaker.open_multiplier = Share::FromFraction(2);
  SetPolicies({doubling});
  HalfOpen();
  Record(Granted(), Outcome::kFailure);
  ASSERT_EQ(Look().reopens, 1u);
  ASSERT_TRUE(engine_.Reset(kOrders, {}).ok());
  EXPECT_EQ(Look().reopens, 0u);
  Trip();
  EXPECT_EQ(Look().retry_after, absl::Seconds(30));
}

// It is told to be as new: it does not recover.
TEST_F(ResetTest, AResetBreakerDoesNotRamp) {
  Policy ramping;
  ramping.name = "default";
  ramping.circuit_breaker.ramp_duration = absl::Minutes(1);
  SetPolicies({ramping});
  Trip();
  ASSERT_TRUE(engine_.Reset(kOrders, {}).ok());
  EXPECT_EQ(CountAllowed(20), 20);
}

TEST_F(ResetTest, WhatWasGrantedBeforeIsLate) {
  const std::string permit = Granted();
  ASSERT_TRUE(engine_.Reset(kOrders, {}).ok());
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kLate);
}

TEST_F(ResetTest, OverrideAndTotalsStay) {
  Trip();
  ASSERT_TRUE(engine_.SetOverride(kOrders, {.mode = OverrideMode::kShadow}).ok());
  const Totals totals = Look().totals;
  ASSERT_TRUE(engine_.Reset(kOrders, {}).ok());
  EXPECT_TRUE(Look().override.has_value());
  EXPECT_EQ(Look().totals.failures, totals.failures);
  EXPECT_EQ(Look().totals.transitions, totals.transitions + 1);
}

TEST_F(ResetTest, TheHistoryTellsWhoAndWhy) {
  Trip();
  ASSERT_TRUE(engine_.Reset(kOrders, {"ada", "fixed"}).ok());
  EXPECT_EQ(LastEvent().breaker, kOrders);
  EXPECT_EQ(LastEvent().transition.cause, Cause::kReset);
  EXPECT_EQ(LastEvent().transition.from, State::kOpen);
  EXPECT_EQ(LastEvent().actor, "ada");
  EXPECT_EQ(LastEvent().reason, "fixed");
  EXPECT_EQ(LastEvent().policy, "default");
}

// What was due before it is not the operator's doing.
TEST_F(ResetTest, WhatWasDueBeforeHappensByItself) {
  Trip();
  clock_.Advance(absl::Seconds(31));
  ASSERT_TRUE(engine_.Reset(kOrders, {"ada", "fixed"}).ok());
  const std::vector<Event> events = engine_.events().Before(~uint64_t{0}, 2);
  EXPECT_EQ(events[1].transition.cause, Cause::kWaitOver);
  EXPECT_EQ(events[1].actor, "");
}

TEST_F(ResetTest, AForgottenBreakerComesBackNewAndInALaterEpoch) {
  Trip();
  const uint64_t epoch = Look().epoch;
  ASSERT_TRUE(engine_.Forget(kOrders, {"ada", "gone"}).ok());
  EXPECT_FALSE(Exists());
  EXPECT_EQ(LastEvent().transition.cause, Cause::kDeleted);
  EXPECT_EQ(LastEvent().actor, "ada");
  const AllowAnswer answer = Allow();
  EXPECT_TRUE(answer.decision.allowed);
  EXPECT_GT(answer.decision.epoch, epoch);
}

// What was kept of its outage has to go.
TEST_F(ResetTest, BothAreChangesOfAnOutage) {
  Trip();
  Trip(kUsers);
  engine_.TakeChangedOutages();
  ASSERT_TRUE(engine_.Reset(kOrders, {}).ok());
  ASSERT_TRUE(engine_.Forget(kUsers, {}).ok());
  const NameSet::Names changed = engine_.TakeChangedOutages();
  EXPECT_THAT(changed, Contains(kOrders));
  EXPECT_THAT(changed, Contains(kUsers));
  EXPECT_FALSE(engine_.SaveOutage(kOrders).has_value());
  EXPECT_FALSE(engine_.SaveOutage(kUsers).has_value());
}

// Forgotten, it would come back overridden: that is not what a deletion promises.
TEST_F(ResetTest, ABreakerThatAnOverrideNamesIsNotForgotten) {
  ASSERT_TRUE(engine_.SetOverride(kOrders, {.actor = "ada"}).ok());
  ExpectError(engine_.Forget(kOrders, {}), absl::StatusCode::kFailedPrecondition,
              "BREAKER_OVERRIDDEN", {"db/orders", "ada", "clear"});
  EXPECT_TRUE(Exists());
}

TEST_F(ResetTest, ABreakerThatIsNotThereIsAnError) {
  for (const absl::Status& status : {engine_.Reset(kOrders, {}), engine_.Forget(kOrders, {})}) {
    ExpectError(status, absl::StatusCode::kNotFound, "BREAKER_NOT_FOUND", {"db/orders"});
  }
}

// The metrics count breakers by what moved.
TEST_F(ResetTest, BreakersByStateAddUp) {
  Trip();
  Trip(kUsers);
  ASSERT_TRUE(engine_.Reset(kOrders, {}).ok());
  ASSERT_TRUE(engine_.Forget(kUsers, {}).ok());
  const auto in_state = engine_.counters().BreakersByState(engine_.breakers());
  EXPECT_THAT(in_state, ::testing::ElementsAre(1, 0, 0));
}

}  // namespace
}  // namespace fusebox
