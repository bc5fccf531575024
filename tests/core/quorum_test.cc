// How many distinct clients must have failed before a breaker opens.
#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class QuorumTest : public GuardTest {
 protected:
  QuorumTest() { breaker().min_failing_clients = 2; }
};

// One client with a broken network must not open it for all.
TEST_F(QuorumTest, OneClientCannotTripAlone) {
  EXPECT_EQ(Call(Outcome::kFailure, 1'000, "broken").state, State::kClosed);
  EXPECT_EQ(Call(Outcome::kFailure, 1, "other").state, State::kOpen);
}

// By default one is enough.
TEST_F(QuorumTest, TheDefaultIsOne) {
  breaker().min_failing_clients = CircuitBreakerPolicy().min_failing_clients;
  EXPECT_EQ(Call(Outcome::kFailure, 5, "alone").state, State::kOpen);
}

// It is on every trip condition, not only on the run.
TEST_F(QuorumTest, HoldsForTheFailureRate) {
  breaker().consecutive_failures = 0;
  EXPECT_EQ(Call(Outcome::kRateLimited, 100, "a").state, State::kClosed);
  EXPECT_EQ(Call(Outcome::kRateLimited, 1, "b").state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kFailureRate);
}

// A slow answer is a failure to the rule that looks for slow answers.
TEST_F(QuorumTest, HoldsForTheSlowCallRate) {
  breaker().slow_call_rate_threshold = Share::FromFraction(0.5);
  breaker().slow_call_duration_threshold = absl::Seconds(1);
  const auto slow = [&](absl::string_view client) {
    return Record({.permit = Granted(),
                   .result = Result::Of(Outcome::kSuccess),
                   .latency = absl::Seconds(1),
                   .client = client});
  };
  for (int i = 0; i < 100; ++i) ASSERT_EQ(slow("a").state, State::kClosed);
  EXPECT_EQ(slow("b").state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kSlowCallRate);
}

// Each rule has its own voices: that one client finds it slow does not confirm another's failures.
TEST_F(QuorumTest, ASlowSuccessIsNoVoiceAmongFailures) {
  breaker().slow_call_rate_threshold = Share::FromFraction(1);
  breaker().slow_call_duration_threshold = absl::Seconds(1);
  const Ending slow = {
      .result = Result::Of(Outcome::kSuccess), .latency = absl::Seconds(1), .client = "slow"};
  Record(slow);
  EXPECT_EQ(Call(Outcome::kFailure, 30, "failing").state, State::kClosed);
  EXPECT_THAT(Look().failing_clients, ElementsAre("failing", "slow"));
  EXPECT_EQ(Call(Outcome::kFailure, 1, "other").state, State::kOpen);
}

// Nor do failures, as long as they are fast, say that it is slow.
TEST_F(QuorumTest, AFastFailureIsNoVoiceAmongSlowCalls) {
  breaker().consecutive_failures = 0;
  breaker().failure_rate_threshold = Share();
  breaker().slow_call_rate_threshold = Share::FromFraction(0.5);
  breaker().slow_call_duration_threshold = absl::Seconds(1);
  Call(Outcome::kFailure, 1, "failing");
  const auto slow = [&](absl::string_view client) {
    return Record(
        {.result = Result::Of(Outcome::kFailure), .latency = absl::Seconds(1), .client = client});
  };
  for (int i = 0; i < 30; ++i) ASSERT_EQ(slow("slow").state, State::kClosed);
  EXPECT_EQ(slow("failing").state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kSlowCallRate);
}

// Nor may one client's Retry-After close the door for all.
TEST_F(QuorumTest, HoldsForRetryAfter) {
  breaker().honor_retry_after = true;
  const auto limited = [&](absl::string_view client) {
    return Record({.permit = Granted(),
                   .result = Result::Of(Outcome::kRateLimited),
                   .retry_after = absl::Seconds(7),
                   .client = client});
  };
  EXPECT_EQ(limited("a").state, State::kClosed);
  EXPECT_EQ(limited("b").state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kRetryAfter);
}

// Yesterday's failure of another client is no second voice.
TEST_F(QuorumTest, CountsClientsInsideTheWindowOnly) {
  Call(Outcome::kFailure, 1, "early");
  Pass(absl::Seconds(10));
  EXPECT_EQ(Call(Outcome::kFailure, 10, "late").state, State::kClosed);
  EXPECT_THAT(Look().failing_clients, ElementsAre("late"));
}

// A failure that left the window must not be half there: out of the counts, yet a voice.
TEST_F(QuorumTest, AClientLeavesTogetherWithItsFailure) {
  Pass(absl::Milliseconds(999));  // The end of a bucket.
  Call(Outcome::kFailure, 1, "a");
  Pass(absl::Milliseconds(9'001));  // Its bucket has just left.
  EXPECT_EQ(Look().window.failures, 0u);
  EXPECT_THAT(Look().failing_clients, IsEmpty());
  EXPECT_EQ(Call(Outcome::kFailure, 5, "b").state, State::kClosed);
}

// The quorum is met from the moment on at which the last voice joins.
TEST_F(QuorumTest, ASuccessOfAnyClientMayCompleteNothing) {
  Call(Outcome::kFailure, 4, "a");
  EXPECT_EQ(Call(Outcome::kSuccess, 1, "b").state, State::kClosed);
  EXPECT_THAT(Look().failing_clients, ElementsAre("a"));
}

// The largest quorum needs them all.
TEST_F(QuorumTest, TakesUpTo64Clients) {
  breaker().min_failing_clients = 64;
  for (int i = 0; i < 63; ++i) {
    ASSERT_EQ(Call(Outcome::kFailure, 1, std::to_string(i)).state, State::kClosed);
  }
  EXPECT_EQ(Call(Outcome::kFailure, 1, "63").state, State::kOpen);
  EXPECT_EQ(last().failing_clients.size(), 64u);
}

// With a window of calls, inside means among the last so many.
TEST_F(QuorumTest, CountsClientsInsideAWindowOfCalls) {
  breaker().window_calls = 20;
  Call(Outcome::kFailure, 1, "a");
  Call(Outcome::kSuccess, 20, "c");
  EXPECT_EQ(Call(Outcome::kFailure, 5, "b").state, State::kClosed);
  EXPECT_EQ(Call(Outcome::kFailure, 1, "a").state, State::kOpen);
}

// 5 % of failures spread so thin that no client would trip alone: the fleet's window sees them.
TEST_F(QuorumTest, ThinlySpreadFailuresAddUp) {
  breaker().consecutive_failures = 0;
  breaker().failure_rate_threshold = Share::FromFraction(0.05);
  breaker().minimum_calls = 1'000;
  for (int i = 0; i < 1'000; ++i) {
    ASSERT_EQ(state(), State::kClosed);
    Call(i % 20 == 0 ? Outcome::kFailure : Outcome::kSuccess, 1, std::to_string(i % 50));
  }
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_EQ(last().window, (WindowCounts{1'000, 50, 0}));
}

}  // namespace
}  // namespace fusebox
