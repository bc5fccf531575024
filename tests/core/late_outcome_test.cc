// What becomes of outcomes that come back too late, or twice.
#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using LateOutcomeTest = GuardTest;

// A success from before the trip says nothing about now: it must not close.
TEST_F(LateOutcomeTest, ALateSuccessDoesNotClose) {
  breaker().success_threshold = 1;
  const Permit stale = Granted();
  HalfOpen();
  EXPECT_EQ(Record(stale, Outcome::kSuccess).counted, Counted::kLate);
  EXPECT_EQ(state(), State::kHalfOpen);
}

// Nor must a failure from before it open again or extend the wait.
TEST_F(LateOutcomeTest, ALateFailureNeitherExtendsTheWaitNorReopens) {
  const Permit first = Granted();
  const Permit second = Granted();
  Trip();
  Pass(absl::Seconds(29));
  EXPECT_EQ(Record(first, Outcome::kFailure).counted, Counted::kLate);
  EXPECT_EQ(Acquire().retry_after, absl::Seconds(1));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Record(second, Outcome::kFailure).counted, Counted::kLate);
  EXPECT_EQ(state(), State::kHalfOpen);
}

// A whole round later neither: the failure is of another life of the dependency.
TEST_F(LateOutcomeTest, AnOutcomeOfAnEarlierClosedEpochDoesNotCount) {
  const Permit stale = Granted();
  HalfOpen();
  Close();
  EXPECT_EQ(Record(stale, Outcome::kFailure).counted, Counted::kLate);
  EXPECT_EQ(Look().window, WindowCounts{});
  EXPECT_EQ(Look().consecutive_failures, 0u);
}

// A probe of the round before is no vote in this one.
TEST_F(LateOutcomeTest, AProbeOfAnEarlierRoundDoesNotVote) {
  breaker().success_threshold = 1;
  HalfOpen();
  const Permit old_probe = Granted();
  FailProbe();
  Pass(breaker().open_duration);
  const Permit probe = Granted();
  EXPECT_EQ(Record(old_probe, Outcome::kSuccess).counted, Counted::kLate);
  EXPECT_EQ(Look().probes, 1u);
  EXPECT_EQ(Record(probe, Outcome::kSuccess).state, State::kClosed);
}

// They are seen, though: many late outcomes mean a timeout that is too long.
TEST_F(LateOutcomeTest, LateOutcomesAreCountedAsLate) {
  const Permit a = Granted();
  const Permit b = Granted();
  Trip();
  Record(a, Outcome::kSuccess);
  Record(b, Outcome::kIgnored);
  EXPECT_EQ(Look().totals.late, 2u);
}

// Late or not, a repetition is a repetition.
TEST_F(LateOutcomeTest, ALateOutcomeCountsAsLateOnce) {
  const Permit stale = Granted();
  Trip();
  EXPECT_EQ(Record(stale, Outcome::kSuccess).counted, Counted::kLate);
  EXPECT_EQ(Record(stale, Outcome::kSuccess).counted, Counted::kRepeated);
  EXPECT_EQ(Look().totals.late, 1u);
}

// Recorded in time and sent again after the trip, it is still the same outcome.
TEST_F(LateOutcomeTest, ARepetitionIsKnownAcrossATransition) {
  const Permit permit = Granted();
  Record(permit, Outcome::kSuccess);
  HalfOpen();
  EXPECT_EQ(Record(permit, Outcome::kSuccess).counted, Counted::kRepeated);
  Close();
  EXPECT_EQ(Record(permit, Outcome::kSuccess).counted, Counted::kRepeated);
}

// A retried Record counts once.
TEST_F(LateOutcomeTest, ARepeatedOutcomeChangesNothing) {
  const Permit permit = Granted();
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kCounted);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kRepeated);
  }
  EXPECT_EQ(Look().window, (WindowCounts{1, 1, 0}));
  EXPECT_EQ(Look().totals.failures, 1u);
}

// The first word counts: who says SUCCESS after FAILURE repeats, whatever they say.
TEST_F(LateOutcomeTest, TheFirstOutcomeOfAPermitCounts) {
  const Permit permit = Granted();
  Record(permit, Outcome::kIgnored);
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kRepeated);
  EXPECT_EQ(Look().window.calls, 0u);
}

// A dependency that hangs for a minute must be able to trip, however many calls went by.
TEST_F(LateOutcomeTest, APermitThatIsTooOldToBeRememberedStillCounts) {
  breaker().failure_rate_threshold = Share();
  std::vector<Permit> hanging;
  for (int i = 0; i < 5; ++i) hanging.push_back(Granted());
  for (int i = 0; i < 20'000; ++i) Record(Granted(), Outcome::kSuccess);
  Pass(absl::Minutes(1));
  for (const Permit& permit : hanging) {
    EXPECT_EQ(Record(permit, Outcome::kTimeout).counted, Counted::kCounted);
  }
  EXPECT_EQ(state(), State::kOpen);
}

// Sent again after a quiet minute, when the breaker has given its memory back.
TEST_F(LateOutcomeTest, ARepetitionAfterAQuietTimeIsKnown) {
  const Permit permit = Granted();
  Record(permit, Outcome::kFailure);
  Pass(absl::Minutes(1));
  ASSERT_TRUE(guard_.Trim(Ruling(), now_));
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kRepeated);
  EXPECT_EQ(Look().totals.failures, 1u);
  EXPECT_EQ(Look().consecutive_failures, 1u);
}

// What was granted and earned is earned, even if the answer came after the trip.
TEST_F(LateOutcomeTest, ALateSuccessStillEarnsRetryBudgetOnce) {
  budget() = {Share::FromFraction(1), 0, absl::Seconds(60)};
  const Permit stale = Granted();
  Trip();
  EXPECT_EQ(Record(stale, Outcome::kSuccess).earned_calls, 1u);
  EXPECT_EQ(Record(stale, Outcome::kSuccess).earned_calls, 0u);
  EXPECT_EQ(Look().budget_balance, 1'000);
}

// Of epochs long gone nothing is known, so nothing can be earned twice.
TEST_F(LateOutcomeTest, AnOutcomeOfAForgottenEpochEarnsNothing) {
  budget() = {Share::FromFraction(1), 0, absl::Seconds(60)};
  const Permit ancient = Granted();
  HalfOpen();
  for (int round = 0; round < 10; ++round) {
    FailProbe();
    Pass(breaker().open_duration);
  }
  const Verdict verdict = Record(ancient, Outcome::kSuccess);
  EXPECT_EQ(verdict.counted, Counted::kLate);
  EXPECT_EQ(verdict.earned_calls, 0u);
}

// The answer to a late outcome tells where the breaker is now.
TEST_F(LateOutcomeTest, TheVerdictSaysWhereTheBreakerIsNow) {
  const Permit stale = Granted();
  Trip();
  const Verdict verdict = Record(stale, Outcome::kTimeout);
  EXPECT_EQ(verdict.state, State::kOpen);
  EXPECT_EQ(verdict.epoch, guard_.epoch());
  EXPECT_EQ(verdict.outcome, Outcome::kTimeout);
}

}  // namespace
}  // namespace fusebox
