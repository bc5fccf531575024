// Following breakers: a snapshot, a mark, then what changes.
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

// One watch, as a client holds it.
class Watcher {
 public:
  Watcher(v1::AdminService::Stub& admin, const std::string& match, const std::string& token = "") {
    // By the time that a test takes to fail, not to pass.
    context_.set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(120, GPR_TIMESPAN)));
    v1::WatchBreakersRequest request;
    request.set_match(match);
    request.set_resume_token(token);
    reader_ = admin.WatchBreakers(&context_, request);
  }
  ~Watcher() {
    if (!finished_) {
      context_.TryCancel();
      Finish();
    }
  }

  // Waits for the next step; nothing is set when the watch is over.
  v1::WatchBreakersResponse Next() {
    v1::WatchBreakersResponse response;
    if (!reader_->Read(&response)) response.Clear();
    if (!response.resume_token().empty()) token_ = response.resume_token();
    return response;
  }
  // The last that it was given.
  const std::string& token() const { return token_; }
  // The names of the snapshot, up to and with its mark.
  std::set<std::string> Sync() {
    std::set<std::string> names;
    while (true) {
      const v1::WatchBreakersResponse step = Next();
      if (!step.has_breaker()) {
        EXPECT_TRUE(step.has_synced());
        return names;
      }
      EXPECT_TRUE(names.insert(step.breaker().name()).second) << step.breaker().name();
    }
  }
  // Reads up to the end: gRPC gives no status before.
  grpc::Status Finish() {
    v1::WatchBreakersResponse unread;
    while (reader_->Read(&unread)) {
    }
    finished_ = true;
    return reader_->Finish();
  }
  void Cancel() { context_.TryCancel(); }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchBreakersResponse>> reader_;
  std::string token_;
  bool finished_ = false;
};

class WatchBreakersTest : public RpcTest {
 protected:
  explicit WatchBreakersTest(const EngineOptions& options = {.idle_ttl = absl::Minutes(10)})
      : RpcTest(options) {}

  std::unique_ptr<Watcher> Watch(const std::string& match = "", const std::string& token = "") {
    return std::make_unique<Watcher>(*admin_, match, token);
  }

  // Until the server knows that a watch is over; each look is a round trip.
  void WaitForWatchers(uint64_t watchers) {
    for (int looks = 0; looks < 100'000; ++looks) {
      if (Info().watchers() == watchers) return;
    }
    FAIL() << "still " << Info().watchers() << " watchers";
  }

  static void ExpectDraining(const grpc::Status& status) {
    const RpcError error = ErrorOf(status);
    EXPECT_EQ(error.code, grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(error.reason, "DRAINING");
    EXPECT_EQ(error.domain, "fusebox");
    EXPECT_TRUE(error.may_retry);
  }
};

class OneWatcherTest : public WatchBreakersTest {
 protected:
  OneWatcherTest() : WatchBreakersTest(EngineOptions{.max_watchers = 1}) {}
};

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
