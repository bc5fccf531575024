// Who follows breakers learns which changed, however slowly they read.
#include <set>

#include "server/engine/engine_fixture.h"
#include "server/engine/watch_hub.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::multiset<std::string> TakeAll(ChangedNames& names) {
  std::multiset<std::string> taken;
  while (true) {
    const absl::StatusOr<std::string> name = names.Take();
    EXPECT_TRUE(name.ok()) << name.status();
    if (!name.ok() || name->empty()) return taken;
    taken.insert(*name);
  }
}

class ChangedNamesTest : public ::testing::Test {
 protected:
  int wakes_ = 0;
  ChangedNames names_{*Glob::Parse("db/*"), 3, [this] { ++wakes_; }};
};

// A slow reader costs memory for the names, never for the changes.
TEST_F(ChangedNamesTest, KeepsANameOnceHoweverOftenItChanges) {
  for (int i = 0; i < 10'000; ++i) names_.Add("db/orders");
  EXPECT_THAT(TakeAll(names_), ElementsAre("db/orders"));
}

// A watcher of db hears nothing of caches, and is not woken for them.
TEST_F(ChangedNamesTest, KeepsOnlyWhatItsGlobMatches) {
  EXPECT_THAT(TakeAll(names_), IsEmpty());
  names_.Add("cache/a");
  names_.Add("db/a/b");
  EXPECT_EQ(wakes_, 0);
  EXPECT_THAT(TakeAll(names_), IsEmpty());
}

// One wake for each time that the watcher ran dry: it takes the rest by itself.
TEST_F(ChangedNamesTest, WakesOnceAfterItRanDry) {
  names_.Add("db/a");
  EXPECT_EQ(wakes_, 0);  // Nobody has asked yet.
  EXPECT_THAT(TakeAll(names_), ElementsAre("db/a"));
  names_.Add("db/b");
  names_.Add("db/c");
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(TakeAll(names_), UnorderedElementsAre("db/b", "db/c"));
  names_.Add("db/b");
  EXPECT_EQ(wakes_, 2);
}

// Memory is bounded; a watcher that lost something must be told, not lied to.
TEST_F(ChangedNamesTest, EndsWhenMoreChangedThanItMayKeep) {
  EXPECT_THAT(TakeAll(names_), IsEmpty());
  for (const char* name : {"db/a", "db/b", "db/c", "db/d"}) names_.Add(name);
  ExpectError(names_.Take().status(), absl::StatusCode::kAborted, "WATCH_TOO_SLOW",
              {"3 breakers", "narrower match", "--max-watch-lag"});
  ExpectError(names_.Take().status(), absl::StatusCode::kAborted, "WATCH_TOO_SLOW");
}

// Full is not too full: a name that is kept already needs no room.
TEST_F(ChangedNamesTest, ANameThatIsKeptNeedsNoRoom) {
  for (const char* name : {"db/a", "db/b", "db/c", "db/a", "db/c"}) names_.Add(name);
  EXPECT_THAT(TakeAll(names_), UnorderedElementsAre("db/a", "db/b", "db/c"));
}

// A watcher that waits must learn that it is over.
TEST_F(ChangedNamesTest, AnOverrunWakes) {
  EXPECT_THAT(TakeAll(names_), IsEmpty());
  names_.Overrun();
  EXPECT_EQ(wakes_, 1);
  EXPECT_FALSE(names_.Take().ok());
}

// The number of watches is bounded, and the error says by which flag.
TEST(WatchHubTest, RefusesOneWatchTooMany) {
  WatchHub hub(2, 100);
  auto first = hub.Watch(Glob::All(), [] {});
  auto second = hub.Watch(Glob::All(), [] {});
  ASSERT_TRUE(first.ok() && second.ok());
  for (int i = 0; i < 3; ++i) {
    ExpectError(hub.Watch(Glob::All(), [] {}).status(), absl::StatusCode::kResourceExhausted,
                "TOO_MANY_WATCHERS", {"all 2", "--max-watchers"});
  }
  EXPECT_EQ(hub.watchers(), 2u);
  first->reset();
  EXPECT_EQ(hub.watchers(), 1u);
  EXPECT_TRUE(hub.Watch(Glob::All(), [] {}).ok());
}

// While nobody watches, publishing costs nothing and keeps nothing.
TEST(WatchHubTest, KeepsNothingForNobody) {
  WatchHub hub(2, 100);
  hub.Publish("db/orders");
  const auto watch = hub.Watch(Glob::All(), [] {});
  hub.Deliver();
  EXPECT_THAT(TakeAll(**watch), IsEmpty());
}

// Delivery is by whoever delivers, so that no caller of Allow pays for watchers.
TEST(WatchHubTest, DeliversToEveryWatcherWhoseGlobMatches) {
  WatchHub hub(3, 100);
  int wakes = 0;
  const auto all = hub.Watch(Glob::All(), [&wakes] { ++wakes; });
  const auto db = hub.Watch(*Glob::Parse("db/*"), [] {});
  EXPECT_THAT(TakeAll(**all), IsEmpty());
  for (const char* name : {"db/orders", "cache/a", "db/orders"}) hub.Publish(name);
  EXPECT_EQ(wakes, 0);
  EXPECT_THAT(TakeAll(**db), IsEmpty());
  hub.Deliver();
  EXPECT_EQ(wakes, 1);
  EXPECT_THAT(TakeAll(**all), UnorderedElementsAre("cache/a", "db/orders"));
  EXPECT_THAT(TakeAll(**db), ElementsAre("db/orders"));
  hub.Deliver();
  EXPECT_THAT(TakeAll(**all), IsEmpty());
}

// When more changed between two deliveries than may be kept, nobody knows what they missed.
TEST(WatchHubTest, AnOverrunEndsEveryWatch) {
  WatchHub hub(2, 2);
  const auto watch = hub.Watch(*Glob::Parse("nothing/*"), [] {});
  for (const char* name : {"a", "b", "a", "b"}) hub.Publish(name);
  hub.Deliver();
  EXPECT_THAT(TakeAll(**watch), IsEmpty());
  for (const char* name : {"a", "b", "c"}) hub.Publish(name);
  hub.Deliver();
  ExpectError((*watch)->Take().status(), absl::StatusCode::kAborted, "WATCH_TOO_SLOW");
}

class WatchTest : public EngineTest {
 protected:
  explicit WatchTest(size_t max_watch_lag = 100)
      : EngineTest({.idle_ttl = absl::Minutes(10), .max_watch_lag = max_watch_lag}) {
    watch_ = *engine_.Watch(Glob::All(), [this] { ++wakes_; });
  }

  // What changed since the last time.
  std::multiset<std::string> Changes() {
    engine_.Maintain();
    return TakeAll(*watch_);
  }

  int wakes_ = 0;
  std::shared_ptr<ChangedNames> watch_;
};

// Every way in which a breaker may change.
TEST_F(WatchTest, TellsOfBirthsTransitionsAndOverrides) {
  Allow();
  EXPECT_THAT(Changes(), ElementsAre(kOrders));
  Observe(Outcome::kSuccess, 1, kUsers);
  EXPECT_THAT(Changes(), ElementsAre(kUsers));
  Trip();
  EXPECT_THAT(Changes(), ElementsAre(kOrders));
  ASSERT_TRUE(engine_.SetOverride(kOrders, {}).ok());
  EXPECT_THAT(Changes(), ElementsAre(kOrders));
  ASSERT_TRUE(engine_.ClearOverride(kOrders).ok());
  EXPECT_THAT(Changes(), ElementsAre(kOrders));
}

// Counts change with every call; that is no news.
TEST_F(WatchTest, OrdinaryTrafficIsNoNews) {
  Allow();
  EXPECT_THAT(Changes(), ElementsAre(kOrders));
  for (int i = 0; i < 100; ++i) Record(Granted(), Outcome::kSuccess);
  Look();
  EXPECT_THAT(Changes(), IsEmpty());
  EXPECT_EQ(wakes_, 0);
}

// Nobody calls the breaker, and yet its watchers see the wait end.
TEST_F(WatchTest, TheTimerWakesWatchers) {
  Trip();
  EXPECT_THAT(Changes(), ElementsAre(kOrders));
  Pass(absl::Seconds(30));
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(TakeAll(*watch_), ElementsAre(kOrders));
}

// What is gone is news too.
TEST_F(WatchTest, TellsOfBreakersThatAreForgotten) {
  Allow();
  EXPECT_THAT(Changes(), ElementsAre(kOrders));
  Pass(absl::Minutes(10));
  Sweep();
  EXPECT_THAT(TakeAll(*watch_), ElementsAre(kOrders));
  EXPECT_FALSE(Exists());
}

// A breaker that follows a policy has a new revision; consumers drop what is older.
TEST_F(WatchTest, TellsOfAChangeOfPolicyAtTheNextUse) {
  Allow();
  Allow(kUsers);
  EXPECT_THAT(Changes(), UnorderedElementsAre(kOrders, kUsers));
  Policy changed;
  changed.circuit_breaker.consecutive_failures = 9;
  SetPolicies({changed});
  EXPECT_THAT(Changes(), IsEmpty());
  Allow(kOrders);
  EXPECT_THAT(Changes(), ElementsAre(kOrders));
  Look(kUsers);
  EXPECT_THAT(Changes(), ElementsAre(kUsers));
}

class SlowWatchTest : public WatchTest {
 protected:
  SlowWatchTest() : WatchTest(/*max_watch_lag=*/2) {}
};

// A watch that does not read costs no more than its lag, however many breakers there are.
TEST_F(SlowWatchTest, EndsWhenItLagsTooFarBehind) {
  Allow("a");
  engine_.Maintain();
  Allow("b");
  engine_.Maintain();
  EXPECT_THAT(TakeAll(*watch_), UnorderedElementsAre("a", "b"));
  for (const char* breaker : {"c", "d", "e"}) {
    Allow(breaker);
    engine_.Maintain();
  }
  ExpectError(watch_->Take().status(), absl::StatusCode::kAborted, "WATCH_TOO_SLOW",
              {"more than 2 breakers", "--max-watch-lag"});
}

// A watch ends with its owner.
TEST_F(WatchTest, EndsWhenItIsDropped) {
  EXPECT_EQ(engine_.watchers(), 1u);
  watch_.reset();
  EXPECT_EQ(engine_.watchers(), 0u);
  Trip();
  engine_.Maintain();
  EXPECT_EQ(wakes_, 0);
}

}  // namespace
}  // namespace fusebox
