// For how long a breaker stays open.
#include <limits>

#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using OpenWaitTest = GuardTest;

// Open means that nobody passes, and that everybody is told how long.
TEST_F(OpenWaitTest, RefusesEveryCallUntilTheWaitIsOver) {
  Trip();
  Pass(absl::Seconds(10));
  const Decision refused = Acquire();
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reason, Reason::kOpen);
  EXPECT_EQ(refused.state, State::kOpen);
  EXPECT_EQ(refused.retry_after, absl::Seconds(20));
  Pass(absl::Seconds(20) - absl::Nanoseconds(1));
  EXPECT_EQ(Acquire().retry_after, absl::Nanoseconds(1));
  Pass(absl::Nanoseconds(1));
  EXPECT_TRUE(Acquire().probe);
}

// Whoever looks first moves it, and the transition bears the time at which it was due.
TEST_F(OpenWaitTest, TheWaitEndsOnTimeHoweverLateItIsSeen) {
  Trip();
  const Tick due = now_ + absl::Seconds(30);
  EXPECT_EQ(guard_.NextDeadline(), due);
  Pass(absl::Hours(7));
  Advance();
  EXPECT_EQ(last().cause, Cause::kWaitOver);
  EXPECT_EQ(last().to, State::kHalfOpen);
  EXPECT_EQ(last().time, due);
}

// Nothing but time ends a wait, and nothing extends it.
TEST_F(OpenWaitTest, RefusedCallsDoNotExtendTheWait) {
  Trip();
  for (int i = 0; i < 29; ++i) {
    Pass(absl::Seconds(1));
    EXPECT_FALSE(Acquire().allowed);
    Observe(Outcome::kFailure, 100);
  }
  Pass(absl::Seconds(1));
  EXPECT_TRUE(Acquire().allowed);
}

// A dependency that stays sick is asked less and less often.
TEST_F(OpenWaitTest, GrowsWithEveryReopen) {
  breaker().open_multiplier = Share::FromFraction(2);
  HalfOpen();
  for (const int seconds : {60, 120, 240, 480, 600, 600}) {
    FailProbe();
    EXPECT_EQ(last().open_for, absl::Seconds(seconds));
    Pass(last().open_for);
  }
  EXPECT_EQ(Look().reopens, 6u);
}

// Lost probes are a re-open like any other.
TEST_F(OpenWaitTest, ExpiredProbesAreAReopen) {
  breaker().open_multiplier = Share::FromFraction(2);
  breaker().max_probes = 1;
  HalfOpen();
  Granted();
  Pass(breaker().probe_timeout);
  Advance();
  EXPECT_EQ(last().cause, Cause::kProbesExpired);
  EXPECT_EQ(last().open_for, absl::Seconds(60));
}

// Waits that end together would bring the herd back together.
TEST_F(OpenWaitTest, JitterComesFromTheSource) {
  breaker().jitter = Share::FromFraction(0.5);
  source_.random_bits = 0;
  Trip();
  EXPECT_EQ(last().open_for, absl::Seconds(15));
  Pass(absl::Seconds(15));
  source_.random_bits = std::numeric_limits<uint64_t>::max();
  FailProbe();
  EXPECT_GT(last().open_for, absl::Seconds(44.9));
  EXPECT_LE(last().open_for, absl::Seconds(45));
}

// Whether it flaps or recovered is a matter of how long it stayed closed.
TEST_F(OpenWaitTest, ReopensSurviveAShortClosed) {
  breaker().open_multiplier = Share::FromFraction(2);
  HalfOpen();
  FailProbe();
  Pass(absl::Minutes(1));
  Close();
  Pass(absl::Seconds(10) - absl::Nanoseconds(1));
  EXPECT_EQ(Look().reopens, 1u);
  Trip();
  EXPECT_EQ(last().open_for, absl::Minutes(2));
  EXPECT_EQ(Look().reopens, 2u);
}

// After one window of health the past is forgiven.
TEST_F(OpenWaitTest, ReopensGoBackToZeroAfterAWindow) {
  breaker().open_multiplier = Share::FromFraction(2);
  HalfOpen();
  FailProbe();
  Pass(absl::Minutes(1));
  Close();
  Pass(absl::Seconds(10));
  EXPECT_EQ(Look().reopens, 0u);
  Trip();
  EXPECT_EQ(last().open_for, absl::Seconds(30));
}

// While ramping it is not yet itself, so the window starts after the ramp.
TEST_F(OpenWaitTest, ReopensGoBackToZeroOnlyAfterTheRampAndAWindow) {
  breaker().ramp_duration = absl::Seconds(60);
  HalfOpen();
  FailProbe();
  Pass(absl::Seconds(30));
  Close();
  Pass(absl::Seconds(70) - absl::Nanoseconds(1));
  EXPECT_EQ(Look().reopens, 1u);
  Pass(absl::Nanoseconds(1));
  EXPECT_EQ(Look().reopens, 0u);
}

// One window of calls, where the window is one of calls.
TEST_F(OpenWaitTest, AWindowOfCallsIsOverAfterSoManyCalls) {
  breaker().window_calls = 20;
  HalfOpen();
  FailProbe();
  Pass(absl::Seconds(30));
  Close();
  Pass(absl::Hours(1));
  Call(Outcome::kSuccess, 19);
  EXPECT_EQ(Look().reopens, 1u);
  Call(Outcome::kSuccess);
  EXPECT_EQ(Look().reopens, 0u);
}

class RetryAfterTest : public GuardTest {
 protected:
  RetryAfterTest() { breaker().honor_retry_after = true; }

  Verdict Limited(std::optional<absl::Duration> retry_after,
                  Outcome outcome = Outcome::kRateLimited) {
    return Record({.permit = Granted(), .result = Result::Of(outcome), .retry_after = retry_after});
  }
};

// Not everybody's Retry-After is to be trusted.
TEST_F(RetryAfterTest, IsNotHonouredByDefault) {
  breaker().honor_retry_after = false;
  EXPECT_EQ(Limited(absl::Seconds(7)).state, State::kClosed);
}

// The dependency knows best when it will be back.
TEST_F(RetryAfterTest, OpensForThatLong) {
  EXPECT_EQ(Limited(absl::Seconds(7)).state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kRetryAfter);
  EXPECT_EQ(last().open_for, absl::Seconds(7));
  Pass(absl::Seconds(7));
  EXPECT_TRUE(Acquire().probe);
}

// But it must not close the shop for a day.
TEST_F(RetryAfterTest, IsCapped) {
  Limited(absl::Hours(24));
  EXPECT_EQ(last().open_for, absl::Minutes(10));
}

// Only a RATE_LIMITED outcome that says how long.
TEST_F(RetryAfterTest, NeedsARateLimitedOutcomeAndATime) {
  EXPECT_EQ(Limited(std::nullopt).state, State::kClosed);
  EXPECT_EQ(Limited(absl::ZeroDuration()).state, State::kClosed);
  EXPECT_EQ(Limited(absl::Seconds(7), Outcome::kFailure).state, State::kClosed);
  EXPECT_EQ(Limited(absl::Seconds(7), Outcome::kSuccess).state, State::kClosed);
}

// It says the same of a probe: the wait is the dependency's, not the policy's.
TEST_F(RetryAfterTest, AProbeMaySayItToo) {
  HalfOpen();
  EXPECT_EQ(Limited(absl::Seconds(7)).state, State::kOpen);
  EXPECT_EQ(last().open_for, absl::Seconds(7));
}

// One probe is enough to open again, but not to decide for how long: that is under the quorum.
TEST_F(RetryAfterTest, AProbeAloneUnderAQuorumOpensForThePolicysWait) {
  breaker().min_failing_clients = 2;
  Call(Outcome::kFailure, 4, "a");
  Call(Outcome::kFailure, 1, "b");
  Pass(breaker().open_duration);
  EXPECT_EQ(Limited(absl::Minutes(9)).state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kProbeFailed);
  EXPECT_EQ(last().open_for, absl::Seconds(30));
}

}  // namespace
}  // namespace fusebox
