// What the server lends a breaker of a client.
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local_fixture.h"

namespace fusebox::internal {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

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

}  // namespace
}  // namespace fusebox::internal
