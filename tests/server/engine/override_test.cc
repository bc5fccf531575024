// What an operator imposes on a breaker changes the answer, never the state underneath.
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

class OverrideTest : public EngineTest {
 protected:
  void Impose(OverrideMode mode, absl::string_view breaker = kOrders) {
    ASSERT_TRUE(
        engine_.SetOverride(breaker, {.mode = mode, .reason = "drill", .actor = "ada"}).ok());
  }
  void Clear(absl::string_view breaker = kOrders) {
    ASSERT_TRUE(engine_.ClearOverride(breaker).ok());
  }
};

// An operator may act before the first call.
TEST_F(OverrideTest, ImposingMakesTheBreaker) {
  Impose(OverrideMode::kForcedOpen);
  const Snapshot snapshot = Look();
  ASSERT_TRUE(snapshot.override.has_value());
  EXPECT_EQ(snapshot.override->reason, "drill");
  EXPECT_EQ(snapshot.override->actor, "ada");
  EXPECT_EQ(snapshot.state, State::kClosed);
}

// A drill proves that a fallback works.
TEST_F(OverrideTest, ForcedOpenRefusesEveryCall) {
  Impose(OverrideMode::kForcedOpen);
  EXPECT_EQ(CountAllowed(10), 0);
  EXPECT_EQ(Allow().decision.reason, Reason::kForcedOpen);
  Clear();
  EXPECT_TRUE(Allow().decision.allowed);
}

// The machine underneath goes on: lifted, the breaker stands where it would have stood.
TEST_F(OverrideTest, ForcedClosedLetsPassWithoutAVote) {
  Trip();
  Impose(OverrideMode::kForcedClosed);
  const AllowAnswer answer = Allow();
  EXPECT_TRUE(answer.decision.allowed);
  EXPECT_FALSE(answer.decision.shadow_denied);
  EXPECT_EQ(answer.decision.state, State::kOpen);
  EXPECT_EQ(Record(answer.permit.bytes(), Outcome::kSuccess).counted, Counted::kNotCounted);
  Clear();
  EXPECT_EQ(Allow().decision.reason, Reason::kOpen);
  EXPECT_EQ(Look().retry_after, absl::Seconds(30));
}

// SHADOW shows what enforcement would do before anybody depends on it.
TEST_F(OverrideTest, ShadowSaysWhatItWouldHaveRefused) {
  Impose(OverrideMode::kShadow);
  Trip();
  const AllowAnswer answer = Allow();
  EXPECT_TRUE(answer.decision.allowed);
  EXPECT_TRUE(answer.decision.shadow_denied);
  EXPECT_EQ(answer.decision.reason, Reason::kOpen);
  EXPECT_EQ(Record(answer.permit.bytes(), Outcome::kFailure).counted, Counted::kNotCounted);
  EXPECT_EQ(engine_.counters().shadow_denied[static_cast<size_t>(Reason::kOpen)], 1u);
}

// A forced state is not undone by a timer, nor does it stop one.
TEST_F(OverrideTest, TheTimerGoesOnUnderneath) {
  Trip();
  Impose(OverrideMode::kForcedOpen);
  Pass(absl::Seconds(30));
  EXPECT_EQ(Look().state, State::kHalfOpen);
  EXPECT_EQ(Allow().decision.reason, Reason::kForcedOpen);
  EXPECT_EQ(Look().probes, 0u);
}

// Overrides keep the epoch and raise the revision, so that watchers know which is newer.
TEST_F(OverrideTest, RaisesTheRevisionAndKeepsTheEpoch) {
  Allow();
  const Snapshot before = Look();
  Impose(OverrideMode::kShadow);
  Impose(OverrideMode::kForcedOpen);
  Clear();
  EXPECT_EQ(Look().epoch, before.epoch);
  EXPECT_EQ(Look().revision, before.revision + 3);
}

// Who lifts what is not there may have mistaken the name.
TEST_F(OverrideTest, LiftingNothingIsAnErrorAndChangesNothing) {
  EXPECT_TRUE(absl::IsNotFound(engine_.ClearOverride(kOrders)));
  EXPECT_FALSE(Exists());
  Allow();
  const uint32_t revision = Look().revision;
  EXPECT_TRUE(absl::IsNotFound(engine_.ClearOverride(kOrders)));
  EXPECT_EQ(Look().revision, revision);
}

// A permit from before the override is of this epoch and votes.
TEST_F(OverrideTest, PermitsFromBeforeStillVote) {
  const std::string permit = Granted();
  Impose(OverrideMode::kForcedOpen);
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kCounted);
}

// One breaker's override is no other's.
TEST_F(OverrideTest, TouchesNoOtherBreaker) {
  Impose(OverrideMode::kForcedOpen, kOrders);
  EXPECT_TRUE(Allow(kUsers).decision.allowed);
}

}  // namespace
}  // namespace fusebox
