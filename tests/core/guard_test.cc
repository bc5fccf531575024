// The parts of one breaker together: who is asked first, and what is given back.
#include "core/guard.h"

#include "core/guard_fixture.h"

namespace fusebox {
namespace {

class GuardPartsTest : public GuardTest {
 protected:
  // A budget of so many retries a second and none by success.
  void AllowRetries(uint32_t per_window) { budget() = {Share(), per_window, absl::Seconds(1)}; }
};

// A closed breaker without trouble says yes, and what to bring back.
TEST_F(GuardPartsTest, AGrantCarriesItsPermit) {
  const Decision decision = Acquire(3);
  EXPECT_TRUE(decision.allowed);
  EXPECT_FALSE(decision.shadow_denied);
  EXPECT_FALSE(decision.probe);
  EXPECT_EQ(decision.reason, Reason::kNone);
  EXPECT_EQ(decision.state, State::kClosed);
  EXPECT_EQ(decision.epoch, guard_.epoch());
  EXPECT_EQ(decision.permit.epoch, guard_.epoch());
  EXPECT_EQ(decision.permit.attempt, 3u);
  EXPECT_TRUE(decision.permit.votes);
}

// First attempts are free: the budget bounds retries alone.
TEST_F(GuardPartsTest, OnlyRetriesSpendTheBudget) {
  AllowRetries(2);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Acquire(i % 2).allowed);
  EXPECT_TRUE(Acquire(2).allowed);
  EXPECT_TRUE(Acquire(7).allowed);
  const Decision refused = Acquire(2);
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reason, Reason::kRetryBudget);
  EXPECT_GT(refused.retry_after, absl::ZeroDuration());
  EXPECT_LE(refused.retry_after, budget().window);
  EXPECT_EQ(Look().budget_spent, 2u);
  EXPECT_EQ(Look().budget_refused, 1u);
  EXPECT_TRUE(Acquire(1).allowed);
}

// A retry that the breaker refuses would not happen: it must not cost.
TEST_F(GuardPartsTest, ARefusingBreakerSpendsNothing) {
  AllowRetries(5);
  Trip();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Acquire(2).reason, Reason::kOpen);
  EXPECT_EQ(Look().budget_balance, 5'000);
  EXPECT_EQ(Look().budget_refused, 0u);
}

// Else three retries without budget would block the probes for a minute.
TEST_F(GuardPartsTest, ARefusingBudgetGivesTheProbeSlotBack) {
  AllowRetries(0);
  HalfOpen();
  for (int i = 0; i < 10; ++i) {
    const Decision refused = Acquire(2);
    EXPECT_EQ(refused.reason, Reason::kRetryBudget);
    EXPECT_EQ(refused.state, State::kHalfOpen);
    EXPECT_EQ(Look().probes, 0u);
  }
  EXPECT_TRUE(Acquire().probe);
}

// Deposits are for first attempts that succeeded: retries must not fund retries.
TEST_F(GuardPartsTest, OnlyFirstAttemptsThatSucceedEarn) {
  budget() = {Share::FromFraction(0.5), 10, absl::Seconds(10)};
  const int64_t reserve = Look().budget_balance;
  for (const Outcome outcome :
       {Outcome::kFailure, Outcome::kTimeout, Outcome::kRateLimited, Outcome::kIgnored}) {
    EXPECT_EQ(Record(Granted(), outcome).earned_calls, 0u);
  }
  EXPECT_EQ(Look().budget_balance, reserve);
  EXPECT_EQ(Record(Granted(1), Outcome::kSuccess).earned_calls, 1u);
  EXPECT_EQ(Record(Granted(0), Outcome::kSuccess).earned_calls, 1u);
  EXPECT_EQ(Look().budget_balance, reserve + 1'000);
  EXPECT_EQ(Record(Granted(2), Outcome::kSuccess).earned_calls, 0u);
  EXPECT_EQ(Look().budget_balance, reserve + 1'000 - 1'000);  // It cost, and earned nothing.
}

// A retried Record must not earn twice.
TEST_F(GuardPartsTest, ARepetitionEarnsNothing) {
  const Permit permit = Granted();
  EXPECT_EQ(Record(permit, Outcome::kSuccess).earned_calls, 1u);
  EXPECT_EQ(Record(permit, Outcome::kSuccess).earned_calls, 0u);
}

// Each retry reports for itself: three attempts are three records.
TEST_F(GuardPartsTest, EveryAttemptCountsForItself) {
  for (const uint32_t attempt : {1, 2, 3}) Record(Granted(attempt), Outcome::kFailure);
  EXPECT_EQ(Look().window, (WindowCounts{3, 3, 0}));
}

class SharedBudgetTest : public GuardPartsTest {
 protected:
  SharedBudgetTest() { policy_.shared_retry_budget = "fleet"; }
};

// A shared budget has its own owner: the guard neither spends nor deposits its own.
TEST_F(SharedBudgetTest, ThePrivateBudgetIsLeftAlone) {
  AllowRetries(0);
  EXPECT_TRUE(Acquire(2).allowed);
  EXPECT_EQ(Record(Granted(), Outcome::kSuccess).earned_calls, 1u);  // For the owner to deposit.
  EXPECT_EQ(Look().budget_balance, 0);
  EXPECT_EQ(Look().budget_spent, 0u);
}

// The owner's "no" is as good as the guard's.
TEST_F(SharedBudgetTest, RefuseTurnsAGrantIntoARefusal) {
  HalfOpen();
  const Decision granted = Acquire(2);
  ASSERT_TRUE(granted.probe);
  const Totals before = Look().totals;
  const Decision refused =
      guard_.Refuse(Ruling(), {.attempt = 2}, granted, {Reason::kRetryBudget, absl::Seconds(6)});
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reason, Reason::kRetryBudget);
  EXPECT_EQ(refused.retry_after, absl::Seconds(6));
  EXPECT_EQ(Look().probes, 0u);
  EXPECT_EQ(Look().totals.calls, before.calls - 1);
  EXPECT_EQ(Look().totals.refused, before.refused + 1);
}

// Between the grant and the "no" the breaker may move on: its new epoch is not touched.
TEST_F(SharedBudgetTest, RefuseAfterATransitionTouchesNothing) {
  HalfOpen();
  const Decision granted = Acquire(2);
  FailProbe();
  Pass(breaker().open_duration);
  ASSERT_TRUE(Acquire().probe);
  EXPECT_EQ(
      guard_.Refuse(Ruling(), {.attempt = 2}, granted, {Reason::kRetryBudget, absl::Seconds(6)})
          .reason,
      Reason::kRetryBudget);
  EXPECT_EQ(Look().probes, 1u);
}

// Nobody has the permit of a retry that was refused, with a vote or without: it is not waited for.
TEST_F(SharedBudgetTest, NoPermitOfARefusedRetryIsWaitedFor) {
  const Tick quiet = now_ + absl::Hours(1);
  for (const bool forced : {false, true}) {
    if (forced) Impose({.mode = OverrideMode::kForcedClosed, .expires = quiet});
    Record(Granted(), Outcome::kSuccess);
    guard_.Refuse(Ruling(), {.attempt = 2}, Acquire(2), {Reason::kRetryBudget, absl::Seconds(6)});
    Pass(absl::Minutes(1));
    EXPECT_TRUE(guard_.Trim(Ruling(), now_)) << (forced ? "forced" : "free");
  }
}

// Promise: time that goes back counts as the latest seen.
TEST_F(GuardPartsTest, TimeIsClampedForward) {
  Trip();
  const Tick due = guard_.NextDeadline();
  now_ = Tick::FromNanos(5);
  EXPECT_EQ(Acquire().retry_after, absl::Seconds(30));
  EXPECT_EQ(guard_.NextDeadline(), due);
  now_ = due;
  EXPECT_TRUE(Acquire().allowed);
}

// Totals are what graphs are drawn from.
TEST_F(GuardPartsTest, TotalsAddUp) {
  breaker().failure_rate_threshold = Share();
  Call(Outcome::kSuccess, 3);
  Call(Outcome::kCallerError, 2);
  Call(Outcome::kRateLimited, 1);
  Call(Outcome::kIgnored, 4);
  Observe(Outcome::kSuccess, 10);
  Call(Outcome::kTimeout, 5);
  ASSERT_EQ(state(), State::kOpen);
  for (int i = 0; i < 7; ++i) Acquire();
  const Totals totals = Look().totals;
  EXPECT_EQ(totals.calls, 15u);
  EXPECT_EQ(totals.successes, 15u);
  EXPECT_EQ(totals.failures, 6u);
  EXPECT_EQ(totals.refused, 7u);
  EXPECT_EQ(totals.late, 0u);
  EXPECT_EQ(totals.transitions, 1u);
}

// The mean is over the calls that said how long they took.
TEST_F(GuardPartsTest, LatenciesAddUpOverTimedCalls) {
  CallTaking(absl::Milliseconds(100));
  CallTaking(absl::Milliseconds(300), Outcome::kFailure);
  Call(Outcome::kSuccess, 5);
  Record({.result = Result::Of(Outcome::kSuccess), .latency = absl::Seconds(1), .calls = 3});
  const Totals totals = Look().totals;
  EXPECT_EQ(totals.timed_calls, 5u);
  EXPECT_DOUBLE_EQ(totals.latency_seconds, 3.4);
}

// Raw codes go through the policy's table.
TEST_F(GuardPartsTest, ClassifiesRawCodes) {
  EXPECT_EQ(Record({.permit = Granted(), .result = Result::Grpc(14)}).outcome, Outcome::kFailure);
  EXPECT_EQ(Record({.permit = Granted(), .result = Result::Http(204)}).outcome, Outcome::kSuccess);
  EXPECT_EQ(Look().window, (WindowCounts{2, 1, 0}));
}

// A refusal takes no number, and a permit is never granted twice.
TEST_F(GuardPartsTest, EveryPermitIsAnother) {
  const Permit a = Granted();
  const Permit b = Granted();
  EXPECT_NE(a.number, b.number);
  HalfOpen();
  EXPECT_NE(Granted().epoch, a.epoch);
}

// Whoever is forgotten starts closed, so nothing may be forgotten that refuses or is held.
TEST_F(GuardPartsTest, OpenAndOverriddenBreakersAreNotForgotten) {
  EXPECT_TRUE(guard_.IsForgettable(Ruling(), now_));
  Impose({.mode = OverrideMode::kShadow, .by_name = true});
  EXPECT_FALSE(guard_.IsForgettable(Ruling(), now_));
  Impose({.mode = OverrideMode::kShadow});  // By a glob: the next one will have it, too.
  EXPECT_TRUE(guard_.IsForgettable(Ruling(), now_));
  Impose({.mode = OverrideMode::kShadow, .by_name = true});
  Lift();
  Trip();
  EXPECT_FALSE(guard_.IsForgettable(Ruling(), now_));
  Pass(breaker().open_duration);
  Advance();
  EXPECT_TRUE(guard_.IsForgettable(Ruling(), now_));
}

// Idle breakers give their memory back, and nobody can tell.
TEST_F(GuardPartsTest, TrimChangesNothingThatIsVisible) {
  Call(Outcome::kFailure, 3);
  EXPECT_FALSE(guard_.Trim(Ruling(), now_));
  Pass(absl::Minutes(1));
  const Snapshot before = Look();
  EXPECT_TRUE(guard_.Trim(Ruling(), now_));
  const Snapshot after = Look();
  EXPECT_EQ(after.window, before.window);
  EXPECT_EQ(after.consecutive_failures, 3u);
  EXPECT_EQ(after.totals.failures, before.totals.failures);
  EXPECT_EQ(after.budget_balance, before.budget_balance);
  EXPECT_EQ(Call(Outcome::kFailure, 2).state, State::kOpen);
}

// A budget that owes or was spent is remembered, or trimming would refill it.
TEST_F(GuardPartsTest, TrimDoesNotRefillABudget) {
  AllowRetries(1);
  EXPECT_TRUE(Acquire(2).allowed);
  guard_.Trim(Ruling(), now_);
  EXPECT_FALSE(Acquire(2).allowed);
  EXPECT_EQ(Look().budget_spent, 1u);
}

// One look says everything about a breaker in trouble.
TEST_F(GuardPartsTest, ASnapshotIsComplete) {
  HalfOpen();
  FailProbe();
  Pass(absl::Seconds(10));
  const Snapshot snapshot = Look();
  EXPECT_EQ(snapshot.state, State::kOpen);
  EXPECT_EQ(snapshot.epoch, guard_.epoch());
  EXPECT_EQ(snapshot.retry_after, absl::Seconds(20));
  EXPECT_EQ(snapshot.reopens, 1u);
  EXPECT_EQ(snapshot.health, Health::kUnhealthy);
  EXPECT_EQ(snapshot.taken, now_);
  EXPECT_EQ(snapshot.last_transition->cause, Cause::kProbeFailed);
  EXPECT_EQ(snapshot.totals.transitions, 3u);
  EXPECT_FALSE(snapshot.override.has_value());
}

// A snapshot of a breaker whose wait is over shows it half-open, as the next caller will find it.
TEST_F(GuardPartsTest, ASnapshotDoesWhatWasDueFirst) {
  Trip();
  Pass(breaker().open_duration);
  EXPECT_EQ(Look().state, State::kHalfOpen);
  EXPECT_EQ(Look().retry_after, absl::ZeroDuration());
  EXPECT_EQ(transitions_.size(), 2u);
}

}  // namespace
}  // namespace fusebox
