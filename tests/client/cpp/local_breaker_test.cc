#include "client/cpp/local/local_breaker.h"

#include "client/cpp/local_fixture.h"

namespace fusebox::internal {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

// ---- Without a server ----

using AloneTest = LocalTest;

TEST_F(AloneTest, ABreakerBeginsClosed) {
  EXPECT_TRUE(Call());
  EXPECT_EQ(handle_.state(), State::kClosed);
}

TEST_F(AloneTest, ItTripsByItsOwnCounts) {
  Fail(5);
  EXPECT_EQ(handle_.state(), State::kOpen);
  const Breaker::Permit refused = Ask();
  EXPECT_FALSE(refused.allowed());
  EXPECT_EQ(refused.reason(), Reason::kOpen);
  EXPECT_EQ(refused.retry_after(), absl::Seconds(30));
  EXPECT_EQ(refused.status(), absl::UnavailableError("db/orders 30s"));
}

TEST_F(AloneTest, SuccessesOfEveryThreadCountForTheRate) {
  EXPECT_EQ(Passed(30), 30);
  for (int i = 0; i < 7; ++i) {
    Fail(4);
    EXPECT_TRUE(Call());
  }
  // 28 of 65 failed, which is less than a half, and no run was as long as 5.
  EXPECT_EQ(handle_.state(), State::kClosed);
}

TEST_F(AloneTest, ProbesCloseItAgain) {
  Fail(5);
  Pass(absl::Seconds(30));
  EXPECT_EQ(handle_.state(), State::kHalfOpen);
  EXPECT_EQ(Passed(2), 2);
  EXPECT_EQ(handle_.state(), State::kClosed);
  EXPECT_EQ(Passed(100), 100);
}

TEST_F(AloneTest, NoMoreProbesAreOutThanThePolicyAllows) {
  Fail(5);
  Pass(absl::Seconds(30));
  std::vector<Breaker::Permit> probes;
  for (int i = 0; i < 3; ++i) probes.push_back(Ask());
  for (const Breaker::Permit& probe : probes) EXPECT_TRUE(probe.allowed());
  EXPECT_EQ(Ask().reason(), Reason::kProbesBusy);
}

TEST_F(AloneTest, AProbeThatIsNotMadeComesBack) {
  Fail(5);
  Pass(absl::Seconds(30));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(Ask().allowed());
}

// Its permit is of an older epoch of its own.
TEST_F(AloneTest, AnOutcomeFromBeforeATripDoesNotVoteAfterIt) {
  std::vector<Breaker::Permit> slow;
  for (int i = 0; i < 5; ++i) slow.push_back(Ask());
  Fail(5);
  Pass(absl::Seconds(30));
  EXPECT_EQ(Passed(2), 2);
  ASSERT_EQ(handle_.state(), State::kClosed);
  for (Breaker::Permit& permit : slow) permit.Fail();
  EXPECT_EQ(handle_.state(), State::kClosed);
}

TEST_F(AloneTest, LimitsAreThoseOfItsShare) {
  Policy policy;
  policy.bulkhead.max_concurrent = 40;
  PushPolicy(policy, 0.1);
  breaker_.GoAlone();
  std::vector<Breaker::Permit> inside;
  for (int i = 0; i < 4; ++i) inside.push_back(Ask());
  EXPECT_TRUE(inside.back().allowed());
  EXPECT_EQ(Ask().reason(), Reason::kBulkhead);
  inside.pop_back();
  EXPECT_TRUE(Ask().allowed());
}

TEST_F(AloneTest, RetriesTakeFromItsOwnBudget) {
  Policy policy;
  policy.retry_budget = {
      .retry_ratio = {}, .min_retries_per_second = 1, .window = absl::Seconds(1)};
  PushPolicy(policy);
  breaker_.GoAlone();
  const Attempt retry{.number = 2, .previous = Outcome::kFailure};
  EXPECT_TRUE(Ask(retry).allowed());
  EXPECT_EQ(Ask(retry).reason(), Reason::kRetryBudget);
}

TEST_F(AloneTest, WhatItCountedIsToldToTheServerThatComes) {
  EXPECT_EQ(Passed(10), 10);
  PushClosed();
  const std::vector<LedgerRow> rows = breaker_.TakeNews().rows;
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].epoch, epoch_);
  EXPECT_EQ(rows[0].outcomes.successes, 10u);
}

TEST_F(AloneTest, WhatItCountedLongBeforeIsNot) {
  EXPECT_EQ(Passed(10), 10);
  Pass(absl::Seconds(11));
  PushClosed();
  EXPECT_EQ(Told().successes, 0u);
}

// ---- With what a server pushes ----

class PushedTest : public LocalTest {
 protected:
  PushedTest() { PushClosed(); }
};

TEST_F(PushedTest, ClosedLetsPass) { EXPECT_EQ(Passed(100), 100); }

TEST_F(PushedTest, OpenRefusesUntilItIsOver) {
  PushOpen(absl::Seconds(7));
  EXPECT_EQ(handle_.state(), State::kOpen);
  Pass(absl::Seconds(6));
  const Breaker::Permit refused = Ask();
  EXPECT_EQ(refused.reason(), Reason::kOpen);
  EXPECT_EQ(refused.retry_after(), absl::Seconds(1));
  Pass(absl::Seconds(1));
  EXPECT_EQ(Ask().reason(), Reason::kProbesBusy);
}

TEST_F(PushedTest, OutcomesAreOfTheEpochInWhichTheyWereLetPass) {
  Breaker::Permit before = Ask();
  PushClosed();
  EXPECT_TRUE(Call());
  before.Fail();
  const std::vector<LedgerRow> rows = breaker_.TakeNews().rows;
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].epoch, epoch_);
  EXPECT_EQ(rows[0].outcomes.successes, 1u);
  EXPECT_EQ(rows[1].epoch, epoch_ - 1);
  EXPECT_EQ(rows[1].outcomes.failures, 1u);
}

TEST_F(PushedTest, EachOutcomeIsToldOnce) {
  EXPECT_EQ(Passed(3), 3);
  Fail(2);
  EXPECT_EQ(Passed(4), 4);
  const OutcomeCounts told = Told();
  EXPECT_EQ(told.successes, 7u);
  EXPECT_EQ(told.failures, 2u);
  EXPECT_EQ(Told().Calls(), 0u);
}

TEST_F(PushedTest, RefusalsAreTold) {
  PushOpen(absl::Seconds(7));
  EXPECT_EQ(Passed(12), 0);
  std::vector<LedgerRow> rows = breaker_.TakeNews().rows;
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].refused[static_cast<size_t>(Reason::kOpen)], 12u);
  EXPECT_EQ(rows[0].epoch, epoch_);
}

TEST_F(PushedTest, ACallThatIsNotMadeIsToldToNobody) {
  { const Breaker::Permit dropped = Ask(); }
  EXPECT_EQ(Told().Calls(), 0u);
}

TEST_F(PushedTest, AStateThatIsOlderIsDropped) {
  PushOpen(absl::Seconds(7));
  Push({.epoch = epoch_ - 1});
  EXPECT_EQ(handle_.state(), State::kOpen);
  Push({.state = State::kOpen, .epoch = epoch_, .revision = 5, .retry_after = absl::Seconds(7)});
  Push({.epoch = epoch_, .revision = 4});
  EXPECT_EQ(handle_.state(), State::kOpen);
}

TEST_F(PushedTest, AFailureHurries) {
  EXPECT_TRUE(Call());
  EXPECT_FALSE(breaker_.hurries());
  const int before = woken_;
  Fail(1);
  EXPECT_TRUE(breaker_.hurries());
  EXPECT_EQ(woken_, before + 1);
  Fail(1);
  EXPECT_EQ(woken_, before + 1);  // Once is enough.
  breaker_.TakeNews();
  EXPECT_FALSE(breaker_.hurries());
}

TEST_F(PushedTest, ItsOwnCountsDoNotOpenWhatTheFleetLetsPass) {
  Fail(50);
  EXPECT_TRUE(Call());
  EXPECT_EQ(handle_.state(), State::kClosed);
}

TEST_F(PushedTest, ForcedOpenRefusesUntilItExpires) {
  PushOverride(OverrideMode::kForcedOpen, absl::Seconds(5));
  EXPECT_EQ(Ask().reason(), Reason::kForcedOpen);
  EXPECT_EQ(Ask().retry_after(), absl::Seconds(5));
  Pass(absl::Seconds(5));
  EXPECT_TRUE(Call());
}

TEST_F(PushedTest, ForcedClosedLetsPassWhatIsOpen) {
  Push({.state = State::kOpen,
        .epoch = ++epoch_,
        .retry_after = absl::Seconds(7),
        .override = std::make_shared<const Override>(Override{.mode = OverrideMode::kForcedClosed}),
        .override_ttl = absl::InfiniteDuration()});
  EXPECT_EQ(Passed(10), 10);
}

TEST_F(PushedTest, ARampLetsItsShareOfCallsPass) {
  Policy policy;
  policy.circuit_breaker.ramp_duration = absl::Seconds(10);
  policy.circuit_breaker.ramp_initial = Share::FromFraction(0.1);
  breaker_.Push({.epoch = ++epoch_, .closed_for = absl::Seconds(4)}, Ruling(policy), 1);
  EXPECT_NEAR(Passed(1'000), 460, 1);  // 0.1 + 0.9 * 4 / 10.
  while (!Ask().allowed()) continue;
  EXPECT_EQ(Ask().reason(), Reason::kRamping);
  Pass(absl::Seconds(6));
  EXPECT_EQ(Passed(1'000), 1'000);
}

// ---- A quorum ----

class QuorumTest : public LocalTest {
 protected:
  QuorumTest() {
    Policy policy;
    policy.circuit_breaker.min_failing_clients = 3;
    PushPolicy(policy);
  }
};

TEST_F(QuorumTest, AClientThatFailsAloneRefusesByItsOwnCounts) {
  Fail(5);
  EXPECT_EQ(Ask().reason(), Reason::kOpen);
  EXPECT_EQ(handle_.state(), State::kOpen);
}

// An outage that was the fleet's is over when the fleet says so.
TEST_F(QuorumTest, AnOutageThatWasPushedEndsWithThatOfTheFleet) {
  PushOpen(absl::Minutes(10));
  breaker_.GoAlone();
  EXPECT_FALSE(Call());
  PushClosed();
  EXPECT_TRUE(Call());
}

TEST_F(QuorumTest, AlsoUnderABulkheadItRefusesByItsOwnCounts) {
  Policy policy;
  policy.circuit_breaker.min_failing_clients = 3;
  policy.bulkhead.max_concurrent = 100;
  PushPolicy(policy);
  breaker_.Expect({});
  breaker_.TakeNews();
  breaker_.Lend({.permits = std::vector<std::string>(6, "p")});
  Fail(5);
  EXPECT_EQ(Ask().reason(), Reason::kOpen);
}

TEST_F(QuorumTest, WhatItSawIsToldAllTheSame) {
  Fail(5);
  EXPECT_EQ(Told().failures, 5u);
}

TEST_F(QuorumTest, ItsOwnProbesAreToldToo) {
  Fail(5);
  Told();
  Pass(absl::Seconds(30));
  EXPECT_EQ(Passed(2), 2);
  EXPECT_EQ(handle_.state(), State::kClosed);
  EXPECT_EQ(Told().successes, 2u);
}

// ---- What the server lends ----

class LentTest : public LocalTest {
 protected:
  LentTest() { PushHalfOpen(); }

  // What it wishes for is answered with these.
  std::vector<PermitWish> Lend(std::vector<std::string> permits, Reason reason = Reason::kNone) {
    std::vector<PermitWish> wishes = breaker_.TakeNews().wishes;
    breaker_.Lend({.permits = std::move(permits), .reason = reason});
    return wishes;
  }
};

TEST_F(LentTest, HalfOpenNeedsAPermitForEachCall) {
  EXPECT_EQ(Ask().reason(), Reason::kProbesBusy);
  EXPECT_TRUE(breaker_.hurries());
  EXPECT_THAT(Lend({"a"}), SizeIs(1));
  Breaker::Permit probe = Ask();
  EXPECT_TRUE(probe.allowed());
  EXPECT_EQ(Ask().reason(), Reason::kProbesBusy);
  probe.Succeed();
  const LocalBreaker::News news = breaker_.TakeNews();
  ASSERT_THAT(news.endings, SizeIs(1));
  EXPECT_EQ(news.endings[0].permit, "a");
  EXPECT_EQ(news.endings[0].outcome, Outcome::kSuccess);
  for (const LedgerRow& row : news.rows) EXPECT_EQ(row.outcomes.Calls(), 0u);
}

TEST_F(LentTest, AProbeThatIsNotMadeGoesBack) {
  Call();
  Lend({"a"});
  { const Breaker::Permit dropped = Ask(); }
  const std::vector<LentEnding> endings = breaker_.TakeNews().endings;
  ASSERT_THAT(endings, SizeIs(1));
  EXPECT_EQ(endings[0].outcome, Outcome::kIgnored);
}

TEST_F(LentTest, APermitThatNobodyNeedsForASecondGoesBack) {
  breaker_.Expect({});
  Lend({"a"});
  Pass(absl::Milliseconds(999));
  EXPECT_THAT(breaker_.TakeNews().endings, IsEmpty());
  Pass(absl::Milliseconds(1));
  EXPECT_THAT(breaker_.TakeNews().endings, SizeIs(1));
}

// Else it would never be probed by who calls it once in a while.
TEST_F(LentTest, ACallOnceEveryTenSecondsFindsItsProbe) {
  EXPECT_FALSE(Call());
  Lend({"a"});
  Pass(absl::Seconds(10));
  EXPECT_TRUE(Call());
}

TEST_F(LentTest, ShadowLetsPassWhatHasNoPermit) {
  Policy policy;
  policy.bulkhead.max_concurrent = 1;
  PushPolicy(policy);
  PushOverride(OverrideMode::kShadow);
  EXPECT_EQ(Passed(10), 10);
  EXPECT_TRUE(breaker_.hurries());
}

TEST_F(LentTest, WhatWasLentInOneEpochIsNotUsedInAnother) {
  Call();
  Lend({"a"});
  PushHalfOpen();
  EXPECT_FALSE(Call());
  EXPECT_THAT(breaker_.TakeNews().endings, SizeIs(1));
}

TEST_F(LentTest, WhereTheServerSaidWhyTheCallIsToldSo) {
  Policy policy;
  policy.bulkhead.max_concurrent = 3;
  policy.rate_limit.rate = 3;
  breaker_.Push({.epoch = ++epoch_}, Ruling(policy), 1);
  EXPECT_EQ(Ask().reason(), Reason::kBulkhead);
  Lend({}, Reason::kRateLimit);
  EXPECT_EQ(Ask().reason(), Reason::kRateLimit);
}

TEST_F(LentTest, RetriesAreLentByKind) {
  PushClosed();
  const Attempt retry{.number = 2, .previous = Outcome::kTimeout};
  EXPECT_EQ(Ask(retry).reason(), Reason::kRetryBudget);
  const std::vector<PermitWish> wishes = Lend({"r"});
  ASSERT_THAT(wishes, SizeIs(1));
  EXPECT_EQ(wishes[0].kind.attempt, 2u);
  EXPECT_EQ(wishes[0].kind.previous_failure, Outcome::kTimeout);
  EXPECT_TRUE(Ask(retry).allowed());
}

TEST_F(LentTest, WhatIsExpectedIsAskedForAhead) {
  PushClosed();
  handle_.Expect({.number = 2, .previous = Outcome::kFailure});
  EXPECT_TRUE(breaker_.hurries());
  Lend({"r"});
  EXPECT_TRUE(Ask({.number = 2, .previous = Outcome::kFailure}).allowed());
}

// ---- The server goes, and comes back ----

using CutTest = PushedTest;

TEST_F(CutTest, WhatItCountedTripsItOnceItIsAlone) {
  Fail(4);
  breaker_.GoAlone();
  Fail(1);
  EXPECT_EQ(handle_.state(), State::kOpen);
}

// It tripped by itself while the fleet was fine, and nobody has probed it since.
TEST_F(CutTest, ATripThatNobodyWentByIsForgottenAfterItsWait) {
  Fail(5);
  Pass(absl::Seconds(30));
  breaker_.GoAlone();
  EXPECT_EQ(Passed(100), 100);
}

TEST_F(CutTest, AnOpenThatWasPushedHoldsUntilItIsOverAndThenIsProbed) {
  PushOpen(absl::Seconds(7));
  breaker_.GoAlone();
  Pass(absl::Seconds(6));
  EXPECT_EQ(Ask().reason(), Reason::kOpen);
  Pass(absl::Seconds(1));
  EXPECT_EQ(handle_.state(), State::kHalfOpen);
  EXPECT_EQ(Passed(2), 2);
  EXPECT_EQ(handle_.state(), State::kClosed);
}

TEST_F(CutTest, AFleetThatWasProbingIsProbedAlone) {
  PushHalfOpen();
  breaker_.GoAlone();
  EXPECT_EQ(Passed(2), 2);
  EXPECT_EQ(handle_.state(), State::kClosed);
}

TEST_F(CutTest, AnOverrideHoldsUntilItIsOver) {
  PushOverride(OverrideMode::kForcedOpen, absl::Seconds(5));
  breaker_.GoAlone();
  EXPECT_EQ(Ask().reason(), Reason::kForcedOpen);
  Pass(absl::Seconds(5));
  EXPECT_TRUE(Call());
}

TEST_F(CutTest, ItsOwnStateIsDroppedForWhatTheServerSays) {
  breaker_.GoAlone();
  Fail(5);
  ASSERT_EQ(handle_.state(), State::kOpen);
  Push({.epoch = epoch_});
  EXPECT_EQ(handle_.state(), State::kClosed);
  breaker_.GoAlone();
  EXPECT_EQ(handle_.state(), State::kClosed);
}

TEST_F(CutTest, WhatWasCountedMeanwhileIsToldAfterwards) {
  EXPECT_EQ(Passed(3), 3);
  breaker_.GoAlone();
  EXPECT_EQ(Passed(2), 2);
  Push({.epoch = epoch_});
  EXPECT_EQ(Told().successes, 5u);
}

TEST_F(CutTest, ItsWindowTellsAServerThatKnowsNothing) {
  EXPECT_EQ(Passed(30), 30);
  Fail(3);
  const std::optional<LedgerRow> window = breaker_.TakeWindow();
  ASSERT_TRUE(window.has_value());
  EXPECT_EQ(window->outcomes.successes, 30u);
  EXPECT_EQ(window->outcomes.failures, 3u);
  EXPECT_EQ(window->outcomes.trailing_failures, 3u);
}

TEST_F(CutTest, AnOpenBreakerHasNoWindowToTell) {
  EXPECT_TRUE(Call());
  PushOpen(absl::Seconds(7));
  EXPECT_FALSE(breaker_.TakeWindow().has_value());
}

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
