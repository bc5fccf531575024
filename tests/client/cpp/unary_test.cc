// Clients that ask about each call, and a server, over real connections.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/cpp/test_server.h"
#include "fusebox/client.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

// Bound to a port where nobody ever answers.
class SilentPort {
 public:
  SilentPort() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 100), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentPort() { ::close(socket_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  int socket_;
  uint16_t port_ = 0;
};

// A server that answers late, and loses answers.
class LateServer final : public v1::BreakerService::Service {
 public:
  LateServer() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~LateServer() override {
    Answer();
    server_->Shutdown();
  }

  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  // From now on questions are answered at once.
  void Answer() {
    const std::lock_guard<std::mutex> lock(mutex_);
    answers_ = true;
    changed_.notify_all();
  }
  void LoseNextBatches(int batches) {
    const std::lock_guard<std::mutex> lock(mutex_);
    to_lose_ = batches;
  }
  std::vector<v1::BatchRecordRequest> batches() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return batches_;
  }

 private:
  grpc::Status Allow(grpc::ServerContext* /*context*/, const v1::AllowRequest* /*request*/,
                     v1::AllowResponse* response) override {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [this] { return answers_; });
    response->set_decision(v1::DECISION_ALLOWED);
    response->set_permit("a permit");
    response->set_state(v1::STATE_CLOSED);
    response->set_epoch(7);
    return grpc::Status::OK;
  }
  grpc::Status BatchRecord(grpc::ServerContext* /*context*/, const v1::BatchRecordRequest* request,
                           v1::BatchRecordResponse* /*response*/) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    batches_.push_back(*request);
    if (to_lose_ == 0) return grpc::Status::OK;
    --to_lose_;
    return {grpc::StatusCode::UNAVAILABLE, "lost"};
  }

  int port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool answers_ = false;
  int to_lose_ = 0;
  std::vector<v1::BatchRecordRequest> batches_;
  std::unique_ptr<grpc::Server> server_;
};

class UnaryTest : public ::testing::Test {
 protected:
  void SetUp() override { Serve("127.0.0.1:0"); }

  void Serve(const std::string& address) {
    server_ = ServeAt(address, clock_);
    ASSERT_NE(server_, nullptr);
  }
  std::string address() const { return server_->grpc_addresses().front(); }
  Engine& engine() { return server_->engine(); }

  // Machines of tests may be slow: the server has a second to answer.
  ClientOptions Options() const {
    return {.target = address(),
            .name = "test",
            .mode = ClientMode::kUnary,
            .unary_timeout = absl::Seconds(1),
            .close_patience = absl::Seconds(30)};
  }
  // Of a server that is to go: there is nobody to tell.
  std::unique_ptr<Client> ConnectBriefly() const {
    ClientOptions options = Options();
    options.close_patience = absl::ZeroDuration();
    return Connect(options);
  }
  static std::unique_ptr<Client> Connect(const ClientOptions& options) {
    auto client = Client::Create(options);
    EXPECT_TRUE(client.ok()) << client.status();
    EXPECT_TRUE((*client)->WaitForServer(absl::Seconds(30)));
    return *std::move(client);
  }
  std::unique_ptr<Client> Connect() const { return Connect(Options()); }

  template <typename Done>
  static void Until(const Done& done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  static bool Call(const Breaker& breaker, Outcome outcome = Outcome::kSuccess) {
    Breaker::Permit permit = breaker.Allow();
    permit.Record(outcome);
    return permit.allowed();
  }
  Totals TotalsOf(absl::string_view breaker) {
    const auto view = engine().Get(breaker);
    return view.ok() ? view->snapshot.totals : Totals{};
  }
  void Trip(absl::string_view breaker) {
    for (int i = 0; i < 5; ++i) {
      ASSERT_TRUE(engine().Record(breaker, "", {.result = Result::Of(Outcome::kFailure)}).ok());
    }
  }
  void Rule(const Policy& policy) { ASSERT_TRUE(engine().SetPolicies({policy}, {}).ok()); }

  SystemClock clock_;
  std::unique_ptr<Server> server_;
};

TEST_F(UnaryTest, EachCallIsTheServersToDecide) {
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  EXPECT_TRUE(Call(breaker));
  Until([&] { return client->stats().unacknowledged_rows == 0; });
  Trip("db/orders");
  const Breaker::Permit refused = breaker.Allow();
  EXPECT_FALSE(refused.allowed());
  EXPECT_EQ(refused.reason(), Reason::kOpen);
  EXPECT_GT(refused.retry_after(), absl::Seconds(20));
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("OPEN for"));
  EXPECT_EQ(breaker.state(), State::kOpen);
  ASSERT_TRUE(engine().Reset("db/orders", {}).ok());
  EXPECT_TRUE(Call(breaker));
  EXPECT_EQ(breaker.state(), State::kClosed);
}

TEST_F(UnaryTest, WhatOneClientSeesOpensTheBreakerOfAnother) {
  const auto one = Connect();
  const auto other = Connect();
  const Breaker failing = *one->GetBreaker("db/orders");
  const Breaker theirs = *other->GetBreaker("db/orders");
  Until([&] {
    Call(failing, Outcome::kFailure);
    return !Call(theirs);
  });
}

TEST_F(UnaryTest, AllThatEndedIsToldOnceByTheEndOfTheClient) {
  auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&breaker] {
      for (int call = 0; call < 500; ++call) {
        Call(breaker, call % 5 == 0 ? Outcome::kCallerError : Outcome::kSuccess);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(client->stats().decisions.unary, 2'000u);
  client.reset();
  EXPECT_EQ(TotalsOf("db/orders").successes, 2'000u);
}

TEST_F(UnaryTest, WhatACallHeldComesBackWhenItIsDropped) {
  Policy policy;
  policy.bulkhead = {.max_concurrent = 1, .lease_timeout = absl::Minutes(10)};
  Rule(policy);
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  {
    const Breaker::Permit first = breaker.Allow();
    ASSERT_TRUE(first.allowed());
    EXPECT_EQ(breaker.Allow().reason(), Reason::kBulkhead);
  }
  Until([&] { return breaker.Allow().allowed(); });
}

TEST_F(UnaryTest, HowLongToStayAwayIsSaidForEveryReason) {
  Policy policy;
  policy.rate_limit = {.rate = 1, .per = absl::Hours(1), .burst = 1};
  Rule(policy);
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  EXPECT_TRUE(Call(breaker));
  const Breaker::Permit refused = breaker.Allow();
  EXPECT_EQ(refused.reason(), Reason::kRateLimit);
  EXPECT_GT(refused.retry_after(), absl::Minutes(30));
}

TEST_F(UnaryTest, StatusesAreClassifiedByThePolicyThatOnlyTheServerKnows) {
  Policy policy;
  policy.classification.grpc[static_cast<int>(absl::StatusCode::kNotFound)] = Outcome::kFailure;
  Rule(policy);
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  Until([&] {
    const absl::Status status = breaker.Call([] { return absl::NotFoundError("gone"); });
    return status.code() == absl::StatusCode::kUnavailable;
  });
  EXPECT_EQ(TotalsOf("db/orders").successes, 0u);
}

TEST_F(UnaryTest, ARetrySpendsTheBudgetOfTheFleet) {
  Policy policy;
  policy.retry_budget = {.retry_ratio = Share::FromFraction(0), .min_retries_per_second = 0};
  Rule(policy);
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  EXPECT_EQ(breaker.Allow({2, Outcome::kTimeout}).reason(), Reason::kRetryBudget);
}

TEST_F(UnaryTest, CallsAreTimedForTheServer) {
  Policy policy;
  policy.circuit_breaker.slow_call_rate_threshold = Share::FromFraction(0.5);
  policy.circuit_breaker.slow_call_duration_threshold = absl::Milliseconds(1);
  policy.circuit_breaker.minimum_calls = 1;
  Rule(policy);
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  Breaker::Permit slow = breaker.Allow();
  Until([&, began = std::chrono::steady_clock::now()] {
    return std::chrono::steady_clock::now() - began > std::chrono::milliseconds(2);
  });
  slow.Succeed();
  Until([&] { return !breaker.Allow().allowed(); });
}

TEST_F(UnaryTest, WithoutAServerItIsABreakerLikeAnyOther) {
  const auto client = ConnectBriefly();
  const Breaker breaker = *client->GetBreaker("db/orders");
  EXPECT_TRUE(Call(breaker));
  EXPECT_TRUE(client->IsConnected());
  server_.reset();
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Call(breaker, Outcome::kFailure));
  EXPECT_FALSE(Call(breaker));
  EXPECT_FALSE(client->IsConnected());
  EXPECT_EQ(client->ConnectionError().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(client->stats().decisions.local, 6u);
  EXPECT_EQ(client->stats().decisions.unary, 1u);
}

TEST_F(UnaryTest, WhatItsOwnCallsCameToCountsWhenTheServerIsGone) {
  const auto client = ConnectBriefly();
  const Breaker breaker = *client->GetBreaker("db/orders");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Call(breaker, Outcome::kFailure));
  server_.reset();
  EXPECT_TRUE(Call(breaker, Outcome::kFailure));
  EXPECT_FALSE(Call(breaker));
}

TEST_F(UnaryTest, AnOutageThatTheServerToldOfHoldsWithoutIt) {
  const auto client = ConnectBriefly();
  const Breaker breaker = *client->GetBreaker("db/orders");
  Trip("db/orders");
  EXPECT_FALSE(Call(breaker));
  server_.reset();
  const Breaker::Permit refused = breaker.Allow();
  EXPECT_EQ(refused.reason(), Reason::kOpen);
  EXPECT_GT(refused.retry_after(), absl::Seconds(10));
}

// The same thread asks again: what refuses it meanwhile is one word.
TEST_F(UnaryTest, ItComesBackToAServerThatComesBack) {
  const auto client = ConnectBriefly();
  const Breaker breaker = *client->GetBreaker("db/orders");
  const std::string was_at = address();
  server_.reset();
  for (int i = 0; i < 100; ++i) Call(breaker, Outcome::kFailure);
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_FALSE(client->IsConnected());
  Serve(was_at);
  const uint64_t before = client->stats().decisions.unary;
  Until([&] { return Call(breaker) && client->stats().decisions.unary > before; });
  EXPECT_EQ(breaker.state(), State::kClosed);
  EXPECT_TRUE(client->IsConnected());
  EXPECT_EQ(client->ConnectionError(), absl::OkStatus());
}

TEST_F(UnaryTest, AnOperatorsRefusalHoldsWithoutTheServer) {
  const auto client = ConnectBriefly();
  const Breaker breaker = *client->GetBreaker("db/orders");
  ASSERT_TRUE(engine().SetOverride("db/orders", Override{.mode = OverrideMode::kForcedOpen}).ok());
  EXPECT_EQ(breaker.Allow().reason(), Reason::kForcedOpen);
  server_.reset();
  EXPECT_EQ(breaker.Allow().reason(), Reason::kForcedOpen);
}

TEST_F(UnaryTest, ProbesAreTheServersToGrant) {
  Policy policy;
  policy.circuit_breaker.open_duration = absl::Milliseconds(1);
  policy.circuit_breaker.max_probes = 1;
  Rule(policy);
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  Trip("db/orders");
  std::optional<Breaker::Permit> probe;
  Until([&] {
    Breaker::Permit asked = breaker.Allow();
    if (asked.allowed()) probe = std::move(asked);
    return probe.has_value();
  });
  EXPECT_EQ(breaker.state(), State::kHalfOpen);
  EXPECT_EQ(breaker.Allow().reason(), Reason::kProbesBusy);
  probe->Succeed();
  Until([&] { return Call(breaker) && breaker.state() == State::kClosed; });
}

TEST_F(UnaryTest, HedgesAreToldWithFirstAttemptsAndStayKnown) {
  Policy policy;
  policy.hedge.delay = absl::Milliseconds(30);
  Rule(policy);
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  EXPECT_TRUE(Call(breaker));
  EXPECT_EQ(breaker.hedge_delay(), absl::Milliseconds(30));
  breaker.Allow({.hedge = true}).Succeed();
  EXPECT_EQ(breaker.hedge_delay(), absl::Milliseconds(30));
}

TEST_F(UnaryTest, AServerThatDoesNotAnswerCostsFewCallsAWait) {
  const SilentPort silent;
  ClientOptions options = Options();
  options.target = silent.address();
  options.unary_timeout = absl::Milliseconds(100);
  options.close_patience = absl::ZeroDuration();
  const auto client = *Client::Create(options);
  const Breaker breaker = *client->GetBreaker("db/orders");
  constexpr int kCalls = 10'000;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < kCalls; ++i) EXPECT_TRUE(Call(breaker));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LT(took, kCalls * std::chrono::milliseconds(100) / 10);
  EXPECT_EQ(client->stats().decisions.local, static_cast<uint64_t>(kCalls));
}

TEST_F(UnaryTest, WhatIsGrantedTooLateGoesBack) {
  LateServer late;
  ClientOptions options = Options();
  options.target = late.address();
  options.unary_timeout = absl::Milliseconds(20);
  const auto client = Connect(options);
  EXPECT_TRUE(Call(*client->GetBreaker("db/orders")));
  EXPECT_EQ(client->stats().decisions.local, 1u);
  late.Answer();
  const auto gives_back = [](const v1::BatchRecordItem& item) {
    return item.permit() == "a permit" && item.outcome() == v1::OUTCOME_IGNORED;
  };
  Until([&] {
    for (const v1::BatchRecordRequest& batch : late.batches()) {
      for (const v1::BatchRecordItem& item : batch.items()) {
        if (gives_back(item)) return true;
      }
    }
    return false;
  });
}

TEST_F(UnaryTest, ABatchThatGotNoAnswerIsSentAgainAsItWas) {
  LateServer server;
  server.Answer();
  server.LoseNextBatches(2);
  ClientOptions options = Options();
  options.target = server.address();
  const auto client = Connect(options);
  EXPECT_TRUE(Call(*client->GetBreaker("db/orders"), Outcome::kFailure));
  Until([&] { return client->stats().unacknowledged_rows == 0; });
  const std::vector<v1::BatchRecordRequest> batches = server.batches();
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[0].batch_id().size(), 16u);
  EXPECT_EQ(batches[2].SerializeAsString(), batches[0].SerializeAsString());
}

TEST_F(UnaryTest, WhatMayNotBeDecidedAloneIsNot) {
  const SilentPort silent;
  const auto ask = [&](WithoutServer without_server) {
    ClientOptions options = Options();
    options.target = silent.address();
    options.unary_timeout = absl::Milliseconds(1);
    options.without_server = without_server;
    options.close_patience = absl::ZeroDuration();
    const auto client = *Client::Create(options);
    return client->GetBreaker("db/orders")->Allow().reason();
  };
  EXPECT_EQ(ask(WithoutServer::kDeny), Reason::kNoServer);
  EXPECT_EQ(ask(WithoutServer::kAllow), Reason::kNone);
}

// Four calls are not enough to give the server up.
TEST_F(UnaryTest, WhatItDecidesAloneIsToldOnceTheServerAnswers) {
  const ClientOptions options = Options();
  server_.reset();
  auto client = *Client::Create(options);
  const Breaker breaker = *client->GetBreaker("db/orders");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(Call(breaker));
  EXPECT_EQ(client->stats().decisions.local, 4u);
  EXPECT_EQ(client->stats().unacknowledged_rows, 4u);
  Serve(options.target);
  client.reset();
  EXPECT_EQ(TotalsOf("db/orders").successes, 4u);
}

TEST_F(UnaryTest, AClientWithNothingToTellEndsAtOnce) {
  auto client = Connect();
  Call(*client->GetBreaker("db/orders"));
  Until([&] { return client->stats().unacknowledged_rows == 0; });
  const auto began = std::chrono::steady_clock::now();
  client.reset();
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(15));
}

TEST_F(UnaryTest, ChangesOfStateAreToldAndTheBreakerMayBeUsedMeanwhile) {
  std::atomic<State> seen{State::kClosed};
  std::unique_ptr<Client> client;
  ClientOptions options = Options();
  options.on_state_change = [&](const StateChange& change) {
    EXPECT_EQ(change.breaker, "db/orders");
    EXPECT_TRUE(client->GetBreaker(change.breaker).ok());
    seen = change.to;
  };
  client = Connect(options);
  const Breaker breaker = *client->GetBreaker("db/orders");
  Until([&] { return !Call(breaker, Outcome::kFailure); });
  Until([&] { return seen == State::kOpen; });
  ASSERT_TRUE(engine().Reset("db/orders", {}).ok());
  Call(breaker);
  Until([&] { return seen == State::kClosed; });
}

TEST_F(UnaryTest, ItsStatsSayWhetherThereIsAServer) {
  const auto client = Connect();
  EXPECT_FALSE(client->stats().connected);
  EXPECT_EQ(client->stats().state_age, absl::InfiniteDuration());
  Call(*client->GetBreaker("db/orders"));
  EXPECT_TRUE(client->stats().connected);
  EXPECT_LT(client->stats().state_age, absl::Minutes(1));
  EXPECT_EQ(client->stats().breakers, 1u);
  Until([&] { return client->stats().unacknowledged_rows == 0; });
}

TEST(UnaryOptionsTest, ATimeoutThatIsNoneIsRefused) {
  for (const absl::Duration timeout : {absl::ZeroDuration(), absl::Seconds(2)}) {
    const absl::Status status =
        Client::Create({.target = "localhost:1", .unary_timeout = timeout}).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr("unary_timeout"));
  }
}

}  // namespace
}  // namespace fusebox
