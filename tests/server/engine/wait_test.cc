// Calls that wait for their turn: who answers them, and when.
#include <optional>

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WaitTest : public EngineTest {
 protected:
  explicit WaitTest(const EngineOptions& options = {}) : EngineTest(options) {
    policy_.bulkhead.max_concurrent = 1;
    policy_.queue = {.max_wait = absl::Minutes(1), .max_queue = 100};
    Configure();
  }
  void Configure() { SetPolicies({policy_}); }

  // Asks for a call that may wait; its answer comes into `answers_`.
  AllowAnswer AskFor(int call, const std::vector<absl::string_view>& breakers = {kOrders},
                     absl::Duration longest = absl::Seconds(5), const Question& question = {}) {
    const absl::StatusOr<AllowAnswer> answer =
        engine_.AllowOrWait(breakers, question, "client", longest, [this, call](AllowAnswer later) {
          answers_.emplace_back(call, std::move(later));
          return !gone_;
        });
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(AllowAnswer{});
  }
  std::vector<int> Answered() const {
    std::vector<int> calls;
    for (const auto& [call, answer] : answers_) calls.push_back(call);
    return calls;
  }

  Policy policy_;
  bool gone_ = false;  // Whether callers are, when they are answered.
  std::vector<std::pair<int, AllowAnswer>> answers_;
};

TEST_F(WaitTest, WhoFindsAPlaceIsAnsweredAtOnce) {
  EXPECT_TRUE(AskFor(1).decision.allowed);
  EXPECT_EQ(engine_.waiting(), 0u);
  EXPECT_THAT(answers_, IsEmpty());
}

TEST_F(WaitTest, TheEndOfACallIsTheTurnOfTheFirstThatWaits) {
  const std::string permit = Granted();
  EXPECT_TRUE(AskFor(1).decision.waits);
  EXPECT_TRUE(AskFor(2).decision.waits);
  EXPECT_EQ(engine_.waiting(), 2u);
  Record(permit, Outcome::kSuccess);
  ASSERT_THAT(Answered(), ElementsAre(1));
  EXPECT_TRUE(answers_[0].second.decision.allowed);
  EXPECT_EQ(engine_.waiting(), 1u);
  Record(answers_[0].second.permit.bytes(), Outcome::kSuccess);
  EXPECT_THAT(Answered(), ElementsAre(1, 2));
}

TEST_F(WaitTest, AWaitThatIsOverIsARefusal) {
  Granted();
  AskFor(1, {kOrders}, absl::Seconds(5));
  Pass(absl::Milliseconds(4'999));
  EXPECT_THAT(answers_, IsEmpty());
  Pass(absl::Milliseconds(1));
  ASSERT_THAT(Answered(), ElementsAre(1));
  EXPECT_FALSE(answers_[0].second.decision.allowed);
  EXPECT_EQ(answers_[0].second.decision.reason, Reason::kBulkhead);
  EXPECT_EQ(engine_.waiting(), 0u);
}

TEST_F(WaitTest, ATokenThatComesBackIsATurn) {
  policy_.bulkhead.max_concurrent = 0;
  policy_.rate_limit = {.rate = 10, .burst = 1};
  Configure();
  Granted();
  AskFor(1);
  AskFor(2);
  Pass(absl::Milliseconds(99));
  EXPECT_THAT(Answered(), IsEmpty());
  Pass(absl::Milliseconds(1));
  EXPECT_THAT(Answered(), ElementsAre(1));
  Pass(absl::Milliseconds(100));
  EXPECT_THAT(Answered(), ElementsAre(1, 2));
}

// However many: those that one operation leaves over are the timer's.
TEST_F(WaitTest, ABreakerThatOpensRefusesAllWhoWait) {
  Granted();
  for (int call = 0; call < 100; ++call) AskFor(call);
  Trip();
  EXPECT_LT(answers_.size(), 100u);
  Pass(absl::ZeroDuration());
  ASSERT_EQ(answers_.size(), 100u);
  for (const auto& [call, answer] : answers_) EXPECT_EQ(answer.decision.reason, Reason::kOpen);
  EXPECT_EQ(Answered().front(), 0);
  EXPECT_EQ(Answered().back(), 99);
}

TEST_F(WaitTest, WhoGivesUpLeavesAtOnceAndIsNotAnswered) {
  const std::string permit = Granted();
  const AllowAnswer waiting = AskFor(1);
  EXPECT_TRUE(engine_.CancelWait(waiting.ticket));
  EXPECT_FALSE(engine_.CancelWait(waiting.ticket));
  EXPECT_EQ(engine_.waiting(), 0u);
  EXPECT_EQ(Look().waiting, 0u);
  Record(permit, Outcome::kSuccess);
  EXPECT_THAT(answers_, IsEmpty());
  EXPECT_TRUE(Allow().decision.allowed);
}

TEST_F(WaitTest, WhoIsAnsweredCannotGiveUpAnyMore) {
  const std::string permit = Granted();
  const AllowAnswer waiting = AskFor(1);
  Record(permit, Outcome::kSuccess);
  EXPECT_FALSE(engine_.CancelWait(waiting.ticket));
}

TEST_F(WaitTest, TheEndOfWaitsAnswersAllAndNobodyWaitsAfter) {
  Granted();
  Granted(kUsers);
  AskFor(1);
  AskFor(2, {kUsers});
  AskFor(3);
  engine_.EndWaits();
  EXPECT_THAT(Answered(), ::testing::UnorderedElementsAre(1, 2, 3));
  for (const auto& [call, answer] : answers_) EXPECT_EQ(answer.decision.reason, Reason::kBulkhead);
  AskFor(4);
  EXPECT_EQ(Answered().size(), 4u);
  EXPECT_EQ(engine_.waiting(), 0u);
}

TEST_F(WaitTest, WhoWaitsForABreakerThatIsForgottenIsAnswered) {
  Granted();
  AskFor(1);
  ASSERT_TRUE(engine_.Forget(kOrders, {}).ok());
  EXPECT_THAT(Answered(), ElementsAre(1));
  EXPECT_FALSE(Exists());
}

TEST_F(WaitTest, AResetBreakerGoesOnWithItsQueue) {
  policy_.bulkhead.max_concurrent = 0;
  policy_.rate_limit = {.rate = 1};
  Configure();
  Granted();
  AskFor(1);
  ASSERT_TRUE(engine_.Reset(kOrders, {}).ok());
  EXPECT_THAT(Answered(), ElementsAre(1));
}

TEST_F(WaitTest, APolicyThatSwitchesThePartsOffServesAllWhoWait) {
  Granted();
  AskFor(1);
  policy_.bulkhead.max_concurrent = 0;
  Configure();
  Sweep();
  ASSERT_THAT(Answered(), ElementsAre(1));
}

// Both are turned away by the timer's thread, and the second only then.
TEST_F(WaitTest, ATurnThatTheSharedBudgetRefusesIsTheNextOnes) {
  policy_.shared_retry_budget = "fleet";
  const absl::Status set = engine_.SetPolicies(
      {policy_}, {{"fleet", {.retry_ratio = Share(), .min_retries_per_second = 0}}});
  ASSERT_TRUE(set.ok()) << set;
  const std::string permit = Granted();
  AskFor(1, {kOrders}, absl::Seconds(5), {.attempt = 2});
  AskFor(2);
  Record(permit, Outcome::kSuccess);
  Pass(absl::ZeroDuration());
  ASSERT_THAT(Answered(), ElementsAre(1, 2));
  EXPECT_EQ(answers_[0].second.decision.reason, Reason::kRetryBudget);
  EXPECT_TRUE(answers_[1].second.decision.allowed);
}

TEST_F(WaitTest, ItWaitsForTheFirstOfTheChainThatMayHaveAPlaceLater) {
  Trip(kOrders);
  const std::string permit = Granted(kUsers);
  const AllowAnswer waiting = AskFor(1, {kOrders, kUsers});
  EXPECT_TRUE(waiting.decision.waits);
  Record(permit, Outcome::kSuccess, kUsers);
  ASSERT_THAT(Answered(), ElementsAre(1));
  const AllowAnswer& answer = answers_[0].second;
  EXPECT_TRUE(answer.decision.allowed);
  EXPECT_EQ(answer.chosen, 1u);
  ASSERT_EQ(answer.refused.size(), 1u);
  EXPECT_EQ(answer.refused[0].index, 0u);
  EXPECT_EQ(answer.refused[0].decision.reason, Reason::kOpen);
}

TEST_F(WaitTest, AChainThatWaitedInVainNamesAllWithTheirReasons) {
  Trip(kOrders);
  Granted(kUsers);
  AskFor(1, {kOrders, kUsers});
  Pass(absl::Seconds(5));
  ASSERT_THAT(Answered(), ElementsAre(1));
  const AllowAnswer& answer = answers_[0].second;
  EXPECT_FALSE(answer.decision.allowed);
  EXPECT_EQ(answer.decision.reason, Reason::kOpen);
  ASSERT_EQ(answer.refused.size(), 2u);
  EXPECT_EQ(answer.refused[1].decision.reason, Reason::kBulkhead);
}

TEST_F(WaitTest, NobodyWaitsWhereAWaitCannotHelp) {
  Trip(kOrders);
  EXPECT_FALSE(AskFor(1).decision.waits);
  EXPECT_EQ(AskFor(1).decision.reason, Reason::kOpen);
}

// However many there are: each gives back what the next one takes.
TEST_F(WaitTest, WhatIsGrantedToCallersThatAreGoneIsGivenBack) {
  policy_.queue.max_queue = 10'000;
  policy_.rate_limit = {.rate = 1'000'000};
  Configure();
  const std::string permit = Granted();
  constexpr int kCallers = 5'000;
  for (int call = 0; call < kCallers; ++call) ASSERT_TRUE(AskFor(call).decision.waits);
  const uint64_t calls = Look().totals.calls;
  gone_ = true;
  Record(permit, Outcome::kSuccess);
  while (engine_.waiting() > 0) Pass(absl::ZeroDuration());
  EXPECT_EQ(answers_.size(), kCallers);
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
  EXPECT_EQ(Look().bulkhead->granted, 1u);
  EXPECT_EQ(Look().rate_limit->granted, 1u);
  EXPECT_EQ(Look().totals.calls, calls);
  gone_ = false;
  EXPECT_TRUE(Allow().decision.allowed);
}

// Both are refused by one and ask the other, each at a time when the key is known nowhere.
TEST_F(WaitTest, OneKeyIsNotGrantedByTwoBreakersOfAChain) {
  policy_.idempotency.ttl = absl::Minutes(1);
  Configure();
  const Question question{.idempotency_key = "order-7"};
  const std::string orders = Granted(kOrders), users = Granted(kUsers);
  ASSERT_TRUE(AskFor(1, {kOrders, kUsers}, absl::Seconds(5), question).decision.waits);
  Record(users, Outcome::kSuccess, kUsers);
  const AllowAnswer second = AskFor(2, {kOrders, kUsers}, absl::Seconds(5), question);
  ASSERT_TRUE(second.decision.allowed);
  ASSERT_EQ(second.chosen, 1u);
  Record(orders, Outcome::kSuccess);
  ASSERT_THAT(Answered(), ElementsAre(1));
  EXPECT_EQ(answers_[0].second.decision.reason, Reason::kDuplicate);
  EXPECT_EQ(answers_[0].second.decision.first, IdempotencyKeys::Begun::kInFlight);
  EXPECT_EQ(Look(kOrders).bulkhead->in_use, 0u);
}

TEST_F(WaitTest, ARetryWhoseWaitIsEndedStillNeedsTheSharedBudget) {
  policy_.shared_retry_budget = "fleet";
  policy_.bulkhead.max_concurrent = 0;
  policy_.rate_limit = {.rate = 10, .burst = 1};
  const absl::Status set = engine_.SetPolicies(
      {policy_}, {{"fleet", {.retry_ratio = Share(), .min_retries_per_second = 0}}});
  ASSERT_TRUE(set.ok()) << set;
  Granted();
  AskFor(1, {kOrders}, absl::Seconds(5), {.attempt = 2});
  clock_.Advance(absl::Milliseconds(100));  // Its token is there, and nobody has looked.
  engine_.EndWaits();
  ASSERT_THAT(Answered(), ElementsAre(1));
  EXPECT_EQ(answers_[0].second.decision.reason, Reason::kRetryBudget);
}

class FullRoomTest : public WaitTest {
 protected:
  FullRoomTest() : WaitTest({.max_waiting_calls = 2}) {}
};

TEST_F(FullRoomTest, NoMoreWaitThanTheServerHasRoomFor) {
  Granted();
  EXPECT_TRUE(AskFor(1).decision.waits);
  const AllowAnswer waiting = AskFor(2);
  EXPECT_TRUE(waiting.decision.waits);
  const AllowAnswer refused = AskFor(3);
  EXPECT_FALSE(refused.decision.waits);
  EXPECT_EQ(refused.decision.reason, Reason::kBulkhead);
  engine_.CancelWait(waiting.ticket);
  EXPECT_TRUE(AskFor(4).decision.waits);
}

}  // namespace
}  // namespace fusebox
