// Following breakers: a snapshot, a mark, then what changes.
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rpc/watch_fixture.h"

namespace fusebox {
namespace {

// A page that is opened shows what there is, and knows when that is all.
TEST_F(WatchBreakersTest, SendsTheSnapshotThenTheMark) {
  Allow("db/orders");
  Trip("db/users");
  const auto watcher = Watch();
  std::map<std::string, v1::State> states;
  for (int i = 0; i < 2; ++i) {
    const v1::Breaker breaker = watcher->Next().breaker();
    states[breaker.name()] = breaker.state();
  }
  EXPECT_THAT(states, ::testing::ElementsAre(::testing::Pair("db/orders", v1::STATE_CLOSED),
                                             ::testing::Pair("db/users", v1::STATE_OPEN)));
  EXPECT_TRUE(watcher->Next().has_synced());
}

// Nothing there is a snapshot, too.
TEST_F(WatchBreakersTest, AnEmptySnapshotIsMarkedAtOnce) {
  EXPECT_TRUE(Watch()->Next().has_synced());
}

// More than one page's worth.
TEST_F(WatchBreakersTest, TheSnapshotHoldsEveryBreakerOnce) {
  for (int i = 0; i < 500; ++i) {
    ASSERT_TRUE(engine_.Allow(absl::StrCat("db/", i), {}, "").ok());
  }
  EXPECT_EQ(Watch()->Sync().size(), 500u);
}

// What changes is sent as it is then, with an epoch that only grows.
TEST_F(WatchBreakersTest, SendsEveryBreakerThatChanges) {
  const auto watcher = Watch();
  watcher->Sync();
  Allow();
  engine_.Maintain();
  v1::Breaker breaker = watcher->Next().breaker();
  EXPECT_EQ(breaker.name(), "db/orders");
  EXPECT_EQ(breaker.state(), v1::STATE_CLOSED);
  uint64_t epoch = breaker.epoch();

  Trip();
  engine_.Maintain();
  breaker = watcher->Next().breaker();
  EXPECT_EQ(breaker.state(), v1::STATE_OPEN);
  EXPECT_GT(breaker.epoch(), epoch);
  EXPECT_EQ(breaker.SerializeAsString(), Get().SerializeAsString());
  epoch = breaker.epoch();

  Pass(absl::Seconds(30));  // Nobody calls it.
  breaker = watcher->Next().breaker();
  EXPECT_EQ(breaker.state(), v1::STATE_HALF_OPEN);
  EXPECT_GT(breaker.epoch(), epoch);
}

// Overrides keep the epoch and raise the revision.
TEST_F(WatchBreakersTest, SendsOverrides) {
  Allow();
  const auto watcher = Watch();
  watcher->Sync();
  ASSERT_TRUE(engine_.SetOverride("db/orders", {.reason = "drill"}).ok());
  engine_.Maintain();
  const v1::Breaker breaker = watcher->Next().breaker();
  EXPECT_EQ(breaker.override().mode(), v1::OVERRIDE_MODE_FORCED_OPEN);
  EXPECT_EQ(breaker.override().reason(), "drill");
  EXPECT_EQ(breaker.revision(), 1u);
}

// A breaker that was forgotten is said to be gone.
TEST_F(WatchBreakersTest, SendsWhatIsRemoved) {
  Allow();
  const auto watcher = Watch();
  EXPECT_THAT(watcher->Sync(), ::testing::ElementsAre("db/orders"));
  Pass(absl::Minutes(10));
  for (int i = 0; i < 3; ++i) Pass(absl::Seconds(5));
  EXPECT_EQ(watcher->Next().removed(), "db/orders");
}

// A watcher of db hears nothing of caches.
TEST_F(WatchBreakersTest, SendsOnlyWhatItsGlobMatches) {
  Allow("db/orders");
  Allow("cache/a");
  const auto watcher = Watch("db/*");
  EXPECT_THAT(watcher->Sync(), ::testing::ElementsAre("db/orders"));
  Trip("cache/a");
  Trip("db/orders");
  engine_.Maintain();
  EXPECT_EQ(watcher->Next().breaker().name(), "db/orders");
}

// Watchers do not wait for each other.
TEST_F(WatchBreakersTest, EveryWatcherIsSentEveryChange) {
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < 10; ++i) watchers.push_back(Watch());
  for (const auto& watcher : watchers) watcher->Sync();
  EXPECT_EQ(Info().watchers(), 10u);
  Trip();
  engine_.Maintain();
  for (const auto& watcher : watchers) {
    EXPECT_EQ(watcher->Next().breaker().state(), v1::STATE_OPEN);
  }
}

}  // namespace
}  // namespace fusebox
