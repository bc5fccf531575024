// One retry budget for several breakers.
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

class SharedBudgetTest : public EngineTest {
 protected:
  SharedBudgetTest() { SetBudget(/*per_second=*/1, /*ratio=*/0.5); }

  // Ten seconds of `per_second`, and `ratio` more for each success.
  void SetBudget(uint32_t per_second, double ratio) {
    Policy policy;
    policy.shared_retry_budget = "fleet";
    SetPolicies(
        {policy},
        {{"fleet",
          {.retry_ratio = Share::FromFraction(ratio), .min_retries_per_second = per_second}}});
  }
  BudgetStatus Budget() {
    const std::vector<BudgetStatus> budgets = engine_.Budgets();
    EXPECT_EQ(budgets.size(), 1u);
    return budgets.empty() ? BudgetStatus{} : budgets.front();
  }
  int Retries(int calls, absl::string_view breaker = kOrders) {
    return CountAllowed(calls, breaker, /*attempt=*/2);
  }
};

// A retry storm is bounded by one budget, however many breakers it hits.
TEST_F(SharedBudgetTest, BreakersSpendFromOneBudget) {
  EXPECT_EQ(Retries(7, kOrders), 7);
  EXPECT_EQ(Retries(7, kUsers), 3);
  const AllowAnswer refused = Allow(kOrders, 2);
  EXPECT_FALSE(refused.decision.allowed);
  EXPECT_EQ(refused.decision.reason, Reason::kRetryBudget);
  EXPECT_GT(refused.decision.retry_after, absl::ZeroDuration());
  EXPECT_EQ(Budget().spent, 10u);
  EXPECT_EQ(Budget().refused, 5u);
  EXPECT_EQ(Budget().balance, 0);
}

// Who is refused waits for the budget that refused, not for the one that the policy does not use.
TEST_F(SharedBudgetTest, ARefusalTellsTheWaitOfTheSharedBudget) {
  Policy policy;
  policy.shared_retry_budget = "fleet";
  SetPolicies({policy}, {{"fleet", {.min_retries_per_second = 1, .window = absl::Seconds(60)}}});
  ASSERT_EQ(Retries(60), 60);
  EXPECT_EQ(Allow(kOrders, 2).decision.retry_after, absl::Seconds(6));
}

// The budget is of retries: first attempts pass when it is empty.
TEST_F(SharedBudgetTest, FirstAttemptsSpendNothing) {
  ASSERT_EQ(Retries(20), 10);
  EXPECT_EQ(CountAllowed(20, kOrders, 1), 20);
  EXPECT_EQ(CountAllowed(20, kOrders, 0), 20);
  EXPECT_EQ(Budget().spent, 10u);
}

// What one breaker's successes earn, another may spend.
TEST_F(SharedBudgetTest, SuccessesOfAnyBreakerEarn) {
  ASSERT_EQ(Retries(20), 10);
  for (int i = 0; i < 4; ++i) Record(Granted(kUsers), Outcome::kSuccess, kUsers);
  EXPECT_EQ(Budget().balance, 2'000);
  EXPECT_EQ(Retries(20, kOrders), 2);
}

// Retries fade in an outage: neither failures nor retries that succeed earn more of them.
TEST_F(SharedBudgetTest, OnlyFirstAttemptsThatSucceedEarn) {
  Record(Granted(), Outcome::kFailure);
  const int64_t full = Budget().balance;
  Record(Granted(kOrders, 2), Outcome::kSuccess);
  EXPECT_EQ(Budget().balance, full - 1'000);
}

// A breaker that refuses spends nothing.
TEST_F(SharedBudgetTest, AnOpenBreakerSpendsNothing) {
  Trip();
  EXPECT_EQ(Retries(20), 0);
  EXPECT_EQ(Budget().spent, 0u);
  EXPECT_EQ(Budget().refused, 0u);
}

// A budget that refuses must not use up the probes that the dependency's recovery hangs on.
TEST_F(SharedBudgetTest, ARefusalGivesTheProbeSlotBack) {
  HalfOpen();
  ASSERT_EQ(Retries(20, kUsers), 10);
  EXPECT_EQ(Retries(20, kOrders), 0);
  EXPECT_EQ(Look().probes, 0u);
  EXPECT_EQ(CountAllowed(20, kOrders, 1), 3);
}

// Refused calls were not made.
TEST_F(SharedBudgetTest, ARefusalIsCountedAsOne) {
  ASSERT_EQ(Retries(12), 10);
  EXPECT_EQ(Look().totals.calls, 10u);
  EXPECT_EQ(Look().totals.refused, 2u);
  const CounterTotals counters = engine_.counters();
  EXPECT_EQ(counters.allowed, 10u);
  EXPECT_EQ(counters.denied[static_cast<size_t>(Reason::kRetryBudget)], 2u);
}

// SHADOW lets pass, and says what it would have done.
TEST_F(SharedBudgetTest, ShadowLetsARefusedRetryPass) {
  ASSERT_TRUE(engine_.SetOverride(kOrders, {.mode = OverrideMode::kShadow}).ok());
  ASSERT_EQ(Retries(10, kUsers), 10);
  const AllowAnswer answer = Allow(kOrders, 2);
  EXPECT_TRUE(answer.decision.allowed);
  EXPECT_TRUE(answer.decision.shadow_denied);
  EXPECT_EQ(answer.decision.reason, Reason::kRetryBudget);
  EXPECT_EQ(Record(answer.permit.bytes(), Outcome::kFailure).counted, Counted::kNotCounted);
}

// A policy is changed in an incident; that must not hand out a fresh budget.
TEST_F(SharedBudgetTest, AChangeOfPoliciesKeepsWhatWasSpent) {
  ASSERT_EQ(Retries(8), 8);
  SetBudget(/*per_second=*/1, /*ratio=*/0.1);
  EXPECT_EQ(Budget().balance, 2'000);
  SetBudget(/*per_second=*/2, /*ratio=*/0.1);
  EXPECT_EQ(Budget().balance, 12'000);
  EXPECT_EQ(Budget().spent, 8u);
}

// What was spent comes back as it ages out of the window.
TEST_F(SharedBudgetTest, SpentRetriesAgeOut) {
  ASSERT_EQ(Retries(20), 10);
  Pass(absl::Seconds(11));
  EXPECT_EQ(Retries(20), 10);
}

// A breaker's view names the budget it shares, and shows the whole of it.
TEST_F(SharedBudgetTest, AViewShowsTheSharedBudget) {
  ASSERT_EQ(Retries(4, kUsers), 4);
  Allow(kOrders);
  const BreakerView view = View(kOrders);
  EXPECT_EQ(view.budget.name, "fleet");
  EXPECT_EQ(view.budget.balance, 6'000);
  EXPECT_EQ(view.budget.spent, 4u);
}

// Without a shared one, each breaker has its own, and its view says so by no name.
TEST_F(SharedBudgetTest, PrivateBudgetsAreApart) {
  Policy own;
  own.retry_budget.min_retries_per_second = 1;
  SetPolicies({own});
  EXPECT_EQ(Retries(20, kOrders), 10);
  EXPECT_EQ(Retries(20, kUsers), 10);
  EXPECT_EQ(View(kOrders).budget.name, "");
  EXPECT_EQ(View(kOrders).budget.spent, 10u);
  EXPECT_TRUE(engine_.Budgets().empty());
}

// Whoever reads budgets finds them where they were.
TEST(SharedBudgetsTest, AreListedByName) {
  SharedBudgets budgets;
  budgets.Set({{"b", {}}, {"a", {}}, {"c", {}}}, Tick());
  std::vector<std::string> names;
  for (const BudgetStatus& status : budgets.All(Tick())) names.push_back(status.name);
  EXPECT_THAT(names, ::testing::ElementsAre("a", "b", "c"));
}

// A budget that was removed grants nothing; a call that names it late does no harm.
TEST(SharedBudgetsTest, ANameThatIsGoneGrantsNothing) {
  SharedBudgets budgets;
  budgets.Set({{"fleet", {}}}, Tick());
  ASSERT_TRUE(budgets.TryWithdraw("fleet", Tick()));
  budgets.Set({}, Tick());
  EXPECT_FALSE(budgets.TryWithdraw("fleet", Tick()));
  budgets.Deposit("fleet", 1'000, Tick());
  EXPECT_EQ(budgets.Status("fleet", Tick()).balance, 0);
}

// Threads bring their times in any order.
TEST(SharedBudgetsTest, TimeNeverGoesBack) {
  SharedBudgets budgets;
  const Tick start = Tick::FromNanos(1'000'000'000'000);
  budgets.Set({{"fleet", {.min_retries_per_second = 1}}}, start);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(budgets.TryWithdraw("fleet", start + absl::Seconds(5)));
  }
  EXPECT_FALSE(budgets.TryWithdraw("fleet", start));
  EXPECT_FALSE(budgets.TryWithdraw("fleet", start + absl::Seconds(6)));
}

}  // namespace
}  // namespace fusebox
