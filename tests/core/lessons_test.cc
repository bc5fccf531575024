// What other circuit breakers got wrong, as whole stories. The parts have tests of their own.
#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using LessonsTest = GuardTest;

// 1. All holders of probes die: half-open for ever.
TEST_F(LessonsTest, DeadProbeHoldersDoNotPinItHalfOpen) {
  HalfOpen();
  for (int i = 0; i < 3; ++i) Granted();
  ASSERT_FALSE(Acquire().allowed);
  Pass(breaker().probe_timeout + breaker().open_duration);
  Close();
}

// 2. A late success closes the breaker; a late failure extends the wait.
TEST_F(LessonsTest, OutcomesFromBeforeTheTripChangeNothing) {
  std::vector<Permit> stale;
  for (int i = 0; i < 40; ++i) stale.push_back(Granted());
  Trip();
  const Tick due = guard_.NextDeadline();
  for (int i = 0; i < 20; ++i) Record(stale[i], i % 2 ? Outcome::kSuccess : Outcome::kFailure);
  EXPECT_EQ(guard_.NextDeadline(), due);
  now_ = due;
  Advance();
  for (int i = 20; i < 40; ++i) Record(stale[i], i % 2 ? Outcome::kSuccess : Outcome::kFailure);
  EXPECT_EQ(state(), State::kHalfOpen);
  EXPECT_EQ(Look().totals.late, 40u);
}

// 3. Everybody arrives at the end of the wait.
TEST_F(LessonsTest, ExactlyMaxProbesPassAtTheEndOfTheWait) {
  for (const uint32_t max_probes : {1u, 3u, 17u}) {
    breaker().max_probes = max_probes;
    Trip();
    Pass(breaker().open_duration);
    uint32_t passed = 0;
    for (int i = 0; i < 500; ++i) passed += Acquire().allowed;
    EXPECT_EQ(passed, max_probes);
    Pass(breaker().probe_timeout + breaker().open_duration);
    Close();
  }
}

// 4. A cancelled probe closes the breaker.
TEST_F(LessonsTest, CancelledProbesDoNotClose) {
  breaker().success_threshold = 1;
  HalfOpen();
  for (int i = 0; i < 20; ++i) Call(Outcome::kIgnored);
  EXPECT_EQ(state(), State::kHalfOpen);
}

// 5. The clock steps back one hour: the window stops evicting and it never trips again, or the
// breaker stays open for an hour too long.
TEST_F(LessonsTest, AClockThatStepsBackNeitherOpensNorClosesNorPins) {
  breaker().consecutive_failures = 0;
  Call(Outcome::kFailure, 19);
  const Tick real = now_;
  now_ = Tick::FromNanos(real.nanos() - absl::ToInt64Nanoseconds(absl::Minutes(10)));
  EXPECT_EQ(Look().window, (WindowCounts{19, 19, 0}));
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen);
  EXPECT_EQ(Acquire().retry_after, absl::Seconds(30));
  EXPECT_EQ(last().time, real);
  now_ = real + absl::Seconds(30);
  EXPECT_TRUE(Acquire().probe);
}

// 6. The probe fails in the instant in which the timer fires: two transitions, or a recursion.
TEST_F(LessonsTest, ReopeningAndTheTimerDoNotMeet) {
  HalfOpen();
  std::vector<Permit> probes;
  for (int i = 0; i < 3; ++i) probes.push_back(Granted());
  transitions_.clear();
  Pass(breaker().probe_timeout);  // All expire now, and one of them fails now.
  Record(probes[0], Outcome::kFailure);
  ASSERT_EQ(transitions_.size(), 1u);
  EXPECT_EQ(last().cause, Cause::kProbesExpired);
  Pass(breaker().open_duration);
  Advance();
  Advance();
  EXPECT_EQ(transitions_.size(), 2u);
}

// 7. A forced state is undone by a timer.
TEST_F(LessonsTest, AnOverrideOutlivesEveryTransitionUnderneath) {
  Impose({.mode = OverrideMode::kForcedOpen});
  Trip();
  for (int i = 0; i < 100; ++i) {
    Pass(absl::Seconds(17));
    Advance();
    ASSERT_EQ(Acquire().reason, Reason::kForcedOpen);
  }
}

// 9. A changed policy resets the counters or the re-opens.
TEST_F(LessonsTest, APolicyChangeForgetsNothing) {
  HalfOpen();
  FailProbe();
  Pass(breaker().open_duration);
  Close();
  Call(Outcome::kFailure, 4);
  const uint64_t epoch = guard_.epoch();
  breaker().open_duration = absl::Seconds(10);
  breaker().window_duration = absl::Seconds(30);
  EXPECT_EQ(guard_.epoch(), epoch);
  EXPECT_EQ(Look().window.failures, 4u);
  EXPECT_EQ(Look().reopens, 1u);
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen);
  EXPECT_EQ(Look().reopens, 2u);
}

// 15. One client with a broken network opens it for all.
TEST_F(LessonsTest, OneSickClientDoesNotOpenItForAll) {
  breaker().min_failing_clients = 2;
  for (int i = 0; i < 1'000; ++i) {
    Pass(absl::Milliseconds(100));
    Call(Outcome::kFailure, 1, "sick");
    ASSERT_EQ(Call(Outcome::kSuccess, 1, "well").state, State::kClosed);
  }
}

// 16. Failures are spread so thin that no client would trip alone.
TEST_F(LessonsTest, TheFleetSeesWhatNoClientSees) {
  breaker().failure_rate_threshold = Share::FromFraction(0.05);
  breaker().minimum_calls = 100;
  int calls = 0;
  while (state() == State::kClosed && calls < 1'000) {
    Call(calls % 20 == 0 ? Outcome::kFailure : Outcome::kSuccess, 1, std::to_string(calls % 50));
    ++calls;
  }
  EXPECT_EQ(calls, 100);
}

// 18. The retry loop records one outcome for three attempts.
TEST_F(LessonsTest, EveryAttemptIsACall) {
  for (const uint32_t attempt : {1, 2, 3}) Record(Granted(attempt), Outcome::kFailure);
  Record(Granted(1), Outcome::kFailure);
  EXPECT_EQ(Record(Granted(2), Outcome::kFailure).state, State::kOpen);
}

// 19. int(1.0 / 0.1f) is 9: a retry in ten becomes one in nine.
TEST_F(LessonsTest, ATenthIsATenth) {
  budget() = {Share::FromFraction(0.1), 0, absl::Seconds(10)};
  Call(Outcome::kSuccess, 9);
  EXPECT_FALSE(Acquire(2).allowed);
  Call(Outcome::kSuccess);
  EXPECT_TRUE(Acquire(2).allowed);
  EXPECT_FALSE(Acquire(2).allowed);
}

}  // namespace
}  // namespace fusebox
