// Who follows breakers learns which changed, however slowly they read.
#include <set>

#include "absl/strings/str_cat.h"
#include "server/engine/engine_fixture.h"
#include "server/engine/resume_token.h"
#include "server/engine/watch_hub.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// All that there is to take. `token`, if given, becomes that of the last.
std::multiset<std::string> TakeAll(ChangedNames& names, std::string* token = nullptr) {
  std::multiset<std::string> taken;
  while (true) {
    const absl::StatusOr<ChangedNames::Next> next = names.Take();
    EXPECT_TRUE(next.ok()) << next.status();
    if (!next.ok()) return taken;
    if (token != nullptr) *token = next->resume_token;
    if (!next->name.empty()) {
      taken.insert(next->name);
    } else if (!next->look_on) {
      return taken;
    }
  }
}

class WatchHubTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kLife = 1'000;

  std::shared_ptr<ChangedNames> Watch(const std::string& match = "**",
                                      const std::string& resume_token = "") {
    const auto watch = hub_.Watch(
        *Glob::Parse(match), [this] { ++wakes_; }, resume_token);
    EXPECT_TRUE(watch.ok()) << watch.status();
    return *watch;
  }
  void Change(const std::vector<std::string>& names) {
    for (const std::string& name : names) hub_.Publish(name);
    hub_.Deliver();
  }

  int wakes_ = 0;
  WatchHub hub_{/*max_watchers=*/2, /*max_names=*/3, kLife};
};

// A slow reader is told of the names, not of the changes.
TEST_F(WatchHubTest, TellsOfANameOnceHoweverOftenItChanges) {
  const auto watch = Watch("db/*");
  for (int i = 0; i < 1'000; ++i) Change({"db/orders", "db/orders"});
  EXPECT_THAT(TakeAll(*watch), ElementsAre("db/orders"));
}

// It looks at all breakers when it begins: it would see the same again.
TEST_F(WatchHubTest, TellsOfNothingThatWasPublishedBeforeItBegan) {
  const auto earlier = Watch();
  EXPECT_THAT(TakeAll(*earlier), IsEmpty());
  hub_.Publish("db/a");
  const auto watch = Watch();
  hub_.Publish("db/b");
  EXPECT_EQ(wakes_, 0);
  hub_.Deliver();
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(TakeAll(*watch), ElementsAre("db/b"));
  EXPECT_THAT(TakeAll(*earlier), UnorderedElementsAre("db/a", "db/b"));
}

// Who waits is woken also for what another numbered when it began.
TEST_F(WatchHubTest, WhoBeginsTakesNothingFromThoseThatWait) {
  const auto waits = Watch();
  EXPECT_THAT(TakeAll(*waits), IsEmpty());
  hub_.Publish("db/a");
  const auto watch = Watch();
  hub_.Deliver();
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(TakeAll(*waits), ElementsAre("db/a"));
}

// A watcher of db hears nothing of caches, and is not woken for them.
TEST_F(WatchHubTest, TellsOnlyOfWhatTheGlobMatches) {
  const auto watch = Watch("db/*");
  EXPECT_THAT(TakeAll(*watch), IsEmpty());
  Change({"cache/a", "db/a/b"});
  EXPECT_EQ(wakes_, 0);
  EXPECT_THAT(TakeAll(*watch), IsEmpty());
}

// One wake for each time that the watcher ran dry: it takes the rest by itself.
TEST_F(WatchHubTest, WakesOnceAfterItRanDry) {
  const auto watch = Watch("db/*");
  Change({"db/a"});
  EXPECT_EQ(wakes_, 0);  // Nobody has asked yet.
  EXPECT_THAT(TakeAll(*watch), ElementsAre("db/a"));
  Change({"db/b"});
  Change({"db/c"});
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(TakeAll(*watch), UnorderedElementsAre("db/b", "db/c"));
  Change({"db/b"});
  EXPECT_EQ(wakes_, 2);
}

// Memory is bounded; a watcher that lost something must be told, not lied to, also if it waits.
TEST_F(WatchHubTest, EndsAWatchWhenMoreChangedThanIsKept) {
  const auto watch = Watch();
  EXPECT_THAT(TakeAll(*watch), IsEmpty());
  for (const char* name : {"a", "b", "c", "d"}) Change({name});
  EXPECT_EQ(wakes_, 1);
  for (int i = 0; i < 2; ++i) {
    ExpectError(watch->Take().status(), absl::StatusCode::kAborted, "WATCH_TOO_SLOW",
                {"3 breakers", "narrower match", "--max-watch-lag"});
  }
}

// Full is not too full: a name that is kept already needs no room.
TEST_F(WatchHubTest, ANameThatIsKeptNeedsNoRoom) {
  const auto watch = Watch();
  for (const char* name : {"a", "b", "c", "a", "c"}) Change({name});
  EXPECT_THAT(TakeAll(*watch), UnorderedElementsAre("a", "b", "c"));
}

// Who only wants to know that something changed need not take what did.
TEST_F(WatchHubTest, WhoSkipsIsWokenByTheNextChange) {
  const auto watch = Watch("db/*");
  for (const char* name : {"db/a", "db/b", "db/c", "db/d"}) Change({name});  // More than is kept.
  EXPECT_EQ(wakes_, 0);
  watch->Skip();
  Change({"cache/a"});
  EXPECT_EQ(wakes_, 0);
  Change({"db/e"});
  EXPECT_EQ(wakes_, 1);
  watch->Skip();
  EXPECT_THAT(TakeAll(*watch), IsEmpty());
}

// What others watch is not its business, as long as it keeps up.
TEST_F(WatchHubTest, ANarrowWatchLivesThroughWhateverElseChanges) {
  const auto watch = Watch("db/*");
  EXPECT_THAT(TakeAll(*watch), IsEmpty());
  for (int i = 0; i < 1'000; ++i) Change({absl::StrCat("cache/", i)});
  EXPECT_EQ(wakes_, 0);
  Change({"db/a"});
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(TakeAll(*watch), ElementsAre("db/a"));
}

// More in one tick than is kept at all: nobody knows what they missed, and who waits must learn it.
TEST_F(WatchHubTest, AnOverrunOfOneTickEndsEveryWatch) {
  const auto reads = Watch("db/*"), waits = Watch("nothing/*");
  EXPECT_THAT(TakeAll(*waits), IsEmpty());
  Change({"a", "b", "a", "c", "b"});
  EXPECT_THAT(TakeAll(*reads), IsEmpty());
  EXPECT_EQ(wakes_, 0);
  Change({"a", "b", "c", "d"});
  EXPECT_EQ(wakes_, 2);
  for (const auto& watch : {reads, waits}) {
    ExpectError(watch->Take().status(), absl::StatusCode::kAborted, "WATCH_TOO_SLOW");
  }
}

// The number of watches is bounded, and the error says by which flag.
TEST_F(WatchHubTest, RefusesOneWatchTooMany) {
  auto first = Watch(), second = Watch();
  for (int i = 0; i < 3; ++i) {
    ExpectError(hub_.Watch(Glob::All(), [] {}).status(), absl::StatusCode::kResourceExhausted,
                "TOO_MANY_WATCHERS", {"all 2", "--max-watchers"});
  }
  EXPECT_EQ(hub_.watchers(), 2u);
  first.reset();
  EXPECT_EQ(hub_.watchers(), 1u);
  EXPECT_TRUE(hub_.Watch(Glob::All(), [] {}).ok());
}

// Where nobody ever watched, nobody can come back to.
TEST_F(WatchHubTest, KeepsNothingBeforeTheFirstWatch) {
  for (const char* name : {"a", "b", "c", "d"}) hub_.Publish(name);
  const auto watch = Watch();
  hub_.Deliver();
  EXPECT_THAT(TakeAll(*watch), IsEmpty());
}

// Delivery is by whoever delivers, so that no caller of Allow pays for watchers.
TEST_F(WatchHubTest, DeliversToEveryWatcherWhoseGlobMatches) {
  const auto all = Watch(), db = Watch("db/*");
  EXPECT_THAT(TakeAll(*all), IsEmpty());
  for (const char* name : {"db/orders", "cache/a", "db/orders"}) hub_.Publish(name);
  EXPECT_EQ(wakes_, 0);
  EXPECT_THAT(TakeAll(*db), IsEmpty());
  hub_.Deliver();
  EXPECT_EQ(wakes_, 2);
  EXPECT_THAT(TakeAll(*all), UnorderedElementsAre("cache/a", "db/orders"));
  EXPECT_THAT(TakeAll(*db), ElementsAre("db/orders"));
  hub_.Deliver();
  EXPECT_THAT(TakeAll(*all), IsEmpty());
}

// A thread that serves others too is not kept for the length of the log.
TEST(LongLogTest, ALongSearchIsInterrupted) {
  constexpr int kOthers = 10'000;
  WatchHub hub(1, kOthers + 1, 1);
  const auto watch = *hub.Watch(*Glob::Parse("db/*"), [] {});
  for (int i = 0; i < kOthers; ++i) hub.Publish(absl::StrCat("cache/", i));
  hub.Deliver();
  hub.Publish("db/orders");
  hub.Deliver();
  int pauses = 0;
  absl::StatusOr<ChangedNames::Next> next = watch->Take();
  for (; next.ok() && next->look_on; next = watch->Take()) ++pauses;
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_EQ(next->name, "db/orders");
  EXPECT_GE(pauses, 5);
  EXPECT_LE(pauses, 50);
}

// Who comes back is told of what changed meanwhile, as missed, and then of what changes.
TEST_F(WatchHubTest, AResumedWatchGoesOnWhereTheOtherEnded) {
  std::string token;
  auto watch = Watch("db/*");
  Change({"db/a"});
  EXPECT_THAT(TakeAll(*watch, &token), ElementsAre("db/a"));
  watch.reset();
  Change({"db/b", "cache/a"});
  const auto again = Watch("db/*", token);
  Change({"db/c"});
  EXPECT_EQ(again->TakeMissed()->name, "db/b");
  EXPECT_EQ(again->TakeMissed()->name, "");
  EXPECT_EQ(again->Take()->name, "db/c");
  EXPECT_EQ(again->Take()->name, "");
}

// A watch that resumes nothing has missed nothing, whatever changes while it looks at what there
// is.
TEST_F(WatchHubTest, AFreshWatchHasMissedNothing) {
  Watch();
  Change({"a"});
  const auto watch = Watch();
  Change({"b"});
  const absl::StatusOr<ChangedNames::Next> missed = watch->TakeMissed();
  ASSERT_TRUE(missed.ok()) << missed.status();
  EXPECT_EQ(missed->name, "");
  EXPECT_THAT(TakeAll(*Watch("**", missed->resume_token)), ElementsAre("b"));
}

// A watch may break off between any two names.
TEST_F(WatchHubTest, EveryNameComesWithAPlaceToGoOnFrom) {
  auto watch = Watch();
  for (const char* name : {"a", "b", "c"}) Change({name});
  std::vector<std::string> names;
  while (true) {
    const absl::StatusOr<ChangedNames::Next> next = watch->Take();
    ASSERT_TRUE(next.ok()) << next.status();
    if (next->name.empty()) break;
    names.push_back(next->name);
    watch.reset();
    watch = Watch("**", next->resume_token);
  }
  EXPECT_THAT(names, ElementsAre("a", "b", "c"));
}

// What is not known any more cannot be told: better to look at everything again.
TEST_F(WatchHubTest, ATokenIsStaleWhenMoreChangedSinceThanIsKept) {
  auto watch = Watch();
  const std::string token = watch->Take()->resume_token;
  for (const char* name : {"a", "b", "c"}) Change({name});
  EXPECT_THAT(TakeAll(*Watch("**", token)), ElementsAre("a", "b", "c"));
  Change({"d"});
  ExpectError(hub_.Watch(
                      Glob::All(), [] {}, token)
                  .status(),
              absl::StatusCode::kOutOfRange, "RESUME_TOKEN_STALE",
              {"more than 3 breakers", "--max-watch-lag", "watch anew"});
  EXPECT_EQ(hub_.watchers(), 1u);  // Who is refused takes no place.
}

// A token of another life may look like one of this.
TEST_F(WatchHubTest, TokensAreOfOneLife) {
  const std::string token = Watch()->Take()->resume_token;
  WatchHub later(2, 3, kLife + 1);
  ExpectError(later
                  .Watch(
                      Glob::All(), [] {}, token)
                  .status(),
              absl::StatusCode::kOutOfRange, "RESUME_TOKEN_STALE", {"another life"});
}

// Nobody can have been told of what has not happened.
TEST_F(WatchHubTest, RefusesATokenOfWhatIsYetToCome) {
  Watch();
  Change({"a"});
  EXPECT_TRUE(hub_.Watch(
                      Glob::All(), [] {}, MakeResumeToken(kLife, 1, "**"))
                  .ok());
  ExpectError(hub_.Watch(
                      Glob::All(), [] {}, MakeResumeToken(kLife, 2, "**"))
                  .status(),
              absl::StatusCode::kInvalidArgument, "RESUME_TOKEN_INVALID", {"yet to come"});
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
