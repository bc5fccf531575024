#include "core/bulkhead.h"

#include <gtest/gtest.h>

namespace fusebox {
namespace {

class BulkheadTest : public ::testing::Test {
 protected:
  static BulkheadPolicy Numbers(uint32_t max_concurrent,
                                absl::Duration lease_timeout = absl::Seconds(60)) {
    return {.max_concurrent = max_concurrent, .lease_timeout = lease_timeout};
  }

  bool Take(uint64_t number) { return bulkhead_.TryTake(policy_, {1, number}, now_); }
  bool Return(uint64_t number) { return bulkhead_.Return({1, number}, now_); }

  BulkheadPolicy policy_ = Numbers(3);
  Bulkhead bulkhead_{policy_};
  Tick now_ = Tick::FromNanos(1'000'000'000'000);
};

// What it is for.
TEST_F(BulkheadTest, GrantsAsManyAsThereArePlaces) {
  EXPECT_TRUE(Take(0));
  EXPECT_TRUE(Take(1));
  EXPECT_FALSE(bulkhead_.IsFull(policy_, now_));
  EXPECT_TRUE(Take(2));
  EXPECT_TRUE(bulkhead_.IsFull(policy_, now_));
  EXPECT_FALSE(Take(3));
  EXPECT_EQ(bulkhead_.InUse(), 3u);
  EXPECT_EQ(bulkhead_.granted(), 3u);
  EXPECT_EQ(bulkhead_.refused(), 1u);
}

// Calls end in any order.
TEST_F(BulkheadTest, AReturnFreesItsPlace) {
  for (const uint64_t number : {0u, 1u, 2u}) ASSERT_TRUE(Take(number));
  EXPECT_TRUE(Return(1));
  EXPECT_TRUE(Take(3));
  EXPECT_FALSE(Take(4));
  EXPECT_EQ(bulkhead_.granted(), 4u);
}

// A Record may be sent again, and a permit may come from anywhere.
TEST_F(BulkheadTest, WhatHoldsNoPlaceFreesNone) {
  ASSERT_TRUE(Take(0));
  ASSERT_TRUE(Take(1));
  EXPECT_TRUE(Return(0));
  EXPECT_FALSE(Return(0));
  EXPECT_FALSE(Return(77));
  EXPECT_EQ(bulkhead_.InUse(), 1u);
}

// Numbers start again with every epoch, but a lease of the one before is still out.
TEST_F(BulkheadTest, PermitsOfOtherEpochsAreOthers) {
  EXPECT_TRUE(bulkhead_.TryTake(policy_, {1, 0}, now_));
  EXPECT_TRUE(bulkhead_.TryTake(policy_, {2, 0}, now_));
  EXPECT_EQ(bulkhead_.InUse(), 2u);
  EXPECT_FALSE(bulkhead_.Return({3, 0}, now_));
  EXPECT_TRUE(bulkhead_.Return({1, 0}, now_));
  EXPECT_TRUE(bulkhead_.Return({2, 0}, now_));
}

// Else clients that crash would fill it for ever.
TEST_F(BulkheadTest, AHolderThatDiesLosesItsPlace) {
  for (const uint64_t number : {0u, 1u, 2u}) ASSERT_TRUE(Take(number));
  now_ += absl::Seconds(60) - absl::Nanoseconds(1);
  EXPECT_FALSE(Take(3));
  now_ += absl::Nanoseconds(1);
  EXPECT_TRUE(Take(3));
  EXPECT_EQ(bulkhead_.InUse(), 1u);
  EXPECT_EQ(bulkhead_.expired(), 3u);
}

// Its place may be another's by now.
TEST_F(BulkheadTest, ALateReturnFreesNothing) {
  ASSERT_TRUE(Take(0));
  now_ += absl::Seconds(60);
  ASSERT_TRUE(Take(1));
  EXPECT_FALSE(Return(0));
  EXPECT_EQ(bulkhead_.InUse(), 1u);
  EXPECT_TRUE(Return(1));
}

// Late by the clock, even if nobody looked since.
TEST_F(BulkheadTest, AReturnAtTheDeadlineIsLate) {
  ASSERT_TRUE(Take(0));
  now_ += absl::Seconds(60);
  EXPECT_FALSE(Return(0));
  EXPECT_EQ(bulkhead_.expired(), 1u);
}

// What the timer waits for, on behalf of those who queue.
TEST_F(BulkheadTest, TheNextDeadlineIsThatOfTheOldestLease) {
  EXPECT_EQ(bulkhead_.NextDeadline(), Tick::Max());
  const Tick first = now_;
  ASSERT_TRUE(Take(0));
  now_ += absl::Seconds(5);
  ASSERT_TRUE(Take(1));
  EXPECT_EQ(bulkhead_.NextDeadline(), first + absl::Seconds(60));
  Return(0);
  EXPECT_EQ(bulkhead_.NextDeadline(), now_ + absl::Seconds(60));
  bulkhead_.Advance(now_ + absl::Seconds(60));
  EXPECT_EQ(bulkhead_.NextDeadline(), Tick::Max());
  EXPECT_EQ(bulkhead_.InUse(), 0u);
}

// Soon, since calls end all the time, but not later than the next place comes back by itself.
TEST_F(BulkheadTest, ARefusedCallerComesBackSoon) {
  EXPECT_EQ(bulkhead_.RetryAfter(now_), absl::Milliseconds(100));
  ASSERT_TRUE(Take(0));
  EXPECT_EQ(bulkhead_.RetryAfter(now_), absl::Milliseconds(100));
  now_ += absl::Seconds(60) - absl::Milliseconds(30);
  EXPECT_EQ(bulkhead_.RetryAfter(now_), absl::Milliseconds(30));
}

// A later part refused the call.
TEST_F(BulkheadTest, GivesBackWithoutATrace) {
  ASSERT_TRUE(Take(0));
  now_ += absl::Seconds(1);
  const Tick deadline = bulkhead_.NextDeadline();
  ASSERT_TRUE(Take(1));
  EXPECT_TRUE(bulkhead_.GiveBack({1, 1}, now_));
  EXPECT_EQ(bulkhead_.InUse(), 1u);
  EXPECT_EQ(bulkhead_.granted(), 1u);
  EXPECT_EQ(bulkhead_.refused(), 0u);
  EXPECT_EQ(bulkhead_.NextDeadline(), deadline);
  EXPECT_FALSE(bulkhead_.GiveBack({1, 1}, now_));
  EXPECT_EQ(bulkhead_.granted(), 1u);
}

// Calls under way are not called back.
TEST_F(BulkheadTest, ALoweredBoundTakesNoLeaseAway) {
  for (const uint64_t number : {0u, 1u, 2u}) ASSERT_TRUE(Take(number));
  policy_ = Numbers(1);
  bulkhead_.ChangePolicy(policy_, now_);
  EXPECT_EQ(bulkhead_.InUse(), 3u);
  EXPECT_TRUE(Return(0));
  EXPECT_TRUE(Return(1));
  EXPECT_FALSE(Take(3));
  EXPECT_TRUE(Return(2));
  EXPECT_TRUE(Take(3));
}

// A raised one helps at once.
TEST_F(BulkheadTest, ARaisedBoundMakesPlaces) {
  for (const uint64_t number : {0u, 1u, 2u}) ASSERT_TRUE(Take(number));
  policy_ = Numbers(4);
  bulkhead_.ChangePolicy(policy_, now_);
  EXPECT_TRUE(Take(3));
  EXPECT_FALSE(Take(4));
}

// The way to free what dead holders have: they must not stay for the day that they were given.
TEST_F(BulkheadTest, AChangedTimeoutHoldsForLeasesThatAreOut) {
  policy_ = Numbers(3, absl::Hours(24));
  bulkhead_.ChangePolicy(policy_, now_);
  ASSERT_TRUE(Take(0));
  now_ += absl::Seconds(10);
  ASSERT_TRUE(Take(1));
  now_ += absl::Seconds(10);
  policy_ = Numbers(3, absl::Seconds(15));
  bulkhead_.ChangePolicy(policy_, now_);
  bulkhead_.Advance(now_);
  EXPECT_FALSE(Return(0));
  EXPECT_TRUE(Return(1));
}

// And what had run out before the change is not brought back by it.
TEST_F(BulkheadTest, ALongerTimeoutRevivesNobody) {
  ASSERT_TRUE(Take(0));
  now_ += absl::Seconds(60);
  policy_ = Numbers(3, absl::Hours(1));
  bulkhead_.ChangePolicy(policy_, now_);
  EXPECT_EQ(bulkhead_.InUse(), 0u);
  EXPECT_EQ(bulkhead_.expired(), 1u);
}

// As many as the policy may allow, in and out of order.
TEST_F(BulkheadTest, HoldsAHundredThousandLeases) {
  constexpr uint64_t kMany = 100'000;
  policy_ = Numbers(kMany);
  for (uint64_t number = 0; number < kMany; ++number) ASSERT_TRUE(Take(number));
  EXPECT_FALSE(Take(kMany));
  for (uint64_t i = 0; i < kMany; ++i) ASSERT_TRUE(Return(i * 7'919 % kMany));
  EXPECT_EQ(bulkhead_.InUse(), 0u);
}

// Only one that never did anything may be forgotten: its totals are shown.
TEST_F(BulkheadTest, IsBlankUntilUsed) {
  EXPECT_TRUE(bulkhead_.IsBlank());
  ASSERT_TRUE(Take(0));
  EXPECT_FALSE(bulkhead_.IsBlank());
  bulkhead_.GiveBack({1, 0}, now_);
  EXPECT_TRUE(bulkhead_.IsBlank());
  ASSERT_TRUE(Take(1));
  ASSERT_TRUE(Return(1));
  EXPECT_FALSE(bulkhead_.IsBlank());
}

// Who says that it is done sooner is not waited for.
TEST_F(BulkheadTest, ALeaseMayBeShorterThanThePolicys) {
  ASSERT_TRUE(Take(0));
  ASSERT_TRUE(bulkhead_.TryTake(policy_, {1, 1}, now_, absl::Seconds(2)));
  ASSERT_TRUE(bulkhead_.TryTake(policy_, {1, 2}, now_, absl::Seconds(1)));
  EXPECT_EQ(bulkhead_.NextDeadline(), now_ + absl::Seconds(1));
  now_ += absl::Seconds(1);
  bulkhead_.Advance(now_);
  EXPECT_EQ(bulkhead_.InUse(), 2u);
  EXPECT_TRUE(Return(1));
  EXPECT_EQ(bulkhead_.NextDeadline(), now_ + absl::Seconds(59));
  EXPECT_EQ(bulkhead_.expired(), 1u);
}

TEST_F(BulkheadTest, ALongerLeaseThanThePolicysIsThePolicys) {
  ASSERT_TRUE(bulkhead_.TryTake(policy_, {1, 0}, now_, absl::Hours(1)));
  EXPECT_EQ(bulkhead_.NextDeadline(), now_ + absl::Seconds(60));
  policy_.lease_timeout = absl::Seconds(30);
  bulkhead_.ChangePolicy(policy_, now_);
  EXPECT_EQ(bulkhead_.NextDeadline(), now_ + absl::Seconds(30));
}

}  // namespace
}  // namespace fusebox
