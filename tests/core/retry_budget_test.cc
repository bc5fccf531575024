#include "core/retry_budget.h"

#include <gtest/gtest.h>

namespace fusebox {
namespace {

class RetryBudgetTest : public ::testing::Test {
 protected:
  static RetryBudgetPolicy Numbers(double ratio, uint32_t per_second,
                                   absl::Duration window = absl::Seconds(10)) {
    return {Share::FromFraction(ratio), per_second, window};
  }

  // Spends until it is refused.
  int Spend(RetryBudget& budget, const RetryBudgetPolicy& policy, int at_most = 1'000'000) {
    int granted = 0;
    while (granted < at_most && budget.TryWithdraw(policy, now_)) ++granted;
    return granted;
  }

  Tick now_ = Tick::FromNanos(1'000'000'000'000);
};

// Ten retries a second for ten seconds, before anything succeeded.
TEST_F(RetryBudgetTest, StartsWithItsReserve) {
  const RetryBudgetPolicy policy;
  RetryBudget budget(policy, now_);
  EXPECT_EQ(budget.Balance(policy, now_), 100'000);
  EXPECT_EQ(Spend(budget, policy), 100);
  EXPECT_EQ(budget.spent(), 100u);
  EXPECT_EQ(budget.refused(), 1u);
}

// int(1.0 / 0.1f) is 9: ratios of .3, .4, .6 and .7 must grant .3, .4, .6 and .7.
TEST_F(RetryBudgetTest, RatiosAreExact) {
  for (const int tenths : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
    const RetryBudgetPolicy policy = Numbers(tenths / 10.0, 0);
    RetryBudget budget(policy, now_);
    for (int i = 0; i < 10; ++i) budget.Deposit(policy, 1, now_);
    EXPECT_EQ(Spend(budget, policy), tenths) << tenths;
    budget.Deposit(policy, 10'000, now_);
    EXPECT_EQ(Spend(budget, policy), tenths * 1'000) << tenths;
  }
}

// The smallest ratio earns one retry in a thousand calls, neither none nor two.
TEST_F(RetryBudgetTest, AThousandthIsAThousandth) {
  const RetryBudgetPolicy policy = Numbers(0.001, 0);
  RetryBudget budget(policy, now_);
  budget.Deposit(policy, 999, now_);
  EXPECT_EQ(Spend(budget, policy), 0);
  budget.Deposit(policy, 1, now_);
  EXPECT_EQ(Spend(budget, policy), 1);
}

// Some earn more than one: a ratio may be up to a thousand.
TEST_F(RetryBudgetTest, ARatioMayExceedOne) {
  const RetryBudgetPolicy policy = Numbers(1000, 0);
  RetryBudget budget(policy, now_);
  budget.Deposit(policy, 1, now_);
  EXPECT_EQ(Spend(budget, policy), 1'000);
}

// Without successes retries fade out: what is spent comes back only by the reserve.
TEST_F(RetryBudgetTest, FadesInATotalOutage) {
  const RetryBudgetPolicy policy = Numbers(0.2, 1);
  RetryBudget budget(policy, now_);
  budget.Deposit(policy, 1'000, now_);
  EXPECT_EQ(Spend(budget, policy), 210);
  int later = 0;
  for (int second = 0; second < 100; ++second) {
    now_ += absl::Seconds(1);
    later += Spend(budget, policy);
  }
  EXPECT_LE(later, 100);  // One a second, as the reserve allows.
}

// What was earned an hour ago must not fund a storm now.
TEST_F(RetryBudgetTest, DepositsAgeOut) {
  const RetryBudgetPolicy policy = Numbers(1, 0);
  RetryBudget budget(policy, now_);
  budget.Deposit(policy, 5, now_);
  now_ += absl::Seconds(10) - absl::Nanoseconds(1);
  EXPECT_EQ(budget.Balance(policy, now_), 5'000);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(budget.Balance(policy, now_), 0);
}

// Spending is forgiven after a window, or the reserve could be spent only once.
TEST_F(RetryBudgetTest, WithdrawalsAgeOut) {
  const RetryBudgetPolicy policy = Numbers(0, 1);
  RetryBudget budget(policy, now_);
  EXPECT_EQ(Spend(budget, policy), 10);
  now_ += absl::Seconds(9);
  EXPECT_EQ(Spend(budget, policy), 0);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Spend(budget, policy), 10);
}

// Deposits leave before what they paid for: a debt, and no grant until it ages out as well.
TEST_F(RetryBudgetTest, MayOweWhatAgedOut) {
  const RetryBudgetPolicy policy = Numbers(1, 0);
  RetryBudget budget(policy, now_);
  budget.Deposit(policy, 5, now_);
  now_ += absl::Seconds(9);
  EXPECT_EQ(Spend(budget, policy), 5);
  now_ += absl::Seconds(1);
  EXPECT_EQ(budget.Balance(policy, now_), -5'000);
  EXPECT_FALSE(budget.TryWithdraw(policy, now_));
  now_ += absl::Seconds(9);
  EXPECT_EQ(budget.Balance(policy, now_), 0);
}

// Slots are aligned: a gap of any length leaves exactly what is younger than the window.
TEST_F(RetryBudgetTest, SlotsStayAlignedAcrossIdleGaps) {
  const RetryBudgetPolicy policy = Numbers(1, 0);
  for (const int gap : {1, 9, 10, 11, 99, 100, 1'000'000}) {
    RetryBudget budget(policy, now_);
    budget.Deposit(policy, 1, now_);
    const Tick later = now_ + absl::Seconds(gap) + absl::Milliseconds(900);
    budget.Deposit(policy, 2, later);
    EXPECT_EQ(budget.Balance(policy, later), gap < 10 ? 3'000 : 2'000) << gap;
    EXPECT_EQ(budget.Balance(policy, now_ + absl::Seconds(gap + 10)), 0) << gap;
  }
}

// A budget must not start with credit at the origin of time either.
TEST_F(RetryBudgetTest, WorksFromTheOriginOfTime) {
  const RetryBudgetPolicy policy = Numbers(1, 0);
  RetryBudget budget(policy, Tick());
  for (int second = 0; second < 25; ++second) {
    const Tick now = Tick() + absl::Seconds(second);
    budget.Deposit(policy, 1, now);
    EXPECT_EQ(budget.Balance(policy, now), 1'000 * std::min(second + 1, 10)) << second;
  }
}

// The largest numbers must not wrap around to a debt.
TEST_F(RetryBudgetTest, DoesNotOverflow) {
  const RetryBudgetPolicy policy = Numbers(1000, 1'000'000, absl::Minutes(1));
  RetryBudget budget(policy, Tick());
  EXPECT_EQ(budget.Balance(policy, Tick()), 60'000'000'000);
  int64_t before = 0;
  for (int i = 0; i < 10'000; ++i) {
    const Tick now = Tick() + absl::Milliseconds(6 * i);
    budget.Deposit(policy, 4'000'000'000, now);
    const int64_t balance = budget.Balance(policy, now);
    ASSERT_GE(balance, before);
    before = balance;
  }
}

// A zero budget is a way to forbid retries.
TEST_F(RetryBudgetTest, ZeroAllowsNoRetry) {
  const RetryBudgetPolicy policy = Numbers(0, 0);
  RetryBudget budget(policy, now_);
  budget.Deposit(policy, 1'000, now_);
  EXPECT_EQ(Spend(budget, policy), 0);
}

// Changed numbers recompute the reserve; past deposits and withdrawals stay.
TEST_F(RetryBudgetTest, AChangedPolicyKeepsWhatHappened) {
  const RetryBudgetPolicy before = Numbers(0.5, 2);
  RetryBudget budget(before, now_);
  budget.Deposit(before, 10, now_);
  EXPECT_EQ(Spend(budget, before, 3), 3);
  EXPECT_EQ(budget.Balance(before, now_), 22'000);
  const RetryBudgetPolicy after = Numbers(0.1, 4);
  budget.ChangePolicy(before, after, now_);
  EXPECT_EQ(budget.Balance(after, now_), 42'000);
  EXPECT_EQ(budget.spent(), 3u);
}

// A changed window has other slots: the sum enters the newest, so that nothing is lost or doubled.
TEST_F(RetryBudgetTest, AChangedWindowStartsWithTheOldSum) {
  const RetryBudgetPolicy before = Numbers(1, 0);
  RetryBudget budget(before, now_);
  for (int i = 0; i < 15; ++i) {
    budget.Deposit(before, 1, now_);
    now_ += absl::Seconds(1);
  }
  ASSERT_EQ(budget.Balance(before, now_), 9'000);
  const RetryBudgetPolicy after = Numbers(1, 0, absl::Seconds(60));
  budget.ChangePolicy(before, after, now_);
  EXPECT_EQ(budget.Balance(after, now_), 9'000);
  now_ += absl::Seconds(50);
  EXPECT_EQ(budget.Balance(after, now_), 9'000);
  now_ += absl::Seconds(10);
  EXPECT_EQ(budget.Balance(after, now_), 0);
}

// Only a budget that never did anything may be forgotten: its totals are shown.
TEST_F(RetryBudgetTest, IsBlankUntilUsed) {
  const RetryBudgetPolicy policy = Numbers(1, 0);
  RetryBudget budget(policy, now_);
  EXPECT_TRUE(budget.IsBlank(policy, now_));
  budget.Deposit(policy, 1, now_);
  EXPECT_FALSE(budget.IsBlank(policy, now_));
  now_ += absl::Seconds(10);
  EXPECT_TRUE(budget.IsBlank(policy, now_));
  EXPECT_FALSE(budget.TryWithdraw(policy, now_));
  EXPECT_FALSE(budget.IsBlank(policy, now_ + absl::Hours(1)));
}

}  // namespace
}  // namespace fusebox
