// Clients and a server, over real connections.
#include "fusebox/client.h"

#include <prometheus/text_serializer.h>

#include <mutex>
#include <thread>
#include <vector>

#include "client/cpp/test_server.h"
#include "core/error.h"
#include "fusebox/prometheus.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

class ClientTest : public ServedTest {
 protected:
  std::unique_ptr<Client> Connect() {
    auto client = Client::Create({.target = address(), .name = "test"});
    EXPECT_TRUE(client.ok()) << client.status();
    Until([&] { return (*client)->IsConnected(); });
    return *std::move(client);
  }
};

TEST_F(ClientTest, WhatOneClientSeesOpensTheBreakerOfAnother) {
  const auto one = Connect();
  const auto other = Connect();
  const Breaker failing = *one->GetBreaker("db/orders");
  const Breaker theirs = *other->GetBreaker("db/orders");
  Until([&] {
    Call(failing, Outcome::kFailure);
    return theirs.state() == State::kOpen;
  });
  EXPECT_FALSE(Call(theirs));
}

TEST_F(ClientTest, ARefusalSaysWhyInTheTermsOfGrpc) {
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  Until([&] { return !Call(breaker, Outcome::kFailure); });
  const absl::Status status = breaker.Call([] { return absl::OkStatus(); });
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("db/orders"));
  google::rpc::ErrorInfo info;
  const auto payload = status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  ASSERT_TRUE(payload.has_value());
  ASSERT_TRUE(info.ParseFromString(std::string(*payload)));
  EXPECT_EQ(info.reason(), "BREAKER_OPEN");
  EXPECT_EQ(info.domain(), "fusebox");
  EXPECT_EQ(info.metadata().at("breaker"), "db/orders");
  google::rpc::RetryInfo retry;
  const auto retry_payload = status.GetPayload("type.googleapis.com/google.rpc.RetryInfo");
  ASSERT_TRUE(retry_payload.has_value());
  ASSERT_TRUE(retry.ParseFromString(std::string(*retry_payload)));
  EXPECT_GT(retry.retry_delay().seconds(), 0);
  EXPECT_LE(retry.retry_delay().seconds(), 30);
}

TEST_F(ClientTest, WhatWasCountedLastIsToldWhenTheClientEnds) {
  auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  Until([&] { return TotalsOf("db/orders").successes > 0 || !Call(breaker, Outcome::kSuccess); });
  const uint64_t before = TotalsOf("db/orders").successes;
  for (int i = 0; i < 1'000; ++i) Call(breaker);
  client.reset();
  EXPECT_GE(TotalsOf("db/orders").successes, before + 1'000);
}

TEST_F(ClientTest, WhoWaitsForTheServerIsToldWhatItSays) {
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(
        server_->engine().Record("db/orders", "", {.result = Result::Of(Outcome::kFailure)}).ok());
  }
  const auto client = *Client::Create({.target = address()});
  const Breaker breaker = *client->GetBreaker("db/orders");
  EXPECT_TRUE(client->WaitForServer(absl::Seconds(30)));
  EXPECT_FALSE(Call(breaker));
}

TEST_F(ClientTest, WhoWaitsForNoServerWaitsNoLongerThanTold) {
  const std::string was_at = address();
  server_.reset();
  const auto client = *Client::Create({.target = was_at});
  const Breaker breaker = *client->GetBreaker("db/orders");
  EXPECT_FALSE(client->WaitForServer(absl::Milliseconds(20)));
  EXPECT_TRUE(Call(breaker));
}

TEST_F(ClientTest, ChangesOfStateAreToldAndTheBreakerMayBeUsedMeanwhile) {
  std::mutex mutex;
  std::vector<State> seen;
  std::unique_ptr<Client> client;
  client = *Client::Create({.target = address(), .on_state_change = [&](const StateChange& change) {
                              EXPECT_EQ(change.breaker, "db/orders");
                              EXPECT_TRUE(client->GetBreaker(change.breaker).ok());
                              const std::lock_guard<std::mutex> lock(mutex);
                              seen.push_back(change.to);
                            }});
  const auto has_seen = [&](State state) {
    const std::lock_guard<std::mutex> lock(mutex);
    return !seen.empty() && seen.back() == state;
  };
  const Breaker breaker = *client->GetBreaker("db/orders");
  Until([&] { return !Call(breaker, Outcome::kFailure); });
  Until([&] { return has_seen(State::kOpen); });
  ASSERT_TRUE(client->WaitForServer(absl::Seconds(30)));
  ASSERT_TRUE(server_->engine().Reset("db/orders", {}).ok());
  Until([&] { return has_seen(State::kClosed); });
}

TEST_F(ClientTest, ABreakerHasOneCountHoweverOftenItIsAskedFor) {
  const auto client = Connect();
  for (int i = 0; i < 5; ++i) Call(*client->GetBreaker("db/orders"), Outcome::kFailure);
  Until([&] { return client->GetBreaker("db/orders")->state() == State::kOpen; });
}

TEST_F(ClientTest, GoesOnAloneAndComesBack) {
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  const std::string was_at = address();
  server_.reset();
  Until([&] { return !client->IsConnected(); });
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Call(breaker, Outcome::kFailure));
  EXPECT_EQ(breaker.state(), State::kOpen);
  EXPECT_FALSE(client->ConnectionError().ok());
  Serve(was_at);
  Until([&] { return client->IsConnected() && breaker.state() == State::kClosed; });
}

TEST_F(ClientTest, WithoutAnyServerItIsABreakerLikeAnyOther) {
  const std::string was_at = address();
  server_.reset();
  const auto client = *Client::Create({.target = was_at});
  const Breaker breaker = *client->GetBreaker("db/orders");
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Call(breaker, Outcome::kFailure));
  EXPECT_FALSE(Call(breaker));
}

TEST_F(ClientTest, ItsStatsSayWhatDecidesAndHowOldThatIs) {
  const auto client = Connect();
  const Breaker breaker = *client->GetBreaker("db/orders");
  ASSERT_TRUE(client->WaitForServer(absl::Seconds(30)));
  for (int i = 0; i < 10; ++i) Call(breaker);
  EXPECT_EQ(client->stats().decisions.pushed, 10u);
  EXPECT_TRUE(client->stats().connected);
  EXPECT_LT(client->stats().state_age, absl::Minutes(1));
  EXPECT_EQ(client->stats().breakers, 1u);
  Until([&] { return TotalsOf("db/orders").successes == 10; });
  Until([&] { return client->stats().unacknowledged_rows == 0; });
  server_.reset();
  Until([&] { return !client->stats().connected; });
  const absl::Duration age = client->stats().state_age;
  for (int i = 0; i < 10; ++i) Call(breaker);
  EXPECT_EQ(client->stats().decisions.local, 10u);
  EXPECT_GT(client->stats().state_age, age);
}

TEST_F(ClientTest, WithoutAServerItMayRefuseAll) {
  const auto client =
      *Client::Create({.target = "127.0.0.1:1", .without_server = WithoutServer::kDeny});
  const absl::Status status =
      client->GetBreaker("db/orders")->Call([] { return absl::OkStatus(); });
  EXPECT_THAT(std::string(status.message()), HasSubstr("NO_SERVER"));
}

TEST_F(ClientTest, PrometheusIsToldTheStats) {
  const auto client =
      *Client::Create({.target = "127.0.0.1:1", .without_server = WithoutServer::kAllow});
  const Breaker breaker = *client->GetBreaker("db/orders");
  for (int i = 0; i < 10; ++i) Call(breaker, Outcome::kFailure);
  const std::string text =
      prometheus::TextSerializer().Serialize(ClientCollector(*client).Collect());
  EXPECT_THAT(text, HasSubstr("fusebox_client_connected 0\n"));
  EXPECT_THAT(text, HasSubstr("fusebox_client_state_age_seconds +Inf\n"));
  EXPECT_THAT(text, HasSubstr("fusebox_client_breakers 1\n"));
  EXPECT_THAT(text, HasSubstr("fusebox_client_decisions_total{source=\"allowed_blindly\"} 10\n"));
}

TEST_F(ClientTest, BreakersAreBounded) {
  const auto client = *Client::Create({.target = address(), .max_breakers = 2});
  EXPECT_TRUE(client->GetBreaker("a").ok());
  EXPECT_TRUE(client->GetBreaker("b").ok());
  EXPECT_TRUE(client->GetBreaker("a").ok());
  const absl::Status status = client->GetBreaker("c").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), HasSubstr("max_breakers"));
}

TEST(ClientOptionsTest, WhatIsWrongIsNamed) {
  const auto reject = [](const ClientOptions& options, const char* named) {
    const absl::Status status = Client::Create(options).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()), HasSubstr(named));
  };
  reject({}, "target");
  reject({.target = "localhost:1", .name = std::string(2'000, 'x')}, "client");
  reject({.target = "localhost:1", .max_breakers = 0}, "max_breakers");
  reject({.target = "localhost:1", .patience = absl::Milliseconds(1)}, "patience");
  reject({.target = "localhost:1", .close_patience = absl::Hours(1)}, "close_patience");
}

TEST_F(ClientTest, ANameThatCanBeNoneIsRefused) {
  const auto client = *Client::Create({.target = address()});
  EXPECT_EQ(client->GetBreaker("").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace fusebox
