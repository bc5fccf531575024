// A watch that broke off goes on from its last token.
#include "server/rpc/watch_fixture.h"

namespace fusebox {
namespace {

// Who comes back is told of what changed meanwhile, and of nothing else.
TEST_F(WatchBreakersTest, AResumedWatchSendsWhatChangedSince) {
  for (const char* name : {"db/orders", "db/users", "db/quiet"}) Allow(name);
  auto watcher = Watch();
  EXPECT_EQ(watcher->Sync().size(), 3u);
  const std::string token = watcher->token();
  watcher.reset();
  Trip("db/orders");
  Allow("db/new");
  engine_.Maintain();

  watcher = Watch("", token);
  EXPECT_THAT(watcher->Sync(), ::testing::UnorderedElementsAre("db/orders", "db/new"));
  Trip("db/users");
  engine_.Maintain();
  EXPECT_EQ(watcher->Next().breaker().name(), "db/users");
}

// What it knew and is gone must not stay for ever.
TEST_F(WatchBreakersTest, AResumedWatchSendsWhatIsGone) {
  Allow();
  auto watcher = Watch();
  watcher->Sync();
  const std::string token = watcher->token();
  watcher.reset();
  Pass(absl::Minutes(10));
  for (int i = 0; i < 3; ++i) Pass(absl::Seconds(5));

  watcher = Watch("", token);
  EXPECT_EQ(watcher->Next().removed(), "db/orders");
  EXPECT_TRUE(watcher->Next().has_synced());
}

// Nothing changed: that is said at once.
TEST_F(WatchBreakersTest, AResumedWatchThatMissedNothingIsMarkedAtOnce) {
  Allow();
  auto watcher = Watch();
  watcher->Sync();
  const auto again = Watch("", watcher->token());
  EXPECT_TRUE(again->Next().has_synced());
}

// In the middle of a snapshot there is no place to go on; from its mark on there always is.
TEST_F(WatchBreakersTest, EveryStepFromTheMarkOnHasAToken) {
  Allow();
  const auto watcher = Watch();
  EXPECT_EQ(watcher->Next().resume_token(), "");
  EXPECT_NE(watcher->Next().resume_token(), "");
  std::set<std::string> tokens = {watcher->token()};
  for (const char* name : {"db/a", "db/b", "db/c"}) {
    Allow(name);
    engine_.Maintain();
    const v1::WatchBreakersResponse step = watcher->Next();
    EXPECT_EQ(step.breaker().name(), name);
    EXPECT_TRUE(tokens.insert(step.resume_token()).second) << step.resume_token();
  }
}

// A match that is not given is all of them, however it is written.
TEST_F(WatchBreakersTest, ATokenIsForItsMatch) {
  auto watcher = Watch();
  watcher->Sync();
  EXPECT_TRUE(Watch("**", watcher->token())->Sync().empty());
  const auto other = Watch("db/*", watcher->token());
  EXPECT_EQ(other->Next().event_case(), v1::WatchBreakersResponse::EVENT_NOT_SET);
  ExpectBadRequest(other->Finish(), "RESUME_TOKEN_INVALID", "resume_token");
}

// A client with a token of before the server's restart looks at everything again.
TEST_F(WatchBreakersTest, TheTokenOfAnotherLifeIsStale) {
  auto watcher = Watch();
  watcher->Sync();
  std::string token = watcher->token();
  ASSERT_EQ(token.substr(0, 5), "1000-");
  token[3] = '1';
  watcher = Watch("", token);
  EXPECT_EQ(watcher->Next().event_case(), v1::WatchBreakersResponse::EVENT_NOT_SET);
  const RpcError error = ErrorOf(watcher->Finish());
  EXPECT_EQ(error.code, grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(error.reason, "RESUME_TOKEN_STALE");
  EXPECT_FALSE(error.may_retry);  // Not with this token.
  WaitForWatchers(0);
}

}  // namespace
}  // namespace fusebox
