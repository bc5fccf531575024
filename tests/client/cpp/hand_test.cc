#include "client/cpp/local/hand.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::internal {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr PermitKind kFirst;
const Tick kBegin = Tick::FromNanos(1'000'000'000);

class HandTest : public ::testing::Test {
 protected:
  void Lend(std::vector<std::string> permits, absl::Duration lease = {}) {
    hand_.Take({.permits = std::move(permits), .lease = lease}, now_);
  }
  // What a call found nothing of was asked for.
  void Miss() {
    hand_.Draw(kFirst, now_);
    hand_.TakeWishes();
  }

  Tick now_ = kBegin;
  Hand hand_;
};

TEST_F(HandTest, WhoFindsNothingAsks) {
  EXPECT_EQ(hand_.Draw(kFirst, now_), "");
  EXPECT_TRUE(hand_.asks());
  const std::vector<PermitWish> wishes = hand_.TakeWishes();
  ASSERT_THAT(wishes, SizeIs(1));
  EXPECT_EQ(wishes[0].count, 1u);
  EXPECT_FALSE(hand_.asks());
}

TEST_F(HandTest, AsksForAsManyAsWereNeeded) {
  for (int i = 0; i < 7; ++i) hand_.Draw(kFirst, now_);
  EXPECT_EQ(hand_.TakeWishes()[0].count, 7u);
}

TEST_F(HandTest, AsksForAHundredAtMostAtOnceAndForMoreInSeveralWishes) {
  for (int i = 0; i < 250; ++i) hand_.Draw(kFirst, now_);
  const std::vector<PermitWish> wishes = hand_.TakeWishes();
  ASSERT_THAT(wishes, SizeIs(3));
  EXPECT_EQ(wishes[0].count, Hand::kMaxPermits);
  EXPECT_EQ(wishes[2].count, 50u);
  for (int i = 0; i < 100'000; ++i) hand_.Draw(kFirst, now_);
  EXPECT_FALSE(hand_.asks());
}

TEST_F(HandTest, DoesNotAskTwiceBeforeTheAnswer) {
  hand_.Draw(kFirst, now_);
  hand_.TakeWishes();
  hand_.Draw(kFirst, now_);
  EXPECT_FALSE(hand_.asks());
}

TEST_F(HandTest, EachPermitIsDrawnOnce) {
  hand_.Draw(kFirst, now_);
  hand_.TakeWishes();
  Lend({"a", "b"});
  EXPECT_THAT((std::vector{hand_.Draw(kFirst, now_), hand_.Draw(kFirst, now_)}),
              UnorderedElementsAre("a", "b"));
  EXPECT_EQ(hand_.Draw(kFirst, now_), "");
}

TEST_F(HandTest, PermitsOfOneKindAreForNoOther) {
  const PermitKind retry{.attempt = 2, .previous_failure = Outcome::kTimeout};
  hand_.Draw(kFirst, now_);
  hand_.Draw(retry, now_);
  const std::vector<PermitWish> wishes = hand_.TakeWishes();
  ASSERT_THAT(wishes, SizeIs(2));
  EXPECT_EQ(wishes[1].kind, retry);
  Lend({});
  Lend({"r"});
  EXPECT_EQ(hand_.Draw(kFirst, now_), "");
  EXPECT_EQ(hand_.Draw(retry, now_), "r");
}

TEST_F(HandTest, WhereNothingCameItAsksAgainWhenItWasTold) {
  hand_.Draw(kFirst, now_);
  hand_.TakeWishes();
  hand_.Take({.reason = Reason::kBulkhead, .retry_after = absl::Seconds(3)}, now_);
  EXPECT_EQ(hand_.ReasonOf(kFirst), Reason::kBulkhead);
  hand_.Draw(kFirst, now_ + absl::Milliseconds(2'999));
  EXPECT_FALSE(hand_.asks());
  hand_.Draw(kFirst, now_ + absl::Seconds(3));
  EXPECT_TRUE(hand_.asks());
}

TEST_F(HandTest, WhatNobodyNeedsForASecondIsLaidDown) {
  hand_.Expect(kFirst, 2, now_);
  hand_.TakeWishes();
  EXPECT_EQ(hand_.NextLayDown(), Tick::Max());
  Lend({"a", "b"});
  // That another is drawn keeps none.
  EXPECT_NE(hand_.Draw(kFirst, now_ + absl::Milliseconds(500)), "");
  EXPECT_EQ(hand_.NextLayDown(), now_ + absl::Seconds(1));
  EXPECT_THAT(hand_.LayDown(now_ + absl::Milliseconds(999)), IsEmpty());
  EXPECT_THAT(hand_.LayDown(now_ + absl::Seconds(1)), SizeIs(1));
  EXPECT_EQ(hand_.NextLayDown(), Tick::Max());
}

// So that one that comes once a minute finds it, too.
TEST_F(HandTest, OneIsKeptForTheNextCallWhereOneWasRefused) {
  Miss();
  Lend({"a", "b"});
  EXPECT_THAT(hand_.LayDown(now_ + absl::Seconds(1)), SizeIs(1));
  EXPECT_NE(hand_.Draw(kFirst, now_ + absl::Seconds(59)), "");
}

TEST_F(HandTest, OneThatIsOverDoesNotHideTheOneThatIsKept) {
  Miss();
  Lend({"a", "b"});
  EXPECT_NE(hand_.Draw(kFirst, now_ + absl::Seconds(2)), "");
}

TEST_F(HandTest, NoneIsKeptForLongerThanHalfOfItsLease) {
  Miss();
  Lend({"a", "b"}, absl::Seconds(1));
  EXPECT_EQ(hand_.NextLayDown(), now_ + absl::Milliseconds(500));
  EXPECT_EQ(hand_.Draw(kFirst, now_ + absl::Milliseconds(500)), "");
  EXPECT_THAT(hand_.LayDown(now_ + absl::Milliseconds(500)), SizeIs(2));
}

TEST_F(HandTest, KindsAreBounded) {
  for (uint32_t attempt = 1; attempt <= 100; ++attempt) hand_.Draw({.attempt = attempt}, now_);
  EXPECT_THAT(hand_.TakeWishes(), SizeIs(16));
}

TEST_F(HandTest, AfterACutItAsksAnew) {
  hand_.Draw(kFirst, now_);
  hand_.TakeWishes();
  hand_.ForgetWishes();
  Lend({"of another stream"});
  EXPECT_EQ(hand_.Draw(kFirst, now_), "");
  EXPECT_TRUE(hand_.asks());
}

}  // namespace
}  // namespace fusebox::internal
