#include "core/idempotency_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;
using Begun = IdempotencyKeys::Begun;

class IdempotencyKeysTest : public ::testing::Test {
 protected:
  static constexpr absl::string_view kKey = "order-7";

  // Begins a call under a new permit, which End() then means by its number.
  Begun Begin(absl::string_view key = kKey) { return DoBegin(key, false); }
  Begun Retry(absl::string_view key = kKey) { return DoBegin(key, true); }
  bool End(uint64_t number, Outcome outcome) {
    return keys_.End(policy_, {1, number}, outcome, now_);
  }
  bool GiveBack(uint64_t number) { return keys_.GiveBack({1, number}, now_); }

  IdempotencyPolicy policy_{.ttl = absl::Minutes(10), .max_keys = 3};
  const absl::Duration lease_ = absl::Seconds(60);
  IdempotencyKeys keys_;
  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  uint64_t last_ = 0;  // The number of the last permit.

 private:
  Begun DoBegin(absl::string_view key, bool retry_unknown) {
    return keys_.Begin(policy_, key, {1, ++last_}, lease_, retry_unknown, now_);
  }
};

// Two workers with the same message: one works, the other is told.
TEST_F(IdempotencyKeysTest, ACallUnderWayIsNotMadeAgain) {
  EXPECT_EQ(Begin(), Begun::kFresh);
  EXPECT_EQ(Begin(), Begun::kInFlight);
  EXPECT_EQ(Retry(), Begun::kInFlight);
  EXPECT_EQ(Begin("order-8"), Begun::kFresh);
  EXPECT_EQ(keys_.begun(), 2u);
  EXPECT_EQ(keys_.duplicates(), 2u);
}

// What is done is done, for as long as the policy says.
TEST_F(IdempotencyKeysTest, ASuccessIsRememberedForTheTtl) {
  Begin();
  now_ += absl::Seconds(30);
  EXPECT_TRUE(End(1, Outcome::kSuccess));
  now_ += absl::Minutes(10) - absl::Nanoseconds(1);
  EXPECT_EQ(Begin(), Begun::kSucceeded);
  EXPECT_EQ(Retry(), Begun::kSucceeded);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Begin(), Begun::kFresh);
}

// The upstream said that it did not do it, so to repeat it is right.
TEST_F(IdempotencyKeysTest, WhatIsKnownNotDoneMayBeRepeated) {
  for (const Outcome outcome : {Outcome::kFailure, Outcome::kCallerError, Outcome::kRateLimited}) {
    EXPECT_EQ(Begin(), Begun::kFresh);
    EXPECT_TRUE(End(last_, outcome));
    EXPECT_EQ(keys_.size(), 0u);
  }
  EXPECT_EQ(Begin(), Begun::kFresh);
}

// Nobody knows whether it was done; so it is the caller's to say whether to risk it twice.
TEST_F(IdempotencyKeysTest, WhatIsUnknownIsADuplicateUnlessToldOtherwise) {
  for (const Outcome outcome : {Outcome::kTimeout, Outcome::kIgnored}) {
    const std::string key = absl::StrCat("after outcome ", static_cast<int>(outcome));
    ASSERT_EQ(Begin(key), Begun::kFresh);
    EXPECT_TRUE(End(last_, outcome));
    EXPECT_EQ(Begin(key), Begun::kUnknown);
    EXPECT_EQ(Retry(key), Begun::kFresh);
    EXPECT_EQ(Retry(key), Begun::kInFlight);
  }
}

// But not for ever.
TEST_F(IdempotencyKeysTest, TheUnknownIsForgottenAfterTheTtl) {
  Begin();
  End(1, Outcome::kTimeout);
  now_ += absl::Minutes(10) - absl::Nanoseconds(1);
  EXPECT_EQ(Begin(), Begun::kUnknown);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Begin(), Begun::kFresh);
}

// A holder that died may have done it or not.
TEST_F(IdempotencyKeysTest, ALostHolderLeavesItsKeyUnknown) {
  Begin();
  now_ += lease_ - absl::Nanoseconds(1);
  EXPECT_EQ(Begin(), Begun::kInFlight);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Begin(), Begun::kUnknown);
  now_ += absl::Minutes(10);
  EXPECT_EQ(Begin(), Begun::kFresh);
}

// What was due happens with the time at which it was due, however late somebody looks.
TEST_F(IdempotencyKeysTest, LookingLateChangesNothing) {
  Begin("a");
  now_ += lease_ + absl::Minutes(10) - absl::Nanoseconds(1);
  EXPECT_EQ(Begin("a"), Begun::kUnknown);
  Begin("b");
  now_ += lease_ + absl::Minutes(10);
  EXPECT_EQ(Begin("b"), Begun::kFresh);
  EXPECT_EQ(keys_.size(), 1u);
}

// Slow is not dead: who comes back after its lease knows what became of it.
TEST_F(IdempotencyKeysTest, ALateEndSettlesTheUnknown) {
  Begin("done");
  Begin("not done");
  Begin("who knows");
  now_ += lease_ + absl::Minutes(1);
  ASSERT_EQ(Begin("done"), Begun::kUnknown);
  EXPECT_TRUE(End(1, Outcome::kSuccess));
  EXPECT_TRUE(End(2, Outcome::kFailure));
  EXPECT_TRUE(End(3, Outcome::kTimeout));
  now_ += absl::Minutes(10) - absl::Nanoseconds(1);
  EXPECT_EQ(Begin("done"), Begun::kSucceeded);
  EXPECT_EQ(Begin("not done"), Begun::kFresh);
  EXPECT_EQ(Begin("who knows"), Begun::kUnknown);
}

// A permit ends one call, once, and its own.
TEST_F(IdempotencyKeysTest, EachPermitEndsOnce) {
  Begin();
  EXPECT_FALSE(End(99, Outcome::kSuccess));
  EXPECT_FALSE(keys_.End(policy_, {2, 1}, Outcome::kSuccess, now_));  // Of another epoch.
  EXPECT_EQ(Begin(), Begun::kInFlight);
  EXPECT_TRUE(End(1, Outcome::kTimeout));
  EXPECT_FALSE(End(1, Outcome::kFailure));
  EXPECT_EQ(Begin(), Begun::kUnknown);
}

// The second try was not done. The first may have been, and that is what counts.
TEST_F(IdempotencyKeysTest, ATryThatFailsLeavesTheFirstUnknown) {
  Begin();
  End(1, Outcome::kTimeout);
  now_ += absl::Minutes(4);
  ASSERT_EQ(Retry(), Begun::kFresh);
  EXPECT_TRUE(End(2, Outcome::kFailure));
  EXPECT_EQ(Begin(), Begun::kUnknown);
  now_ += absl::Minutes(6);  // Ten after the first.
  EXPECT_EQ(Begin(), Begun::kFresh);
}

// And so it is if that answer comes only after the lease of the second try.
TEST_F(IdempotencyKeysTest, ATryThatFailsLateLeavesTheFirstUnknown) {
  Begin();
  End(1, Outcome::kTimeout);
  ASSERT_EQ(Retry(), Begun::kFresh);
  now_ += lease_;
  EXPECT_TRUE(End(2, Outcome::kFailure));
  EXPECT_FALSE(End(2, Outcome::kSuccess));
  EXPECT_EQ(Begin(), Begun::kUnknown);
}

// The first is forgotten in the meantime: then there is nothing left to be unknown.
TEST_F(IdempotencyKeysTest, ATryThatOutlivesTheFirstLeavesNothing) {
  Begin();
  End(1, Outcome::kTimeout);
  now_ += absl::Minutes(10) - absl::Seconds(1);
  ASSERT_EQ(Retry(), Begun::kFresh);
  now_ += absl::Seconds(1);
  EXPECT_EQ(Begin(), Begun::kInFlight);
  EXPECT_TRUE(End(2, Outcome::kFailure));
  EXPECT_EQ(Begin(), Begun::kFresh);
}

// Tried again, the key answers to the second; the first has no say in it any more.
TEST_F(IdempotencyKeysTest, WhoWasTriedAgainIsNotHeard) {
  Begin();
  now_ += lease_;
  ASSERT_EQ(Retry(), Begun::kFresh);
  EXPECT_FALSE(End(1, Outcome::kFailure));
  EXPECT_EQ(Begin(), Begun::kInFlight);
  EXPECT_TRUE(End(2, Outcome::kSuccess));
  EXPECT_EQ(Begin(), Begun::kSucceeded);
}

// A later part refused the call: it never began.
TEST_F(IdempotencyKeysTest, GivesBackWithoutATrace) {
  ASSERT_EQ(Begin(), Begun::kFresh);
  EXPECT_TRUE(GiveBack(1));
  EXPECT_FALSE(GiveBack(1));
  EXPECT_FALSE(End(1, Outcome::kSuccess));
  EXPECT_TRUE(keys_.IsBlank());
  EXPECT_EQ(Begin(), Begun::kFresh);
}

// Also where it was the second try: the first stands as it did, with its permit.
TEST_F(IdempotencyKeysTest, GivingBackASecondTryRestoresTheFirst) {
  Begin();
  now_ += lease_ + absl::Minutes(1);
  ASSERT_EQ(Retry(), Begun::kFresh);
  EXPECT_TRUE(GiveBack(last_));
  EXPECT_EQ(keys_.begun(), 1u);
  EXPECT_EQ(Begin(), Begun::kUnknown);
  EXPECT_TRUE(End(1, Outcome::kSuccess));
  EXPECT_EQ(Begin(), Begun::kSucceeded);
}

// And with its time.
TEST_F(IdempotencyKeysTest, GivingBackASecondTryDoesNotProlongTheFirst) {
  Begin();
  now_ += lease_ + absl::Minutes(1);
  ASSERT_EQ(Retry(), Begun::kFresh);
  EXPECT_TRUE(GiveBack(last_));
  now_ += absl::Minutes(9) - absl::Nanoseconds(1);
  EXPECT_EQ(Begin(), Begun::kUnknown);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Begin(), Begun::kFresh);
}

// Nor may room that was made for it stay lost.
TEST_F(IdempotencyKeysTest, GivingBackAtTheBoundForgetsNoSuccess) {
  for (const absl::string_view key : {"a", "b", "c"}) {
    Begin(key);
    End(last_, Outcome::kSuccess);
  }
  ASSERT_EQ(Begin("d"), Begun::kFresh);
  EXPECT_TRUE(GiveBack(last_));
  for (const absl::string_view key : {"a", "b", "c"}) EXPECT_EQ(Begin(key), Begun::kSucceeded);
  EXPECT_EQ(keys_.forgotten(), 0u);
}

// Their callers have had their answers, and the oldest are the least likely to ask again.
TEST_F(IdempotencyKeysTest, AboveTheBoundTheOldestSuccessIsForgotten) {
  for (const absl::string_view key : {"a", "b", "c", "d", "e"}) {
    Begin(key);
    now_ += absl::Seconds(1);
    End(last_, Outcome::kSuccess);
  }
  EXPECT_EQ(keys_.size(), 3u);
  EXPECT_EQ(keys_.forgotten(), 2u);
  EXPECT_EQ(Begin("c"), Begun::kSucceeded);
  EXPECT_EQ(Begin("a"), Begun::kFresh);
}

// What has run out makes room without anybody's loss.
TEST_F(IdempotencyKeysTest, TheExpiredGoFirst) {
  Begin("a");
  End(last_, Outcome::kSuccess);
  now_ += absl::Minutes(10);
  for (const absl::string_view key : {"b", "c", "d"}) {
    Begin(key);
    End(last_, Outcome::kSuccess);
  }
  EXPECT_EQ(keys_.size(), 3u);
  EXPECT_EQ(keys_.forgotten(), 0u);
}

// To forget one that is under way or unknown would be to let it be made twice. It says so instead.
TEST_F(IdempotencyKeysTest, SaysWhenItIsFullAndForgetsNothing) {
  Begin("under way");
  Begin("unknown");
  End(last_, Outcome::kTimeout);
  Begin("also under way");
  EXPECT_EQ(Begin("one more"), Begun::kFull);
  EXPECT_FALSE(End(last_, Outcome::kSuccess));
  EXPECT_EQ(keys_.refused(), 1u);
  EXPECT_EQ(keys_.size(), 3u);
  EXPECT_EQ(Begin("under way"), Begun::kInFlight);
  EXPECT_EQ(Begin("unknown"), Begun::kUnknown);
  EXPECT_EQ(Retry("unknown"), Begun::kFresh);  // Needs no more room.
  EXPECT_TRUE(End(1, Outcome::kFailure));
  EXPECT_EQ(Begin("one more"), Begun::kFresh);
}

// The bound of memory: as many successes, and as many under way on top of them.
TEST_F(IdempotencyKeysTest, NeverHoldsMoreThanTwiceTheBound) {
  for (int i = 0; i < 3; ++i) {
    Begin(absl::StrCat("success ", i));
    End(last_, Outcome::kSuccess);
  }
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Begin(absl::StrCat("under way ", i)), Begun::kFresh);
  EXPECT_EQ(Begin("more"), Begun::kFull);
  EXPECT_EQ(keys_.size(), 6u);
  EXPECT_TRUE(End(4, Outcome::kSuccess));
  EXPECT_EQ(keys_.size(), 3u);
  EXPECT_EQ(Begin("under way 0"), Begun::kSucceeded);  // The newest success is not forgotten first.
  EXPECT_EQ(Begin("success 2"), Begun::kFresh);
}

// Fewer are kept from the next success on; nothing under way is lost.
TEST_F(IdempotencyKeysTest, ALoweredBoundForgetsOnlySuccesses) {
  Begin("a");
  Begin("b");
  Begin("c");
  policy_.max_keys = 1;
  EXPECT_EQ(Begin("d"), Begun::kFull);
  EXPECT_TRUE(End(1, Outcome::kSuccess));
  EXPECT_EQ(keys_.size(), 2u);
  EXPECT_EQ(Begin("b"), Begun::kInFlight);
  EXPECT_EQ(Begin("c"), Begun::kInFlight);
}

// Whoever ended under an old ttl was told of that one.
TEST_F(IdempotencyKeysTest, AChangedTtlHoldsForWhatEndsFromThenOn) {
  Begin("old");
  End(last_, Outcome::kSuccess);
  policy_.ttl = absl::Minutes(1);
  Begin("new");
  End(last_, Outcome::kSuccess);
  now_ += absl::Minutes(1);
  EXPECT_EQ(Begin("old"), Begun::kSucceeded);
  EXPECT_EQ(Begin("new"), Begun::kFresh);
}

// A lost holder ended nothing, and its caller was told of the old one.
TEST_F(IdempotencyKeysTest, ALostHoldersKeyKeepsTheTtlOfItsBeginning) {
  policy_.ttl = absl::Minutes(1);
  Begin("short");
  policy_.ttl = absl::Minutes(10);
  Begin("long");
  policy_.ttl = absl::Minutes(5);
  now_ += lease_ + absl::Minutes(1) - absl::Nanoseconds(1);
  EXPECT_EQ(Begin("short"), Begun::kUnknown);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Begin("short"), Begun::kFresh);
  now_ += absl::Minutes(9) - absl::Nanoseconds(1);
  EXPECT_EQ(Begin("long"), Begun::kUnknown);
  now_ += absl::Nanoseconds(1);
  EXPECT_EQ(Begin("long"), Begun::kFresh);
}

// Keys are bytes, compared as such and to the last one.
TEST_F(IdempotencyKeysTest, KeysAreComparedWhole) {
  policy_.max_keys = 10;
  const std::string longest(256, 'k');
  EXPECT_EQ(Begin(longest), Begun::kFresh);
  EXPECT_EQ(Begin(longest.substr(1)), Begun::kFresh);
  EXPECT_EQ(Begin(absl::string_view("\0a", 2)), Begun::kFresh);
  EXPECT_EQ(Begin(absl::string_view("\0b", 2)), Begun::kFresh);
  EXPECT_EQ(Begin("K"), Begun::kFresh);
  EXPECT_EQ(Begin("k"), Begun::kFresh);
  EXPECT_EQ(Begin(longest), Begun::kInFlight);
}

// Some thousand at once, of all lengths and much alike, each of which came to another end.
TEST_F(IdempotencyKeysTest, TellsApartAsManyAsThereAre) {
  constexpr size_t kKeys = 4'000;
  policy_.max_keys = kKeys;
  const auto key_of = [](size_t i) { return std::string(i % 250, 'k') + absl::StrCat(i); };
  for (size_t i = 0; i < kKeys; ++i) ASSERT_EQ(Begin(key_of(i)), Begun::kFresh);
  for (size_t i = 0; i < kKeys; ++i) {
    const uint64_t number = i + 1;
    const bool ended = i % 4 == 1   ? End(number, Outcome::kSuccess)
                       : i % 4 == 2 ? End(number, Outcome::kTimeout)
                       : i % 4 == 3 ? GiveBack(number)
                                    : true;
    EXPECT_TRUE(ended) << i;
  }
  for (size_t i = 0; i < kKeys; i += 8) {
    EXPECT_EQ(Begin(key_of(i)), Begun::kInFlight);
    EXPECT_EQ(Begin(key_of(i + 1)), Begun::kSucceeded);
    EXPECT_EQ(Begin(key_of(i + 2)), Begun::kUnknown);
    EXPECT_EQ(Begin(key_of(i + 3)), Begun::kFresh);
    EXPECT_EQ(Retry(key_of(i + 6)), Begun::kFresh);
    EXPECT_TRUE(i % 16 == 0 || GiveBack(last_));
  }
  EXPECT_EQ(keys_.size(), 3 * kKeys / 4 + kKeys / 8);
  now_ += lease_ + policy_.ttl;
  keys_.Advance(now_);
  EXPECT_EQ(keys_.size(), 0u);
  for (size_t i = 0; i < kKeys; ++i) ASSERT_EQ(Begin(key_of(i)), Begun::kFresh);
  for (size_t i = 0; i < kKeys; i += 2) End(last_ - i, Outcome::kTimeout);
}

// Where a key enters it is checked once.
TEST(IdempotencyKeyTest, AKeyIs1To256Bytes) {
  EXPECT_TRUE(CheckIdempotencyKey("k").ok());
  EXPECT_TRUE(CheckIdempotencyKey(std::string(256, '\0')).ok());
  for (const std::string& key : {std::string(), std::string(257, 'k')}) {
    const absl::Status status = CheckIdempotencyKey(key);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(ErrorReason(status), "IDEMPOTENCY_KEY_INVALID");
    EXPECT_EQ(ErrorField(status), "idempotency_key");
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat("is ", key.size(), " bytes long; use 1 to 256 bytes")));
  }
}

// Only one that never did anything may be forgotten: its totals are shown.
TEST_F(IdempotencyKeysTest, IsBlankUntilUsed) {
  EXPECT_TRUE(keys_.IsBlank());
  Begin();
  EXPECT_FALSE(keys_.IsBlank());
  End(last_, Outcome::kFailure);
  EXPECT_EQ(keys_.size(), 0u);
  EXPECT_FALSE(keys_.IsBlank());
}

}  // namespace
}  // namespace fusebox
