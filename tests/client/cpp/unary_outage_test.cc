// What they do when it answers late, or not at all.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "client/cpp/unary_fixture.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"

namespace fusebox {
namespace {

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

}  // namespace
}  // namespace fusebox
