// What an operator imposes: it changes the answer, never the state underneath.
#include "core/override.h"

#include "core/guard_fixture.h"

namespace fusebox {
namespace {

class OverrideTest : public GuardTest {
 protected:
  using GuardTest::Impose;
  void Impose(OverrideMode mode, absl::Duration ttl = absl::InfiniteDuration()) {
    Impose({.mode = mode, .reason = "maintenance", .actor = "alice", .expires = now_ + ttl});
  }
};

// A drill: everybody is refused, and is told why.
TEST_F(OverrideTest, ForcedOpenRefusesEveryCall) {
  Impose(OverrideMode::kForcedOpen);
  const Decision refused = Acquire();
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reason, Reason::kForcedOpen);
  EXPECT_EQ(refused.state, State::kClosed);  // The machine underneath.
  EXPECT_EQ(refused.retry_after, breaker().open_duration);
}

// No caller should stay away longer than the override lasts.
TEST_F(OverrideTest, ForcedOpenTellsTheTimeThatIsLeft) {
  Impose(OverrideMode::kForcedOpen, absl::Seconds(8));
  Pass(absl::Seconds(3));
  EXPECT_EQ(Acquire().retry_after, absl::Seconds(5));
}

// Forced open is not open: lifting it leaves the breaker as it was.
TEST_F(OverrideTest, ForcedOpenLeavesTheStateAlone) {
  Call(Outcome::kFailure, 4);
  Impose(OverrideMode::kForcedOpen);
  for (int i = 0; i < 10; ++i) Acquire();
  Lift();
  EXPECT_EQ(Look().consecutive_failures, 4u);
  EXPECT_TRUE(transitions_.empty());
  EXPECT_TRUE(Acquire().allowed);
}

// Calls that were out when the drill began still count: the machine goes on.
TEST_F(OverrideTest, OutcomesCountUnderForcedOpen) {
  std::vector<Permit> permits;
  for (int i = 0; i < 5; ++i) permits.push_back(Granted());
  Impose(OverrideMode::kForcedOpen);
  for (const Permit& permit : permits) Record(permit, Outcome::kFailure);
  EXPECT_EQ(state(), State::kOpen);
}

// The machine's own timer must not undo what an operator forced.
TEST_F(OverrideTest, TheTimerOfTheMachineDoesNotUndoIt) {
  Trip();
  Impose(OverrideMode::kForcedOpen);
  Pass(breaker().open_duration);
  Advance();
  EXPECT_EQ(state(), State::kHalfOpen);  // Underneath.
  EXPECT_EQ(Acquire().reason, Reason::kForcedOpen);
}

// A retry that is refused by an operator costs nothing.
TEST_F(OverrideTest, ForcedOpenSpendsNoBudget) {
  Impose(OverrideMode::kForcedOpen);
  const int64_t before = Look().budget_balance;
  Acquire(2);
  EXPECT_EQ(Look().budget_balance, before);
}

// The operator knows better than the breaker: it refuses nothing.
TEST_F(OverrideTest, ForcedClosedLetsPassWhatTheBreakerRefuses) {
  Trip();
  Impose(OverrideMode::kForcedClosed);
  const Decision decision = Acquire();
  EXPECT_TRUE(decision.allowed);
  EXPECT_FALSE(decision.shadow_denied);
  EXPECT_EQ(decision.state, State::kOpen);
  EXPECT_FALSE(decision.permit.votes);
}

// Such a call never would have been made: it has no vote, good or bad.
TEST_F(OverrideTest, WhatOnlyTheOverrideLetsThroughDoesNotVote) {
  breaker().success_threshold = 1;
  HalfOpen();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Acquire().probe);
  Impose(OverrideMode::kForcedClosed);
  const Decision extra = Acquire();
  ASSERT_TRUE(extra.allowed);
  EXPECT_FALSE(extra.probe);
  EXPECT_EQ(Record(extra.permit, Outcome::kSuccess).counted, Counted::kNotCounted);
  EXPECT_EQ(Call(Outcome::kFailure).counted, Counted::kNotCounted);
  EXPECT_EQ(state(), State::kHalfOpen);
  EXPECT_EQ(Look().probes, 3u);
}

// What the breaker would have admitted anyway votes as ever, so that it finds out by itself.
TEST_F(OverrideTest, TheMachineRecoversUnderForcedClosed) {
  Trip();
  Impose(OverrideMode::kForcedClosed);
  Pass(breaker().open_duration);
  EXPECT_EQ(Call(Outcome::kSuccess, 2).state, State::kClosed);
}

// And trips by itself, too: only the answer is overridden.
TEST_F(OverrideTest, TheMachineTripsUnderForcedClosed) {
  Impose(OverrideMode::kForcedClosed);
  EXPECT_EQ(Call(Outcome::kFailure, 5).state, State::kOpen);
  EXPECT_TRUE(Acquire().allowed);
}

// Overrides affect the breaker part only: a retry storm is bounded under FORCED_CLOSED as well.
TEST_F(OverrideTest, ForcedClosedStillSpendsTheBudget) {
  budget() = {Share(), 1, absl::Seconds(1)};
  Trip();
  Impose(OverrideMode::kForcedClosed);
  EXPECT_TRUE(Acquire(2).allowed);
  EXPECT_EQ(Acquire(2).reason, Reason::kRetryBudget);
  EXPECT_TRUE(Acquire(1).allowed);
}

// It was a real call with a real success, so it earns.
TEST_F(OverrideTest, ForcedClosedCallsEarn) {
  Trip();
  Impose(OverrideMode::kForcedClosed);
  EXPECT_EQ(Record(Granted(), Outcome::kSuccess).earned_calls, 1u);
}

// SHADOW is how one dares to introduce a breaker: it says what it would have done.
TEST_F(OverrideTest, ShadowLetsEverythingPassAndSaysWhatItWouldHaveDone) {
  Impose(OverrideMode::kShadow);
  const Decision plain = Acquire();
  EXPECT_TRUE(plain.allowed);
  EXPECT_FALSE(plain.shadow_denied);
  Trip();
  const Decision denied = Acquire();
  EXPECT_TRUE(denied.allowed);
  EXPECT_TRUE(denied.shadow_denied);
  EXPECT_EQ(denied.reason, Reason::kOpen);
  EXPECT_FALSE(denied.permit.votes);
}

// As if enforced: the same traffic leads to the same states with SHADOW and without.
TEST_F(OverrideTest, ShadowRunsTheMachineAsIfEnforced) {
  breaker().success_threshold = 1;
  Impose(OverrideMode::kShadow);
  Call(Outcome::kFailure, 5);
  ASSERT_EQ(state(), State::kOpen);
  EXPECT_EQ(Call(Outcome::kSuccess, 50).state, State::kOpen);  // Enforced, none were made.
  Pass(breaker().open_duration);
  std::vector<Decision> decisions;
  for (int i = 0; i < 5; ++i) decisions.push_back(Acquire());
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(decisions[i].probe, i < 3) << i;
    EXPECT_EQ(decisions[i].shadow_denied, i >= 3) << i;
  }
  Record(decisions[4].permit, Outcome::kFailure);
  EXPECT_EQ(state(), State::kHalfOpen);
  Record(decisions[0].permit, Outcome::kSuccess);
  EXPECT_EQ(state(), State::kClosed);
}

// It spends every part as if enforced: the budget runs dry, and that is said, too.
TEST_F(OverrideTest, ShadowSpendsTheBudgetAndPassesOn) {
  budget() = {Share(), 1, absl::Seconds(1)};
  Impose(OverrideMode::kShadow);
  EXPECT_FALSE(Acquire(2).shadow_denied);
  const Decision denied = Acquire(2);
  EXPECT_TRUE(denied.allowed);
  EXPECT_TRUE(denied.shadow_denied);
  EXPECT_EQ(denied.reason, Reason::kRetryBudget);
  EXPECT_EQ(Look().budget_spent, 1u);
  EXPECT_EQ(Look().budget_refused, 1u);
}

// A breaker that refuses spends nothing, in SHADOW as well.
TEST_F(OverrideTest, ShadowRefusalsOfTheBreakerSpendNoBudget) {
  Trip();
  Impose(OverrideMode::kShadow);
  const int64_t before = Look().budget_balance;
  EXPECT_TRUE(Acquire(2).shadow_denied);
  EXPECT_EQ(Look().budget_balance, before);
}

// As if enforced, the call was not made: it earns nothing.
TEST_F(OverrideTest, ShadowDeniedCallsEarnNothing) {
  Trip();
  Impose(OverrideMode::kShadow);
  EXPECT_EQ(Record(Granted(), Outcome::kSuccess).earned_calls, 0u);
}

// A shared budget's "no" is as if enforced, too.
TEST_F(OverrideTest, ShadowTurnsARefusalOfASharedBudgetIntoAPass) {
  policy_.shared_retry_budget = "fleet";
  HalfOpen();
  Impose(OverrideMode::kShadow);
  const Decision granted = Acquire(2);
  const Decision decision =
      guard_.Refuse(Ruling(), {.attempt = 2}, granted, {Reason::kRetryBudget, absl::Seconds(6)});
  EXPECT_TRUE(decision.allowed);
  EXPECT_TRUE(decision.shadow_denied);
  EXPECT_EQ(Look().probes, 0u);
  EXPECT_NE(decision.permit.number, granted.permit.number);
}

// A forgotten override is tomorrow's outage, so they end by themselves.
TEST_F(OverrideTest, EndsAfterItsTimeToLive) {
  Impose(OverrideMode::kForcedOpen, absl::Seconds(10));
  EXPECT_EQ(guard_.NextDeadline(), now_ + absl::Seconds(10));
  Pass(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_FALSE(Acquire().allowed);
  Pass(absl::Nanoseconds(1));
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_FALSE(Look().override.has_value());
  EXPECT_EQ(guard_.NextDeadline(), Tick::Max());
}

// Watchers compare epoch and revision: an override changes the latter only.
TEST_F(OverrideTest, KeepsTheEpochAndRaisesTheRevision) {
  const uint64_t epoch = guard_.epoch();
  Impose(OverrideMode::kShadow);
  EXPECT_EQ(guard_.revision(), 1u);
  Impose(OverrideMode::kForcedOpen, absl::Seconds(1));
  EXPECT_EQ(guard_.revision(), 2u);
  Lift();
  EXPECT_EQ(guard_.revision(), 3u);
  Lift();
  EXPECT_EQ(guard_.revision(), 3u);  // There was nothing to clear.
  Impose(OverrideMode::kForcedOpen, absl::Seconds(1));
  Pass(absl::Seconds(1));
  Advance();
  EXPECT_EQ(guard_.revision(), 5u);  // It expired.
  EXPECT_EQ(guard_.epoch(), epoch);
}

// Who did that, and why?
TEST_F(OverrideTest, IsVisibleWithReasonAndActor) {
  Impose(OverrideMode::kForcedClosed, absl::Seconds(5));
  const Snapshot snapshot = Look();
  ASSERT_TRUE(snapshot.override.has_value());
  EXPECT_EQ(snapshot.override->mode, OverrideMode::kForcedClosed);
  EXPECT_EQ(snapshot.override->reason, "maintenance");
  EXPECT_EQ(snapshot.override->actor, "alice");
  EXPECT_EQ(snapshot.override->expires, now_ + absl::Seconds(5));
}

// The ramp is a part of the breaker like the others.
TEST_F(OverrideTest, ForcedClosedPassesTheRamp) {
  breaker().ramp_duration = absl::Seconds(10);
  HalfOpen();
  Close();
  Impose(OverrideMode::kForcedClosed);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Acquire().allowed);
}

// The two ways to be refused do not add up in the totals.
TEST_F(OverrideTest, TotalsTellWhatReallyPassed) {
  Trip();
  Impose(OverrideMode::kShadow);
  Acquire();
  Impose(OverrideMode::kForcedClosed);
  Acquire();
  Impose(OverrideMode::kForcedOpen);
  Acquire();
  EXPECT_EQ(Look().totals.calls, 2u);
  EXPECT_EQ(Look().totals.refused, 1u);
}

}  // namespace
}  // namespace fusebox
