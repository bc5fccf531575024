// Breakers by name and by slot.
#include "server/registry/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "testing/fake_transition_source.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

constexpr auto kAlways = [](const BreakerEntry&) { return true; };
constexpr auto kNever = [](const BreakerEntry&) { return false; };

class RegistryTest : public ::testing::Test {
 protected:
  absl::StatusOr<LockedBreaker> TryMake(absl::string_view name) {
    return registry_.FindOrCreate(
        name, {.source = &source_, .now = now_, .ruling = ruling_, .generation = 7}, born_);
  }

  // Makes it, unless it is there, and returns its slot.
  Slot Make(absl::string_view name) {
    const absl::StatusOr<LockedBreaker> breaker = TryMake(name);
    EXPECT_TRUE(breaker.ok()) << breaker.status();
    return breaker.ok() ? (*breaker)->slot() : ~Slot{0};
  }

  uint64_t EpochOf(absl::string_view name) {
    const LockedBreaker breaker = registry_.Find(name);
    return breaker ? breaker->guard.epoch() : 0;
  }

  std::multiset<std::string> Walk() {
    std::multiset<std::string> names;
    for (Slot slot = 0; slot < registry_.end(); ++slot) {
      if (const LockedBreaker breaker = registry_.At(slot)) {
        names.insert(std::string(breaker->name()));
      }
    }
    return names;
  }

  FakeTransitionSource source_;
  const Tick now_ = Tick::FromNanos(1'000'000'000'000);
  const std::shared_ptr<const RulingPolicy> ruling_ = std::make_shared<RulingPolicy>(Policy{});
  bool born_ = false;
  Registry registry_{10'000};
};

// What is asked for often is remembered, and may not be there any more.
TEST_F(RegistryTest, FindsOneThatWasForgottenAndMadeElsewhere) {
  const Slot slot = Make("a");
  for (int i = 0; i < 100; ++i) ASSERT_NE(EpochOf("a"), 0u);
  ASSERT_TRUE(registry_.Erase(slot, "a", kAlways));
  EXPECT_EQ(EpochOf("a"), 0u);
  ASSERT_EQ(Make("b"), slot);  // Another one lives there now.
  EXPECT_EQ(EpochOf("a"), 0u);
  const Slot elsewhere = Make("a");
  ASSERT_NE(elsewhere, slot);
  for (int i = 0; i < 100; ++i) {
    const LockedBreaker breaker = registry_.Find("a");
    ASSERT_TRUE(breaker);
    ASSERT_EQ(breaker->slot(), elsewhere);
    ASSERT_EQ(breaker->name(), "a");
  }
}

// A name that nobody asked about costs nothing.
TEST_F(RegistryTest, FindsNothingThatWasNotMade) {
  EXPECT_FALSE(registry_.Find("db/orders"));
  EXPECT_FALSE(registry_.At(0));
  EXPECT_FALSE(registry_.FindAt(0, "db/orders"));
  EXPECT_EQ(registry_.size(), 0u);
  EXPECT_EQ(registry_.end(), 0u);
}

// The whole fleet must meet in one breaker.
TEST_F(RegistryTest, MakesOneBreakerPerName) {
  const Slot slot = Make("db/orders");
  EXPECT_TRUE(born_);
  const uint64_t epoch = EpochOf("db/orders");
  EXPECT_EQ(Make("db/orders"), slot);
  EXPECT_FALSE(born_);
  EXPECT_EQ(EpochOf("db/orders"), epoch);
  EXPECT_NE(Make("db/users"), slot);
  EXPECT_TRUE(born_);
  EXPECT_EQ(registry_.size(), 2u);
}

// What a breaker is born with is what the engine decides by.
TEST_F(RegistryTest, StartsABreakerAsItsBirthSays) {
  const absl::StatusOr<LockedBreaker> breaker = TryMake("db/orders");
  ASSERT_TRUE(breaker.ok());
  EXPECT_EQ((*breaker)->name(), "db/orders");
  EXPECT_EQ((*breaker)->ruling, ruling_);
  EXPECT_EQ((*breaker)->generation, 7u);
  EXPECT_EQ((*breaker)->last_used, now_);
  EXPECT_EQ((*breaker)->queued_for, Tick::Max());
  EXPECT_EQ((*breaker)->guard.state(), State::kClosed);
  EXPECT_EQ((*breaker)->guard.epoch(), source_.epochs);
}

// A permit names its slot, which saves the look into the index.
TEST_F(RegistryTest, FindsByTheHintOfASlot) {
  const Slot orders = Make("db/orders");
  const Slot users = Make("db/users");
  const LockedBreaker found = registry_.FindAt(orders, "db/orders");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->slot(), orders);
  EXPECT_EQ(found->name(), "db/orders");
  EXPECT_EQ(registry_.At(users)->name(), "db/users");
}

// Slots in permits come from outside; a wrong one must not lead to another's breaker.
TEST_F(RegistryTest, AHintThatIsWrongFindsNothing) {
  const Slot users = Make("db/users");
  EXPECT_FALSE(registry_.FindAt(users, "db/orders"));
  EXPECT_FALSE(registry_.FindAt(users + 1, "db/users"));
  EXPECT_FALSE(registry_.FindAt(~Slot{0}, "db/users"));
}

// An idle breaker gives its place back.
TEST_F(RegistryTest, ForgetsWhatIsErased) {
  const Slot slot = Make("db/orders");
  EXPECT_TRUE(registry_.Erase(slot, "db/orders", kAlways));
  EXPECT_FALSE(registry_.Find("db/orders"));
  EXPECT_FALSE(registry_.FindAt(slot, "db/orders"));
  EXPECT_FALSE(registry_.At(slot));
  EXPECT_EQ(registry_.size(), 0u);
  EXPECT_FALSE(registry_.Erase(slot, "db/orders", kAlways));
}

// A breaker that came to life again between the look and the erasure stays.
TEST_F(RegistryTest, AsksUnderTheLockBeforeItErases) {
  const Slot slot = Make("db/orders");
  EXPECT_FALSE(registry_.Erase(slot, "db/orders", kNever));
  EXPECT_TRUE(registry_.Find("db/orders"));
  EXPECT_EQ(registry_.size(), 1u);
}

// The sweep's slot may by then be another's.
TEST_F(RegistryTest, ErasesOnlyWhereTheNameStillLives) {
  const Slot orders = Make("db/orders");
  const Slot users = Make("db/users");
  EXPECT_FALSE(registry_.Erase(users, "db/orders", kAlways));
  EXPECT_FALSE(registry_.Erase(orders, "db/users", kAlways));
  EXPECT_FALSE(registry_.Erase(orders, "db/nobody", kAlways));
  EXPECT_EQ(registry_.size(), 2u);
}

// Names that come and go must not use up memory.
TEST_F(RegistryTest, GivesASlotToTheNextBreaker) {
  const Slot slot = Make("db/orders");
  ASSERT_TRUE(registry_.Erase(slot, "db/orders", kAlways));
  EXPECT_EQ(Make("db/users"), slot);
  EXPECT_EQ(registry_.end(), 1u);
  EXPECT_FALSE(registry_.FindAt(slot, "db/orders"));
  EXPECT_EQ(registry_.FindAt(slot, "db/users")->name(), "db/users");
}

// The next tenant of a slot inherits nothing from the one before.
TEST_F(RegistryTest, ASlotIsCleanForItsNextTenant) {
  {
    const absl::StatusOr<LockedBreaker> breaker = TryMake("db/orders");
    ASSERT_TRUE(breaker.ok());
    (*breaker)->guard.SetOverride(std::make_shared<const Override>());
    (*breaker)->queued_for = now_;
    (*breaker)->last_used = now_ + absl::Hours(1);
  }
  ASSERT_TRUE(registry_.Erase(0, "db/orders", kAlways));
  const absl::StatusOr<LockedBreaker> next = TryMake("db/users");
  ASSERT_TRUE(next.ok());
  EXPECT_EQ((*next)->slot(), 0u);
  EXPECT_EQ((*next)->guard.revision(), 0u);
  EXPECT_EQ((*next)->queued_for, Tick::Max());
  EXPECT_EQ((*next)->last_used, now_);
}

// An epoch only grows, also when the breaker was forgotten in between.
TEST_F(RegistryTest, ABreakerThatIsMadeAgainHasAHigherEpoch) {
  const Slot slot = Make("db/orders");
  const uint64_t before = EpochOf("db/orders");
  ASSERT_TRUE(registry_.Erase(slot, "db/orders", kAlways));
  Make("db/orders");
  EXPECT_GT(EpochOf("db/orders"), before);
}

// Ten million names from one tenant: the error says which flag moves the bound.
TEST_F(RegistryTest, RefusesOneBreakerTooMany) {
  Registry registry(3);
  const Registry::Birth birth{.source = &source_, .now = now_, .ruling = ruling_};
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(registry.FindOrCreate(name, birth, born_).ok());
  }
  const absl::Status refused = registry.FindOrCreate("db/orders", birth, born_).status();
  EXPECT_FALSE(born_);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(refused), "TOO_MANY_BREAKERS");
  EXPECT_THAT(refused.message(), HasSubstr("db/orders"));
  EXPECT_THAT(refused.message(), HasSubstr("all 3"));
  EXPECT_THAT(refused.message(), HasSubstr("--max-breakers"));

  EXPECT_EQ(registry.size(), 3u);
  EXPECT_FALSE(registry.Find("db/orders"));
  EXPECT_TRUE(registry.FindOrCreate("b", birth, born_).ok());
  ASSERT_TRUE(registry.Erase(1, "b", kAlways));
  EXPECT_TRUE(registry.FindOrCreate("db/orders", birth, born_).ok());
}

// Far more names than shards and chunks: many share one, and none is taken for another.
TEST_F(RegistryTest, SlotsStayWhileTheirBreakersLive) {
  std::vector<std::string> names;
  std::vector<Slot> slots;
  for (int i = 0; i < 5'000; ++i) {
    names.push_back(absl::StrCat("payments.v1.ChargeService/Method", i));
    slots.push_back(Make(names.back()));
  }
  for (size_t i = 0; i < names.size(); i += 2) {
    ASSERT_TRUE(registry_.Erase(slots[i], names[i], kAlways));
  }
  for (int i = 0; i < 1'000; ++i) Make(absl::StrCat("another/", i));
  for (size_t i = 0; i < names.size(); ++i) {
    const LockedBreaker breaker = registry_.Find(names[i]);
    ASSERT_EQ(static_cast<bool>(breaker), i % 2 == 1) << names[i];
    if (breaker) {
      EXPECT_EQ(breaker->slot(), slots[i]) << names[i];
    }
  }
  EXPECT_EQ(registry_.size(), 3'500u);
  EXPECT_EQ(registry_.end(), 5'000u);
}

// Listings walk the slots: all that live are met, each once.
TEST_F(RegistryTest, AWalkOverTheSlotsMeetsEachBreakerOnce) {
  for (int i = 0; i < 2'000; ++i) Make(absl::StrCat("b/", i));
  ASSERT_TRUE(registry_.Erase(17, "b/17", kAlways));
  const std::multiset<std::string> met = Walk();
  EXPECT_EQ(met.size(), 1'999u);
  EXPECT_EQ(std::set<std::string>(met.begin(), met.end()).size(), met.size());
  EXPECT_EQ(met.count("b/17"), 0u);
}

// The longest name that the API takes.
TEST_F(RegistryTest, KeepsLongNamesWhole) {
  const std::string longest(256, 'x');
  Make(longest);
  EXPECT_EQ(registry_.Find(longest)->name(), longest);
  EXPECT_FALSE(registry_.Find(longest.substr(1)));
}

// Exclusive use passes on with the object and ends with it: otherwise these would deadlock.
TEST_F(RegistryTest, ALockedBreakerUnlocksOnce) {
  Make("db/orders");
  {
    LockedBreaker breaker = registry_.Find("db/orders");
    const LockedBreaker moved = std::move(breaker);
    EXPECT_FALSE(breaker);  // NOLINT(bugprone-use-after-move): a moved one is empty.
    EXPECT_EQ(moved->name(), "db/orders");
  }
  LockedBreaker breaker = registry_.Find("db/orders");
  breaker.Unlock();
  breaker.Unlock();
  EXPECT_FALSE(breaker);
  breaker = registry_.Find("db/orders");
  EXPECT_TRUE(breaker);
  breaker = LockedBreaker();
  EXPECT_TRUE(registry_.Find("db/orders"));
}

}  // namespace
}  // namespace fusebox
