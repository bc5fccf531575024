// A breaker of a client without a server.
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local_fixture.h"

namespace fusebox::internal {
namespace {

using ::testing::SizeIs;

using AloneTest = LocalTest;

// A breaker that has something else to do without a server than to decide.
class BlindTest : public LocalTest {
 protected:
  LocalBreaker Blind(WithoutServer without_server) {
    return LocalBreaker("db/orders", Ruling(Policy()),
                        {.clock = clock_,
                         .stopwatch = stopwatch_,
                         .numbers = numbers_,
                         .without_server = without_server});
  }
  static bool Fails(LocalBreaker& breaker, const Attempt& attempt = {}) {
    Breaker::Permit permit = Breaker(breaker).Allow(attempt);
    permit.Fail();
    return permit.allowed();
  }
};

TEST_F(BlindTest, AllCallsAreMadeWithoutAServerIfToldSo) {
  LocalBreaker breaker = Blind(WithoutServer::kAllow);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(Fails(breaker));
  EXPECT_TRUE(Fails(breaker, {.number = 2, .hedge = true}));
  EXPECT_EQ(breaker.decisions().allowed_blindly, 101u);
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_TRUE(breaker.AdviseRetry({.outcome = Outcome::kFailure, .attempt = 1}).permitted);
}

TEST_F(BlindTest, OrNone) {
  LocalBreaker breaker = Blind(WithoutServer::kDeny);
  const Breaker::Permit refused = Breaker(breaker).Allow();
  EXPECT_EQ(refused.reason(), Reason::kNoServer);
  EXPECT_FALSE(Fails(breaker, {.number = 2}));
  EXPECT_EQ(breaker.decisions().denied_blindly, 2u);
}

TEST_F(BlindTest, WithAServerItDecides) {
  for (const WithoutServer way : {WithoutServer::kAllow, WithoutServer::kDeny}) {
    LocalBreaker breaker = Blind(way);
    breaker.Push({.epoch = 1}, nullptr, 1);
    EXPECT_TRUE(Fails(breaker));
    breaker.Push({.state = State::kOpen, .epoch = 2, .retry_after = absl::Seconds(30)}, nullptr, 1);
    EXPECT_FALSE(Fails(breaker));
    EXPECT_EQ(breaker.decisions().pushed, 2u);
    breaker.GoAlone();
    EXPECT_EQ(Fails(breaker), way == WithoutServer::kAllow);
  }
}

TEST_F(AloneTest, DecisionsAreCountedByWhatDecided) {
  EXPECT_EQ(Passed(10), 10);
  Fail(5);
  EXPECT_EQ(Passed(7), 0);
  EXPECT_EQ(breaker_.decisions().local, 22u);
  PushClosed();
  EXPECT_EQ(Passed(10), 10);
  PushOpen(absl::Seconds(30));
  EXPECT_EQ(Passed(3), 0);
  EXPECT_EQ(breaker_.decisions().local, 22u);
  EXPECT_EQ(breaker_.decisions().pushed, 13u);
}

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

}  // namespace
}  // namespace fusebox::internal
