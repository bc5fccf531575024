// What clients that ask about each call have of a server that answers.
#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "client/cpp/unary_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

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
