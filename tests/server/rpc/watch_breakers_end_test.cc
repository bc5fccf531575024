// How watches end, and how many there may be.
#include <thread>

#include "server/rpc/watch_fixture.h"

namespace fusebox {
namespace {

class OneWatcherTest : public WatchBreakersTest {
 protected:
  OneWatcherTest() : WatchBreakersTest(EngineOptions{.max_watchers = 1}) {}
};

// Who went away is forgotten.
TEST_F(WatchBreakersTest, ACancelledWatchIsGone) {
  const auto watcher = Watch();
  watcher->Sync();
  EXPECT_EQ(Info().watchers(), 1u);
  watcher->Cancel();
  EXPECT_EQ(watcher->Finish().error_code(), grpc::StatusCode::CANCELLED);
  WaitForWatchers(0);
  Trip();
  engine_.Maintain();
}

// Watches come and go while breakers change: nothing is lost, and nobody is left behind.
TEST_F(WatchBreakersTest, WatchesMayEndAtAnyMoment) {
  std::thread changes([this] {
    for (int i = 0; i < 500; ++i) {
      const Ending failure{.result = Result::Of(fusebox::Outcome::kFailure), .calls = 5};
      (void)engine_.Record("db/orders", "", failure);
      Pass(absl::Seconds(30));
      const absl::StatusOr<AllowAnswer> probe = engine_.Allow("db/orders", {}, "");
      if (probe.ok()) (void)engine_.Record("db/orders", probe->permit.bytes(), failure);
    }
  });
  for (int i = 0; i < 30; ++i) {
    const auto watcher = Watch();
    if (i % 3 == 0) watcher->Cancel();
    if (i % 3 == 1) watcher->Sync();
  }
  changes.join();
  WaitForWatchers(0);
}

// A server that is about to stop tells its watchers so, and takes no new ones.
TEST_F(WatchBreakersTest, DrainingEndsEveryWatch) {
  Allow();
  const auto first = Watch(), second = Watch();
  first->Sync();
  second->Sync();
  EXPECT_FALSE(Info().draining());
  admin_service_.Drain();
  for (const auto& watcher : {first.get(), second.get()}) {
    EXPECT_EQ(watcher->Next().event_case(), v1::WatchBreakersResponse::EVENT_NOT_SET);
    ExpectDraining(watcher->Finish());
  }
  const auto late = Watch();
  EXPECT_EQ(late->Next().event_case(), v1::WatchBreakersResponse::EVENT_NOT_SET);
  ExpectDraining(late->Finish());
  EXPECT_TRUE(Info().draining());
  EXPECT_EQ(Allow().decision(), v1::DECISION_ALLOWED);  // Until it stops it serves.
}

// Cutting is for who is left: who was told to go, and went, has read why.
TEST_F(WatchBreakersTest, CuttingLeavesWatchesAloneThatEnded) {
  admin_service_.Cut();  // Nobody.
  const auto watcher = Watch();
  watcher->Sync();
  admin_service_.Drain();
  WaitForWatchers(0);
  admin_service_.Cut();
  EXPECT_EQ(watcher->Next().event_case(), v1::WatchBreakersResponse::EVENT_NOT_SET);
  ExpectDraining(watcher->Finish());
}

// People who look at the server see what is coming before it ends any stream.
TEST_F(WatchBreakersTest, SayingThatItDrainsEndsNothing) {
  const auto watcher = Watch();
  watcher->Sync();
  admin_service_.SetDraining();
  EXPECT_TRUE(Info().draining());
  Trip();
  engine_.Maintain();
  EXPECT_EQ(watcher->Next().breaker().state(), v1::STATE_OPEN);
  EXPECT_TRUE(Watch()->Next().has_breaker());
}

// The number of watches is bounded; the error says by which flag, and that it may pass.
TEST_F(OneWatcherTest, OneWatchTooManyIsResourceExhausted) {
  const auto first = Watch();
  first->Sync();
  const auto second = Watch();
  EXPECT_EQ(second->Next().event_case(), v1::WatchBreakersResponse::EVENT_NOT_SET);
  const RpcError error = ErrorOf(second->Finish());
  EXPECT_EQ(error.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, "TOO_MANY_WATCHERS");
  EXPECT_EQ(error.domain, "fusebox");
  EXPECT_TRUE(error.may_retry);
  EXPECT_THAT(error.message, ::testing::HasSubstr("--max-watchers"));

  first->Cancel();
  first->Finish();
  WaitForWatchers(0);
  EXPECT_TRUE(Watch()->Next().has_synced());
}

}  // namespace
}  // namespace fusebox
