// When a closed breaker opens.
#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using TripTest = GuardTest;

// The textbook rule, without any configuration.
TEST_F(TripTest, OpensAfterFiveFailuresInARow) {
  EXPECT_EQ(Call(Outcome::kFailure, 4).state, State::kClosed);
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kConsecutiveFailures);
}

// A dependency that does not answer is as bad as one that answers badly.
TEST_F(TripTest, ATimeoutIsAFailure) {
  Call(Outcome::kFailure, 2);
  EXPECT_EQ(Call(Outcome::kTimeout, 3).state, State::kOpen);
}

// The dependency answered: whether the request was right says nothing about it.
TEST_F(TripTest, ASuccessOrACallerErrorEndsTheRun) {
  for (const Outcome outcome : {Outcome::kSuccess, Outcome::kCallerError}) {
    Call(Outcome::kFailure, 4);
    Call(outcome);
    EXPECT_EQ(Look().consecutive_failures, 0u);
    EXPECT_EQ(state(), State::kClosed);
  }
}

// Neither a caller that gave up nor one that asked too often says that the run goes on or is over.
TEST_F(TripTest, IgnoredAndRateLimitedNeitherAddToTheRunNorEndIt) {
  Call(Outcome::kFailure, 4);
  for (const Outcome outcome : {Outcome::kIgnored, Outcome::kRateLimited}) {
    EXPECT_EQ(Call(outcome, 3).state, State::kClosed);
    EXPECT_EQ(Look().consecutive_failures, 4u);
  }
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen);
}

// A busy service has five failures in a row by chance: 0 must mean off and not "at once".
TEST_F(TripTest, ZeroSwitchesTheRunOff) {
  breaker().consecutive_failures = 0;
  breaker().failure_rate_threshold = Share();
  EXPECT_EQ(Call(Outcome::kFailure, 1'000).state, State::kClosed);
  EXPECT_EQ(Look().consecutive_failures, 1'000u);
}

// ">=" and not ">": 10 of 20 is one half.
TEST_F(TripTest, OpensWhenTheFailureRateReachesItsThreshold) {
  breaker().consecutive_failures = 0;
  Call(Outcome::kSuccess, 11);
  EXPECT_EQ(Call(Outcome::kFailure, 10).state, State::kClosed);  // 10 of 21.
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen);        // 11 of 22.
  EXPECT_EQ(last().cause, Cause::kFailureRate);
  EXPECT_EQ(last().window, (WindowCounts{22, 11, 0}));
}

// Three failures of ten are 0.3, also for floating point.
TEST_F(TripTest, RatesAreComparedExactly) {
  breaker().consecutive_failures = 0;
  breaker().minimum_calls = 10;
  for (const int tenths : {1, 3, 6, 7}) {
    breaker().failure_rate_threshold = Share::FromFraction(tenths / 10.0);
    Call(Outcome::kSuccess, 10 - tenths);
    EXPECT_EQ(Call(Outcome::kFailure, tenths - 1).state, State::kClosed) << tenths;
    EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen) << tenths;
    Pass(breaker().open_duration);
    Close();
  }
}

// One failure of one call is 100 %, and means nothing.
TEST_F(TripTest, ARateCountsOnlyOnceThereWereEnoughCalls) {
  breaker().consecutive_failures = 0;
  EXPECT_EQ(Call(Outcome::kFailure, 19).state, State::kClosed);
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen);
}

// Whatever brings the window to its minimum decides, also a success.
TEST_F(TripTest, ConditionsAreEvaluatedAfterEveryCountedOutcome) {
  breaker().consecutive_failures = 0;
  Call(Outcome::kFailure, 19);
  EXPECT_EQ(Call(Outcome::kIgnored).state, State::kClosed);  // It does not count.
  EXPECT_EQ(Call(Outcome::kSuccess).state, State::kOpen);
  EXPECT_EQ(last().window, (WindowCounts{20, 19, 0}));
}

// IGNORED is not a call: it must not thin out the rate either.
TEST_F(TripTest, IgnoredIsNoCall) {
  Call(Outcome::kIgnored, 50);
  EXPECT_EQ(Look().window, WindowCounts{});
  EXPECT_EQ(Record(Granted(), Outcome::kIgnored).counted, Counted::kNotCounted);
}

// A dependency that sheds load is failing its callers, so it counts for the rate.
TEST_F(TripTest, RateLimitedIsAFailureForTheRate) {
  breaker().consecutive_failures = 1;
  EXPECT_EQ(Call(Outcome::kRateLimited, 19).state, State::kClosed);
  EXPECT_EQ(Call(Outcome::kRateLimited).state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kFailureRate);
}

// Caller errors are answers.
TEST_F(TripTest, CallerErrorsAreSuccessesForTheRate) {
  breaker().consecutive_failures = 0;
  Call(Outcome::kCallerError, 11);
  Call(Outcome::kFailure, 9);
  EXPECT_EQ(Call(Outcome::kCallerError).state, State::kClosed);
  EXPECT_EQ(Look().window, (WindowCounts{21, 9, 0}));
}

// 0 is off for rates too.
TEST_F(TripTest, ZeroSwitchesTheFailureRateOff) {
  breaker().consecutive_failures = 0;
  breaker().failure_rate_threshold = Share();
  EXPECT_EQ(Call(Outcome::kFailure, 100).state, State::kClosed);
}

// Off by default: nobody is surprised by an opinion on what slow is.
TEST_F(TripTest, SlowCallsDoNotMatterByDefault) {
  EXPECT_EQ(CallTaking(absl::Hours(1), Outcome::kSuccess, 100).state, State::kClosed);
  EXPECT_EQ(Look().window.slow, 0u);
}

class SlowTripTest : public GuardTest {
 protected:
  SlowTripTest() {
    breaker().slow_call_rate_threshold = Share::FromFraction(0.5);
    breaker().slow_call_duration_threshold = absl::Seconds(1);
  }
};

// At the duration or above it is slow.
TEST_F(SlowTripTest, OpensWhenTheSlowCallRateReachesItsThreshold) {
  CallTaking(absl::Seconds(1) - absl::Nanoseconds(1), Outcome::kSuccess, 10);
  EXPECT_EQ(CallTaking(absl::Seconds(1), Outcome::kSuccess, 9).state, State::kClosed);
  EXPECT_EQ(CallTaking(absl::Seconds(1)).state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kSlowCallRate);
  EXPECT_EQ(last().window, (WindowCounts{20, 0, 10}));
}

// Without a latency there is nothing to be slow.
TEST_F(SlowTripTest, ACallWithoutLatencyIsNeverSlow) {
  EXPECT_EQ(Call(Outcome::kSuccess, 100).state, State::kClosed);
  EXPECT_EQ(Look().window.slow, 0u);
}

// It failed, and it took its time to do so.
TEST_F(SlowTripTest, ASlowFailureIsBoth) {
  CallTaking(absl::Seconds(2), Outcome::kTimeout);
  EXPECT_EQ(Look().window, (WindowCounts{1, 1, 1}));
}

// A slow success is a success: it ends a run of failures.
TEST_F(SlowTripTest, ASlowSuccessEndsTheRun) {
  Call(Outcome::kFailure, 4);
  CallTaking(absl::Seconds(2));
  EXPECT_EQ(Look().consecutive_failures, 0u);
}

// Failures of long ago say nothing about now.
TEST_F(TripTest, FailuresLeaveTheWindowWithTime) {
  breaker().consecutive_failures = 0;
  Call(Outcome::kFailure, 19);
  Pass(absl::Seconds(10));
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kClosed);
  EXPECT_EQ(Look().window, (WindowCounts{1, 1, 0}));
}

// Rare calls want a window of calls: there time does not matter.
TEST_F(TripTest, AWindowOfCallsKeepsFailuresHoweverOld) {
  breaker().consecutive_failures = 0;
  breaker().window_calls = 4;
  breaker().minimum_calls = 4;
  breaker().failure_rate_threshold = Share::FromFraction(0.75);
  for (const Outcome outcome : {Outcome::kFailure, Outcome::kSuccess, Outcome::kFailure}) {
    Call(outcome);
    Pass(absl::Hours(24));
  }
  EXPECT_EQ(Call(Outcome::kSuccess).state, State::kClosed);
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kClosed);  // 2 of the last 4.
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen);    // 3 of them.
}

// Every transition empties the window: a new state starts with an open mind.
TEST_F(TripTest, EveryTransitionEmptiesTheWindow) {
  Trip();
  EXPECT_EQ(Look().window, WindowCounts{});
  EXPECT_EQ(Look().consecutive_failures, 0u);
  Pass(breaker().open_duration);
  Call(Outcome::kSuccess);
  EXPECT_EQ(Look().window.calls, 1u);
  Call(Outcome::kSuccess);
  EXPECT_EQ(state(), State::kClosed);
  EXPECT_EQ(Look().window, WindowCounts{});
}

// What the operator wants to know at three in the morning: what it saw when it opened.
TEST_F(TripTest, ATransitionSaysWhatTheBreakerSaw) {
  breaker().min_failing_clients = 2;
  Call(Outcome::kSuccess, 3, "a");
  Call(Outcome::kFailure, 4, "a");
  Call(Outcome::kFailure, 1, "b");
  ASSERT_EQ(transitions_.size(), 1u);
  EXPECT_EQ(last().number, 1u);
  EXPECT_EQ(last().from, State::kClosed);
  EXPECT_EQ(last().to, State::kOpen);
  EXPECT_EQ(last().epoch, 2u);
  EXPECT_EQ(last().time, now_);
  EXPECT_EQ(last().window, (WindowCounts{8, 5, 0}));
  EXPECT_EQ(last().consecutive_failures, 5u);
  EXPECT_THAT(last().failing_clients, testing::ElementsAre("a", "b"));
  EXPECT_EQ(last().open_for, absl::Seconds(30));
  EXPECT_EQ(Look().last_transition->number, 1u);
}

// A client without permits may still tell what it saw.
TEST_F(TripTest, ObservationsCountWhileClosed) {
  EXPECT_EQ(Observe(Outcome::kFailure, 4).counted, Counted::kCounted);
  EXPECT_EQ(Look().window, (WindowCounts{4, 4, 0}));
  EXPECT_EQ(Observe(Outcome::kFailure).state, State::kOpen);
}

// In any other state an observation would vote without having been let through.
TEST_F(TripTest, ObservationsCountInNoOtherState) {
  HalfOpen();
  const uint64_t epoch = guard_.epoch();
  for (const Outcome outcome : {Outcome::kFailure, Outcome::kSuccess}) {
    EXPECT_EQ(Observe(outcome, 100).counted, Counted::kNotCounted);
  }
  EXPECT_EQ(guard_.epoch(), epoch);
  FailProbe();
  EXPECT_EQ(Observe(Outcome::kFailure).counted, Counted::kNotCounted);
  EXPECT_EQ(Look().retry_after, absl::Seconds(30));
}

// Without a permit nothing tells a repetition from a second failure.
TEST_F(TripTest, ObservationsAreNotDeduplicated) {
  Observe(Outcome::kFailure);
  Observe(Outcome::kFailure);
  EXPECT_EQ(Look().window.failures, 2u);
}

// Counts of a batch belong to the epoch in which the calls were made.
TEST_F(TripTest, AnObservationOfAnotherEpochIsLate) {
  const uint64_t before = guard_.epoch();
  HalfOpen();
  Close();
  const Ending stale = {.result = Result::Of(Outcome::kFailure), .epoch = before, .calls = 50};
  EXPECT_EQ(Record(stale).counted, Counted::kLate);
  EXPECT_EQ(state(), State::kClosed);
  EXPECT_EQ(Look().totals.late, 50u);
  const Ending fresh = {
      .result = Result::Of(Outcome::kFailure), .epoch = guard_.epoch(), .calls = 50};
  EXPECT_EQ(Record(fresh).counted, Counted::kCounted);
  EXPECT_EQ(state(), State::kOpen);
}

// A million failures in one row of counts must neither overflow nor hang.
TEST_F(TripTest, LargeCountsAreTakenWhole) {
  breaker().consecutive_failures = 1'000'000;
  breaker().failure_rate_threshold = Share();
  for (int i = 0; i < 10; ++i) Observe(Outcome::kSuccess, 1'000'000);
  Observe(Outcome::kFailure, 999'999);
  EXPECT_EQ(state(), State::kClosed);
  EXPECT_EQ(Look().window, (WindowCounts{10'999'999, 999'999, 0}));
  EXPECT_EQ(Observe(Outcome::kFailure, 1'000'000).state, State::kOpen);
}

}  // namespace
}  // namespace fusebox
