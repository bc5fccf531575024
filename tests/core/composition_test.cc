// The parts of one policy together: the order in which they are asked, what a refusal gives back,
// and what the end of a call frees.
#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using Begun = IdempotencyKeys::Begun;

class CompositionTest : public GuardTest {
 protected:
  CompositionTest() { budget() = {Share(), 0, absl::Seconds(1)}; }

  void Bulkhead(uint32_t places) { policy_.bulkhead.max_concurrent = places; }
  void RateLimit(uint32_t per_second) { policy_.rate_limit.rate = per_second; }
  void Remember(absl::Duration ttl) { policy_.idempotency.ttl = ttl; }
  Decision AskFor(absl::string_view key, bool retry_unknown = false) {
    return Ask({.idempotency_key = key, .retry_unknown = retry_unknown});
  }
  Override Of(OverrideMode mode) { return {.mode = mode, .expires = Tick::Max(), .match = "*"}; }
};

TEST_F(CompositionTest, TheBulkheadRefusesOnceAllPlacesAreTaken) {
  Bulkhead(2);
  const Decision first = Acquire();
  EXPECT_TRUE(first.allowed);
  EXPECT_EQ(first.lease, policy_.bulkhead.lease_timeout);
  EXPECT_TRUE(Acquire().allowed);
  const Decision refused = Acquire();
  EXPECT_FALSE(refused.allowed);
  EXPECT_EQ(refused.reason, Reason::kBulkhead);
  EXPECT_GT(refused.retry_after, absl::ZeroDuration());
  Record(first.permit, Outcome::kSuccess);
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_EQ(Look().bulkhead->in_use, 2u);
  EXPECT_EQ(Look().bulkhead->refused, 1u);
}

// A place is of the call and not of the epoch: it ends with the call, however late.
TEST_F(CompositionTest, ALateOutcomeFreesItsPlace) {
  Bulkhead(1);
  const Permit permit = Granted();
  Trip();
  EXPECT_EQ(Look().bulkhead->in_use, 1u);
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kLate);
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
}

TEST_F(CompositionTest, AnOutcomeSentAgainFreesNoPlaceOfAnother) {
  Bulkhead(1);
  const Permit permit = Granted();
  Record(permit, Outcome::kSuccess);
  Granted();
  EXPECT_EQ(Record(permit, Outcome::kSuccess).counted, Counted::kRepeated);
  EXPECT_EQ(Look().bulkhead->in_use, 1u);
}

// A slow call in a full bulkhead is met by very many that are refused.
TEST_F(CompositionTest, RefusalsDoNotOvertakeThePermitsThatAreOut) {
  Bulkhead(1);
  const Permit permit = Granted();
  for (int i = 0; i < 100'000; ++i) ASSERT_EQ(Acquire().reason, Reason::kBulkhead);
  Pass(absl::Seconds(30));
  guard_.Trim(Ruling(), now_);
  EXPECT_EQ(Record(permit, Outcome::kSuccess).counted, Counted::kCounted);
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
  EXPECT_EQ(Record(permit, Outcome::kSuccess).counted, Counted::kRepeated);
}

// Of whom very many have overtaken, nobody knows any more whether it was told; its place it gives
// back by its own name.
TEST_F(CompositionTest, ACallThatManyHaveOvertakenStillFreesItsPlace) {
  Bulkhead(2);
  const Permit permit = Granted();
  Call(Outcome::kSuccess, 100'000);
  Pass(absl::Seconds(30));
  ASSERT_TRUE(guard_.Trim(Ruling(), now_));
  Record(permit, Outcome::kSuccess);
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
}

TEST_F(CompositionTest, AHolderThatDiesGivesItsPlaceBack) {
  Bulkhead(1);
  Granted();
  Pass(policy_.bulkhead.lease_timeout);
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_EQ(Look().bulkhead->expired, 1u);
}

// Who knows that it is done sooner may say so; who wants to hold it for longer than the policy lets
// may not.
TEST_F(CompositionTest, ACallerMayAskForAShorterLease) {
  Bulkhead(1);
  Remember(absl::Hours(1));
  const Decision granted = Ask({.idempotency_key = "order-7", .lease = absl::Seconds(2)});
  EXPECT_EQ(granted.lease, absl::Seconds(2));
  Pass(absl::Seconds(2));
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
  EXPECT_EQ(AskFor("order-7").first, Begun::kUnknown);
  EXPECT_EQ(Ask({.lease = absl::Hours(1)}).lease, policy_.bulkhead.lease_timeout);
}

TEST_F(CompositionTest, TheRateLimitSaysExactlyWhenToComeBack) {
  RateLimit(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Acquire().allowed);
  const Decision refused = Acquire();
  EXPECT_EQ(refused.reason, Reason::kRateLimit);
  EXPECT_EQ(refused.retry_after, absl::Milliseconds(250));
  Pass(absl::Milliseconds(250));
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_FALSE(Acquire().allowed);
}

// A token comes back with time and not with the end of a call.
TEST_F(CompositionTest, AnEndedCallGivesNoTokenBack) {
  RateLimit(1);
  Call(Outcome::kSuccess);
  EXPECT_EQ(Acquire().reason, Reason::kRateLimit);
}

TEST_F(CompositionTest, ABreakerThatRefusesTakesNothing) {
  Bulkhead(5);
  RateLimit(5);
  Remember(absl::Minutes(1));
  Trip();
  EXPECT_EQ(AskFor("order-7").reason, Reason::kOpen);
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
  EXPECT_EQ(Look().rate_limit->available, 5u);
  EXPECT_EQ(Look().idempotency->begun, 0u);
}

TEST_F(CompositionTest, ABulkheadThatRefusesGivesProbeAndKeyBack) {
  Bulkhead(1);
  RateLimit(5);
  Remember(absl::Minutes(1));
  const Permit before = Granted();
  HalfOpen();
  EXPECT_EQ(AskFor("order-7").reason, Reason::kBulkhead);
  EXPECT_EQ(Look().probes, 0u);
  EXPECT_EQ(Look().idempotency->keys, 0u);
  EXPECT_EQ(Look().rate_limit->granted, 1u);
  Record(before, Outcome::kSuccess);
  EXPECT_TRUE(AskFor("order-7").probe);
}

TEST_F(CompositionTest, ARateLimitThatRefusesGivesProbePlaceAndKeyBack) {
  Bulkhead(5);
  RateLimit(1);
  Remember(absl::Minutes(1));
  HalfOpen();
  Granted();
  EXPECT_EQ(AskFor("order-7").reason, Reason::kRateLimit);
  EXPECT_EQ(Look().probes, 1u);
  EXPECT_EQ(Look().bulkhead->in_use, 1u);
  EXPECT_EQ(Look().idempotency->keys, 0u);
}

TEST_F(CompositionTest, ABudgetThatRefusesGivesEverythingBack) {
  Bulkhead(5);
  RateLimit(5);
  Remember(absl::Minutes(1));
  HalfOpen();
  const Decision refused = Ask({.attempt = 2, .idempotency_key = "order-7"});
  EXPECT_EQ(refused.reason, Reason::kRetryBudget);
  EXPECT_EQ(Look().probes, 0u);
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
  EXPECT_EQ(Look().bulkhead->granted, 0u);
  EXPECT_EQ(Look().rate_limit->available, 5u);
  EXPECT_EQ(Look().rate_limit->granted, 0u);
  EXPECT_EQ(Look().idempotency->keys, 0u);
  EXPECT_EQ(Look().totals.calls, 0u);
}

// The budget that breakers share is asked last, by its owner, when the lock is given back.
TEST_F(CompositionTest, ASharedBudgetThatRefusesGivesEverythingBack) {
  policy_.shared_retry_budget = "shared";
  Bulkhead(5);
  RateLimit(5);
  Remember(absl::Minutes(1));
  HalfOpen();
  const Question question{.attempt = 2, .idempotency_key = "order-7"};
  const Decision granted = Ask(question);
  ASSERT_TRUE(granted.probe);
  const Decision refused =
      guard_.Refuse(Ruling(), question, granted, {Reason::kRetryBudget, absl::Seconds(6)});
  EXPECT_EQ(refused.reason, Reason::kRetryBudget);
  EXPECT_EQ(Look().probes, 0u);
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
  EXPECT_EQ(Look().rate_limit->available, 5u);
  EXPECT_EQ(Look().idempotency->keys, 0u);
}

// What was asked before a reset took nothing from the bucket that came after it.
TEST_F(CompositionTest, ARefusalAfterAResetGivesNoTokenBack) {
  policy_.shared_retry_budget = "shared";
  RateLimit(2);
  const Question question{.attempt = 2};
  const Decision before[] = {Ask(question), Ask(question)};
  Pass(absl::Nanoseconds(1));
  guard_.Reset(Ruling(), now_, source_, transitions_);
  ASSERT_TRUE(Acquire().allowed);
  for (const Decision& granted : before) {
    guard_.Refuse(Ruling(), question, granted, {Reason::kRetryBudget, absl::Seconds(1)});
  }
  EXPECT_EQ(Look().rate_limit->available, 1u);
  EXPECT_EQ(Look().rate_limit->granted, 1u);
}

TEST_F(CompositionTest, ADuplicateIsToldHowTheFirstStands) {
  Remember(absl::Minutes(1));
  const Decision first = AskFor("order-7");
  ASSERT_TRUE(first.allowed);
  const Decision during = AskFor("order-7");
  EXPECT_FALSE(during.allowed);
  EXPECT_EQ(during.reason, Reason::kDuplicate);
  EXPECT_EQ(during.first, Begun::kInFlight);
  Record(first.permit, Outcome::kSuccess);
  EXPECT_EQ(AskFor("order-7").first, Begun::kSucceeded);
  Pass(absl::Minutes(1));
  EXPECT_TRUE(AskFor("order-7").allowed);
  EXPECT_EQ(Look().idempotency->duplicates, 2u);
}

TEST_F(CompositionTest, ACallWhoseEndIsUnknownIsMadeAgainOnlyWhenAskedFor) {
  Remember(absl::Minutes(1));
  Record(AskFor("order-7").permit, Outcome::kTimeout);
  EXPECT_EQ(AskFor("order-7").first, Begun::kUnknown);
  EXPECT_TRUE(AskFor("order-7", /*retry_unknown=*/true).allowed);
}

TEST_F(CompositionTest, ACallThatFailedIsMadeAgain) {
  Remember(absl::Minutes(1));
  Record(AskFor("order-7").permit, Outcome::kFailure);
  EXPECT_TRUE(AskFor("order-7").allowed);
}

// Else a duplicate that comes while the bulkhead is full would be told to come back.
TEST_F(CompositionTest, ADuplicateIsOneHoweverFullItIs) {
  Bulkhead(1);
  Remember(absl::Minutes(1));
  AskFor("order-7");
  EXPECT_EQ(AskFor("order-7").reason, Reason::kDuplicate);
  EXPECT_EQ(AskFor("order-8").reason, Reason::kBulkhead);
}

TEST_F(CompositionTest, KeysCountForNothingWithoutAPolicyForThem) {
  EXPECT_TRUE(AskFor("order-7").allowed);
  EXPECT_TRUE(AskFor("order-7").allowed);
  EXPECT_FALSE(Look().idempotency.has_value());
}

TEST_F(CompositionTest, ShadowLetsPassWhatAnyPartRefuses) {
  Bulkhead(1);
  Remember(absl::Minutes(1));
  AskFor("order-7");
  Impose(Of(OverrideMode::kShadow));
  const Decision busy = Acquire();
  EXPECT_TRUE(busy.allowed);
  EXPECT_TRUE(busy.shadow_denied);
  EXPECT_EQ(busy.reason, Reason::kBulkhead);
  EXPECT_FALSE(busy.permit.votes);
  const Decision twice = AskFor("order-7");
  EXPECT_TRUE(twice.allowed);
  EXPECT_EQ(twice.reason, Reason::kDuplicate);
  EXPECT_EQ(twice.first, Begun::kInFlight);
  EXPECT_EQ(Look().bulkhead->in_use, 1u);
}

// An operator who holds the breaker closed does not open the floodgates behind it.
TEST_F(CompositionTest, ForcedClosedHoldsForTheBreakerAlone) {
  Bulkhead(1);
  Trip();
  Impose(Of(OverrideMode::kForcedClosed));
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_EQ(Acquire().reason, Reason::kBulkhead);
}

TEST_F(CompositionTest, AResetTakesNoPlaceFromWhoIsOut) {
  Bulkhead(1);
  const Permit permit = Granted();
  guard_.Reset(Ruling(), now_, source_, transitions_);
  EXPECT_EQ(Acquire().reason, Reason::kBulkhead);
  Record(permit, Outcome::kSuccess);
  EXPECT_TRUE(Acquire().allowed);
}

TEST_F(CompositionTest, APartThatIsSwitchedOffIsForgotten) {
  Bulkhead(1);
  Granted();
  Bulkhead(0);
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_FALSE(Look().bulkhead.has_value());
  Bulkhead(1);
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
}

// Its places would be granted twice.
TEST_F(CompositionTest, ABreakerIsNotForgottenWhileACallIsOut) {
  Bulkhead(1);
  const Permit permit = Granted();
  EXPECT_FALSE(guard_.IsForgettable(Ruling(), now_));
  Record(permit, Outcome::kSuccess);
  EXPECT_TRUE(guard_.IsForgettable(Ruling(), now_));
}

TEST_F(CompositionTest, AHedgeSpendsBudgetAndEarnsNone) {
  budget() = {Share::FromFraction(1), 1, absl::Seconds(1)};
  const Decision hedge = Ask({.hedge = true});
  EXPECT_TRUE(hedge.allowed);
  EXPECT_EQ(Ask({.hedge = true}).reason, Reason::kRetryBudget);
  EXPECT_EQ(Record(hedge.permit, Outcome::kSuccess).earned_calls, 0u);
}

TEST_F(CompositionTest, OnlyAFirstCopyIsToldWhenToHedge) {
  budget() = {Share(), 10, absl::Seconds(1)};
  policy_.hedge.delay = absl::Milliseconds(20);
  EXPECT_EQ(Acquire().hedge_delay, absl::Milliseconds(20));
  EXPECT_EQ(Ask({.hedge = true}).hedge_delay, std::nullopt);
  EXPECT_EQ(Acquire(2).hedge_delay, std::nullopt);
}

TEST_F(CompositionTest, HedgesAfterThePercentileOfWhatItSaw) {
  policy_.hedge = {.percentile = Share::FromFraction(0.9), .min_samples = 10};
  EXPECT_EQ(Acquire().hedge_delay, std::nullopt);
  CallTaking(absl::Milliseconds(10), Outcome::kSuccess, 90);
  CallTaking(absl::Milliseconds(100), Outcome::kSuccess, 10);
  const std::optional<absl::Duration> delay = Acquire().hedge_delay;
  ASSERT_TRUE(delay.has_value());
  EXPECT_NEAR(absl::ToDoubleMilliseconds(*delay), 10, 0.5);
}

TEST_F(CompositionTest, AFailureIsToldWhetherToTryAgain) {
  budget() = {Share(), 10, absl::Seconds(1)};
  policy_.retry.jitter = Share();
  policy_.retry.likely_multiplier = Share::FromFraction(1);
  const Verdict first = Record(Granted(), Outcome::kFailure);
  ASSERT_TRUE(first.retry.has_value());
  EXPECT_TRUE(first.retry->permitted);
  EXPECT_EQ(first.retry->backoff, absl::Milliseconds(100));
  EXPECT_EQ(Record(Granted(2), Outcome::kFailure).retry->backoff, absl::Milliseconds(200));
  const Verdict last = Record(Granted(3), Outcome::kFailure);
  EXPECT_FALSE(last.retry->permitted);
  EXPECT_EQ(last.retry->reason, RetryReason::kAttemptsExhausted);
  EXPECT_FALSE(Record(Granted(), Outcome::kSuccess).retry.has_value());
}

TEST_F(CompositionTest, AdviceKnowsThatTheBudgetIsEmpty) {
  EXPECT_EQ(Record(Granted(), Outcome::kFailure).retry->reason, RetryReason::kBudgetEmpty);
}

TEST_F(CompositionTest, AdviceKnowsThatTheBreakerIsOpen) {
  budget() = {Share(), 10, absl::Seconds(1)};
  const Permit permit = Granted();
  Trip();
  EXPECT_EQ(Record(permit, Outcome::kFailure).retry->reason, RetryReason::kOpen);
}

// Retries that keep failing, while first attempts succeed, are worth nothing any more.
TEST_F(CompositionTest, AdviceLearnsFromWhatBecameOfRetries) {
  budget() = {Share::FromFraction(10), 1'000, absl::Seconds(1)};
  breaker().consecutive_failures = 0;
  breaker().failure_rate_threshold = Share();
  policy_.retry.explore_share = Share();
  policy_.retry.failure_rate_limit = Share();
  policy_.retry.min_success_probability = Share::FromFraction(0.2);
  ASSERT_TRUE(Record(Granted(), Outcome::kFailure).retry->permitted);
  for (int i = 0; i < 200; ++i) {
    const Decision retry = Ask({.attempt = 2, .previous_failure = Outcome::kFailure});
    Record(retry.permit, Outcome::kFailure);
    Call(Outcome::kSuccess);
    Pass(absl::Milliseconds(10));
  }
  EXPECT_EQ(Record(Granted(), Outcome::kFailure).retry->reason, RetryReason::kUnlikely);
  const auto estimates = Look().retry_estimates;
  ASSERT_EQ(estimates.size(), 9u);
  EXPECT_EQ(estimates[0].previous, Outcome::kFailure);
  EXPECT_EQ(estimates[0].attempt, 2u);
  EXPECT_LT(estimates[0].probability, 0.2);
  EXPECT_GT(estimates[3].probability, 0.5);  // After a TIMEOUT: nothing was learned of those.
}

// Or else it would make a token of nothing.
TEST_F(CompositionTest, WhatOnlyShadowLetPassGivesNothingBack) {
  Bulkhead(1);
  RateLimit(5);
  Granted();
  guard_.SetOverride(std::make_shared<const Override>(Of(OverrideMode::kShadow)));
  const Decision passed = Acquire();
  ASSERT_TRUE(passed.shadow_denied);
  const uint32_t available = Look().rate_limit->available;
  guard_.TakeBack(Ruling(), passed);
  EXPECT_EQ(Look().rate_limit->available, available);
  EXPECT_EQ(Look().bulkhead->in_use, 1u);
}

}  // namespace
}  // namespace fusebox
