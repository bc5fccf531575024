#include "core/retry_estimate.h"

#include <gtest/gtest.h>

namespace fusebox {
namespace {

constexpr Outcome kFailed = Outcome::kFailure;

class RetryEstimateTest : public ::testing::Test {
 protected:
  // So many first attempts, evenly spaced.
  void First(bool success, int calls, absl::Duration apart = absl::Milliseconds(30)) {
    for (int i = 0; i < calls; ++i) {
      now_ += apart;
      estimate_.LearnFirst(success, 1, now_);
    }
  }

  // So many retries that fail although what others try succeeds.
  void FailAmongSuccesses(int retries, uint32_t attempt = 2, Outcome previous = kFailed) {
    for (int i = 0; i < retries; ++i) {
      estimate_.LearnRetries(previous, attempt, 0, 1);
      First(true, 1);
    }
  }

  double Probability(uint32_t attempt = 2, Outcome previous = kFailed) const {
    return estimate_.Probability(previous, attempt, now_);
  }

  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  RetryEstimate estimate_;
};

// Its prior: a half, so that nothing is stopped and nothing hurried.
TEST_F(RetryEstimateTest, KnowsNothingAtFirst) {
  EXPECT_EQ(Probability(2), 0.5);
  EXPECT_EQ(Probability(3, Outcome::kTimeout), 0.5);
}

// One call is weighed against a prior of the weight of one.
TEST_F(RetryEstimateTest, OneCallMovesItHalfWay) {
  First(true, 1);
  EXPECT_DOUBLE_EQ(Probability(), 0.75);
  estimate_ = RetryEstimate();
  First(false, 1);
  EXPECT_DOUBLE_EQ(Probability(), 0.25);
}

// At the pace of one client or of a small fleet: some two dozen failures stop retries.
TEST_F(RetryEstimateTest, FallsBelowATenthWithinTwentyFiveFailures) {
  First(true, 1'000);
  ASSERT_GT(Probability(), 0.9);
  First(false, 10);
  EXPECT_GT(Probability(), 0.1);
  First(false, 15);
  EXPECT_LT(Probability(), 0.1);
}

// What makes recovery cheap: the first call that succeeds after an outage permits retries again.
TEST_F(RetryEstimateTest, OneSuccessAfterAnOutageIsNews) {
  First(true, 1'000);
  First(false, 1'000);
  ASSERT_LT(Probability(), 0.06);
  First(true, 1);
  EXPECT_GT(Probability(), 0.1);
}

// One success in fifty is an outage, and stays one.
TEST_F(RetryEstimateTest, AStraySuccessIsForgottenSoon) {
  First(false, 1'000);
  First(true, 1);
  First(false, 8);
  EXPECT_LT(Probability(), 0.1);
}

// Eight calls of ten thousand a second say little: there the last tenth of a second speaks.
TEST_F(RetryEstimateTest, ABusyFleetIsJudgedByTheLastTenthOfASecond) {
  const absl::Duration apart = absl::Microseconds(100);
  First(true, 10'000, apart);
  First(false, 20, apart);
  EXPECT_GT(Probability(), 0.95);
  First(false, 980, apart);
  EXPECT_NEAR(Probability(), 0.5, 0.01);
  First(false, 3'000, apart);
  EXPECT_LT(Probability(), 0.1);
}

// Three of ten failing at random are no reason to stop, in any sequence that is likely.
TEST_F(RetryEstimateTest, ABrownOutStopsNothing) {
  First(true, 100);
  for (int i = 0; i < 1'000; ++i) {
    First(false, 3);
    EXPECT_GT(Probability(), 0.3);
    First(true, 7);
  }
}

// In an outage retries fail like everything else. That is no reason against them afterwards.
TEST_F(RetryEstimateTest, AnOutageSaysNothingAgainstRetries) {
  First(true, 100);
  RetryEstimate without_retries = estimate_;
  for (int i = 0; i < 1'000; ++i) {
    estimate_.LearnRetries(kFailed, 2, 0, 1);
    First(false, 1);
    without_retries.LearnFirst(false, 1, now_);
  }
  EXPECT_EQ(Probability(), without_retries.Probability(kFailed, 2, now_));
  First(true, 20);
  EXPECT_GT(Probability(), 0.8);
}

// A request that is itself the trouble fails again, however well the dependency does.
TEST_F(RetryEstimateTest, RetriesThatFailWhereOthersSucceedStop) {
  First(true, 100);
  FailAmongSuccesses(10);
  EXPECT_GT(Probability(), 0.1);
  FailAmongSuccesses(35);
  EXPECT_LT(Probability(), 0.1);
}

// A timeout may be worth a retry where a failure is not, and a third attempt where a second is not.
TEST_F(RetryEstimateTest, KindsAreToldApart) {
  First(true, 100);
  FailAmongSuccesses(50, 2, kFailed);
  EXPECT_LT(Probability(2, kFailed), 0.1);
  EXPECT_GT(Probability(3, kFailed), 0.9);
  EXPECT_GT(Probability(2, Outcome::kTimeout), 0.9);
  EXPECT_GT(Probability(2, Outcome::kRateLimited), 0.9);
}

// Few come so far; there is nothing to tell apart.
TEST_F(RetryEstimateTest, FromTheFourthOnAttemptsAreAlike) {
  First(true, 100);
  FailAmongSuccesses(25, 4);
  FailAmongSuccesses(25, 90);
  EXPECT_LT(Probability(4), 0.1);
  EXPECT_EQ(Probability(4), Probability(1'000'000));
}

// Those that explore find out: a handful that succeed bring retries back.
TEST_F(RetryEstimateTest, AFewSuccessesBringRetriesBack) {
  First(true, 100);
  FailAmongSuccesses(1'000);
  ASSERT_LT(Probability(), 0.06);
  for (int i = 0; i < 4; ++i) {
    estimate_.LearnRetries(kFailed, 2, 1, 0);
    First(true, 1);
  }
  EXPECT_GT(Probability(), 0.1);
}

// Evidence against a kind is halved in five minutes: 4 / (64 / 2 + 4) of a dependency that is up.
TEST_F(RetryEstimateTest, EvidenceFades) {
  First(true, 100);
  FailAmongSuccesses(1'000);
  const double up = 9.5 / 10;
  EXPECT_NEAR(Probability(), up * 4 / 68, 0.001);
  now_ += absl::Minutes(5);
  First(true, 100);
  EXPECT_NEAR(Probability(), up * 4 / 36, 0.001);
  now_ += absl::Hours(2);
  First(true, 100);
  EXPECT_NEAR(Probability(), up, 0.001);
}

// An outage that nobody has seen for half a minute may be over: it is worth a try.
TEST_F(RetryEstimateTest, AnOldOutageIsDoubted) {
  First(false, 100);
  ASSERT_LT(Probability(), 0.1);
  now_ += absl::Seconds(35);
  EXPECT_GT(Probability(), 0.1);
  now_ += absl::Hours(1);
  EXPECT_NEAR(Probability(), 0.5, 0.001);
}

// Where retries do better than first attempts, as when they go elsewhere, that is learned as well.
TEST_F(RetryEstimateTest, RetriesMayBeWorthMoreThanFirstAttempts) {
  for (int i = 0; i < 200; ++i) {
    First(false, 4);
    estimate_.LearnRetries(kFailed, 2, 1, 0);
    First(i % 2 == 0, 1);
  }
  First(false, 4);
  EXPECT_GT(Probability(2), 1.5 * Probability(3));
}

// Clients that report in batches are heard as if they had told one by one.
TEST_F(RetryEstimateTest, ABatchCountsAsItsCalls) {
  estimate_.LearnFirst(true, 30, now_);
  estimate_.LearnFirst(false, 10, now_);
  RetryEstimate one_by_one;
  for (int i = 0; i < 40; ++i) one_by_one.LearnFirst(i < 30, 1, now_);
  EXPECT_DOUBLE_EQ(Probability(), one_by_one.Probability(kFailed, 2, now_));
  estimate_.LearnFirst(true, 0, now_);
  EXPECT_DOUBLE_EQ(Probability(), 30.5 / 41);
}

// Retries that nobody's first attempt follows wait, and count when one does.
TEST_F(RetryEstimateTest, RetriesWaitForAFirstAttempt) {
  First(true, 1);
  const double before = Probability();
  for (int i = 0; i < 1'000; ++i) estimate_.LearnRetries(kFailed, 2, 0, 1);
  EXPECT_EQ(Probability(), before);
  First(true, 1);
  EXPECT_LT(Probability(), 0.1);
}

// There may be one per breaker.
TEST_F(RetryEstimateTest, TakesAFewHundredBytes) { EXPECT_LE(sizeof(RetryEstimate), 256u); }

// What has forgotten everything may itself be forgotten.
TEST_F(RetryEstimateTest, IsBlankOnceAllHasFaded) {
  EXPECT_TRUE(estimate_.IsBlank(now_ + absl::Hours(1)));
  FailAmongSuccesses(100);
  EXPECT_FALSE(estimate_.IsBlank(now_ + absl::Minutes(59)));
  EXPECT_TRUE(estimate_.IsBlank(now_ + absl::Minutes(60)));
  estimate_.LearnRetries(kFailed, 2, 1, 0);
  EXPECT_FALSE(estimate_.IsBlank(now_ + absl::Minutes(60)));
}

}  // namespace
}  // namespace fusebox
