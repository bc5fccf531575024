// A breaker of a client by what a server pushes, and once that is gone.
#include "client/cpp/local/local_breaker.h"

#include "client/cpp/local_fixture.h"

namespace fusebox::internal {
namespace {

using ::testing::SizeIs;

// ---- With what a server pushes ----

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

}  // namespace
}  // namespace fusebox::internal
