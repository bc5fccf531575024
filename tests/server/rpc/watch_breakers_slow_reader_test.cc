// Who reads slowly is sent what is, and holds nobody up.
#include "absl/strings/str_cat.h"
#include "server/rpc/watch_fixture.h"

namespace fusebox {
namespace {

class SlowReaderTest : public WatchBreakersTest {
 protected:
  static constexpr int kFlaps = 300;
  static constexpr int kClients = 64;

  SlowReaderTest() {
    Policy large;  // Every state of it weighs 16 KB, so that few fill the connection.
    large.circuit_breaker.min_failing_clients = kClients;
    large.circuit_breaker.success_threshold = 1;
    EXPECT_TRUE(engine_.SetPolicies({large}, {}).ok());

    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
    arguments.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 65'535);
    slow_admin_ = v1::AdminService::NewStub(Connect(arguments));
  }

  // A large state.
  void Open() {
    for (int i = 0; i < kClients; ++i) {
      const std::string client = absl::StrCat(std::string(250, 'c'), i);
      const Ending failure{.result = Result::Of(fusebox::Outcome::kFailure), .client = client};
      ASSERT_TRUE(engine_.Record("db/orders", "", failure).ok());
    }
    engine_.Maintain();
  }

  // A probe does, half a minute later.
  void Close() {
    Pass(absl::Seconds(30));
    const absl::StatusOr<AllowAnswer> probe = engine_.Allow("db/orders", {}, "");
    ASSERT_TRUE(probe.ok() && probe->decision.probe);
    const Ending success{.result = Result::Of(fusebox::Outcome::kSuccess)};
    ASSERT_TRUE(engine_.Record("db/orders", probe->permit.bytes(), success).ok());
    engine_.Maintain();
  }

  // Watchers are told of each state.
  void Flap() {
    Open();
    Close();
  }

  // Reads up to the state of now.
  void CatchUp(Watcher& watcher) {
    const uint64_t newest = Get().epoch();
    while (watcher.Next().breaker().epoch() != newest) {
    }
  }

  std::unique_ptr<v1::AdminService::Stub> slow_admin_;
};

// A reader that does not read costs memory for the names and not for the changes: it is sent the
// newest state once it reads, and misses states between.
TEST_F(SlowReaderTest, IsSentTheNewestStateAndNotEveryState) {
  Watcher slow(*slow_admin_, "");
  slow.Sync();
  for (int i = 0; i < kFlaps; ++i) Flap();
  const uint64_t newest = Get().epoch();
  uint64_t epoch = 0;
  int states = 0;
  while (epoch != newest) {
    const v1::WatchBreakersResponse step = slow.Next();
    ASSERT_TRUE(step.has_breaker());
    EXPECT_GE(step.breaker().epoch(), epoch);
    epoch = step.breaker().epoch();
    ++states;
  }
  EXPECT_LT(states, kFlaps);
}

// It holds up neither those who read nor those who call, nor the end of the server.
TEST_F(SlowReaderTest, HoldsUpNobody) {
  Watcher slow(*slow_admin_, "");
  slow.Sync();
  for (int i = 0; i < kFlaps; ++i) Flap();
  const auto quick = Watch();
  quick->Sync();
  Flap();
  CatchUp(*quick);
  EXPECT_EQ(Allow().decision(), v1::DECISION_ALLOWED);
  admin_service_.Drain();
  StopServer();
}

// A watch whose reader does not read cannot be ended politely, so it is cut.
TEST_F(SlowReaderTest, IsCut) {
  Watcher slow(*slow_admin_, "");
  slow.Sync();
  // While another reads each state as it comes, the slow one's are written, however busy the
  // machine is: large ones, that fill its connection.
  const auto quick = Watch();
  quick->Sync();
  for (int i = 0; i < kFlaps; ++i) {
    Open();
    CatchUp(*quick);
    Close();
  }
  admin_service_.Drain();
  ExpectDraining(quick->Finish());
  WaitForWatchers(1);
  admin_service_.Cut();
  WaitForWatchers(0);
  EXPECT_EQ(slow.Finish().error_code(), grpc::StatusCode::CANCELLED);
}

}  // namespace
}  // namespace fusebox
