// What calls say when they end, and how long they took.
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local_fixture.h"

namespace fusebox::internal {
namespace {

using ::testing::SizeIs;

// ---- Latency ----

class TimedTest : public LocalTest {
 protected:
  TimedTest() {
    Policy policy;
    policy.circuit_breaker.slow_call_rate_threshold = Share::FromFraction(0.5);
    policy.circuit_breaker.slow_call_duration_threshold = absl::Milliseconds(100);
    PushPolicy(policy);
  }
  void CallFor(absl::Duration latency) {
    Breaker::Permit permit = Ask();
    clock_.Pass(latency);
    permit.Succeed();
  }
};

TEST_F(TimedTest, CallsAreTimedAndSlowOnesCounted) {
  for (int i = 0; i < 3; ++i) CallFor(absl::Milliseconds(99));
  CallFor(absl::Milliseconds(100));
  const std::vector<LedgerRow> rows = breaker_.TakeNews().rows;
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].outcomes.successes, 4u);
  EXPECT_EQ(rows[0].outcomes.slow, 1u);
  EXPECT_EQ(rows[0].timed, 4u);
  EXPECT_EQ(rows[0].latency, absl::Milliseconds(397));
}

// Where calls are very many, and none was slow for the length of the window.
TEST_F(TimedTest, OneInEightIsTimedWhereTimingIsWhatCosts) {
  for (int i = 0; i < 5'000; ++i) CallFor(absl::Microseconds(10));
  breaker_.Advance();
  breaker_.TakeNews();
  for (int i = 0; i < 800; ++i) CallFor(absl::Microseconds(10));
  const std::vector<LedgerRow> some = breaker_.TakeNews().rows;
  EXPECT_EQ(some[0].outcomes.successes, 800u);
  EXPECT_NEAR(some[0].timed, 100, 50);
  EXPECT_EQ(some[0].latency, some[0].timed * absl::Microseconds(10));
}

TEST_F(TimedTest, OnceOneWasSlowAllAreTimed) {
  for (int i = 0; i < 5'000; ++i) CallFor(absl::Microseconds(10));
  breaker_.Advance();
  for (int i = 0; i < 100; ++i) CallFor(absl::Milliseconds(100));
  breaker_.TakeNews();
  for (int i = 0; i < 100; ++i) CallFor(absl::Microseconds(10));
  EXPECT_EQ(breaker_.TakeNews().rows[0].timed, 100u);
}

TEST_F(TimedTest, SlowCallsOpenItOnceItIsAlone) {
  breaker_.GoAlone();
  for (int i = 0; i < 20; ++i) CallFor(absl::Milliseconds(150));
  EXPECT_EQ(handle_.state(), State::kOpen);
}

// ---- Permits ----

using PermitTest = PushedTest;

TEST_F(PermitTest, TheFirstThatIsSaidIsTrue) {
  Breaker::Permit permit = Ask();
  permit.Succeed();
  permit.Fail();
  const OutcomeCounts told = Told();
  EXPECT_EQ(told.successes, 1u);
  EXPECT_EQ(told.failures, 0u);
}

TEST_F(PermitTest, MovesWithItsCall) {
  Breaker::Permit permit = Ask();
  Breaker::Permit moved = std::move(permit);
  moved.Succeed();
  EXPECT_EQ(Told().successes, 1u);
}

TEST_F(PermitTest, ARefusalStaysOneWhateverIsRecorded) {
  PushOpen(absl::Seconds(7));
  Breaker::Permit permit = Ask();
  permit.Succeed();
  permit.Fail();
  EXPECT_FALSE(permit.status().ok());
  EXPECT_EQ(Told().Calls(), 0u);
}

// A report with a value out of range would be dropped as a whole.
TEST_F(PermitTest, WhatIsOutOfRangeIsAsNearAsCanBe) {
  Ask().Record(Outcome::kRateLimited, -absl::Seconds(1));
  EXPECT_EQ(breaker_.TakeNews().rows[0].outcomes.retry_after, absl::ZeroDuration());
  Ask().Record(Outcome::kRateLimited, absl::InfiniteDuration());
  EXPECT_EQ(breaker_.TakeNews().rows[0].outcomes.retry_after, absl::Hours(24));
}

TEST_F(PermitTest, AStatusIsClassifiedByThePolicy) {
  Ask().Record(absl::OkStatus());
  Ask().Record(absl::UnavailableError(""));
  Ask().Record(absl::NotFoundError(""));
  Ask().Record(absl::CancelledError(""));
  const std::vector<LedgerRow> rows = breaker_.TakeNews().rows;
  EXPECT_EQ(rows[0].outcomes.successes, 1u);
  EXPECT_EQ(rows[0].outcomes.failures, 1u);
  EXPECT_EQ(rows[0].outcomes.caller_errors, 1u);
  EXPECT_EQ(rows[0].outcomes.Calls(), 3u);
}

TEST_F(PermitTest, CallRecordsWhatTheFunctionReturns) {
  EXPECT_EQ(handle_.Call([] { return absl::OkStatus(); }), absl::OkStatus());
  EXPECT_EQ(handle_.Call([]() -> absl::StatusOr<int> { return 7; }).value(), 7);
  EXPECT_EQ(handle_.Call([] { return absl::InternalError("x"); }), absl::InternalError("x"));
  EXPECT_THROW(static_cast<void>(handle_.Call([]() -> absl::Status { throw 1; })), int);
  const OutcomeCounts told = Told();
  EXPECT_EQ(told.successes, 2u);
  EXPECT_EQ(told.failures, 2u);
}

TEST_F(PermitTest, CallDoesNotCallWhatIsRefused) {
  PushOpen(absl::Seconds(7));
  const absl::Status refused = handle_.Call([]() -> absl::Status {
    ADD_FAILURE();
    return absl::OkStatus();
  });
  EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace fusebox::internal
