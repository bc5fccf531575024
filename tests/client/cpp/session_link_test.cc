// A client's end of the session protocol, against the server's.
#include "client/cpp/link/session_link.h"

#include "absl/strings/str_cat.h"
#include "client/cpp/link_fixture.h"

namespace fusebox::internal {
namespace {

class SessionLinkTest : public LinkTest {
 protected:
  void Connect() {
    ASSERT_TRUE(client_.Connect(*server_));
    client_.Talk();
  }

  FakeClient client_{clock_, "client"};
  const Breaker orders_ = client_.Add("db/orders");
};

TEST_F(SessionLinkTest, ABreakerIsTakenFromTheServer) {
  Policy policy;
  policy.circuit_breaker.consecutive_failures = 2;
  ASSERT_TRUE(server_->engine().SetPolicies({policy}, {}).ok());
  Connect();
  EXPECT_TRUE(client_.link().IsOpen());
  EXPECT_TRUE(Call(orders_));
  client_.Cut();
  Call(orders_, Outcome::kFailure);
  Call(orders_, Outcome::kFailure);
  EXPECT_EQ(orders_.state(), State::kOpen);  // By the policy that was pushed.
}

TEST_F(SessionLinkTest, WhatItCountsArrivesAtTheServer) {
  Connect();
  for (int i = 0; i < 20; ++i) Call(orders_);
  Call(orders_, Outcome::kFailure);
  Until({&client_}, [&] { return server_->Look("db/orders").totals.successes == 20; });
  EXPECT_EQ(server_->Look("db/orders").totals.failures, 1u);
}

TEST_F(SessionLinkTest, AFailureArrivesWithinTheHurryInterval) {
  Connect();
  Call(orders_, Outcome::kFailure);
  Pass(absl::Milliseconds(10));
  client_.Talk();
  EXPECT_EQ(server_->Look("db/orders").totals.failures, 1u);
}

TEST_F(SessionLinkTest, WhatIsWellArrivesWithinTheReportInterval) {
  Connect();
  Call(orders_);
  Pass(absl::Milliseconds(499));
  client_.Talk();
  EXPECT_EQ(server_->Look("db/orders").totals.successes, 0u);
  Pass(absl::Milliseconds(1));
  client_.Talk();
  EXPECT_EQ(server_->Look("db/orders").totals.successes, 1u);
}

TEST_F(SessionLinkTest, TheFleetLearnsWhenToHedgeFromWhatItsClientsDecide) {
  Policy policy;
  policy.hedge = {.percentile = Share::FromFraction(0.9), .min_samples = 100};
  ASSERT_TRUE(server_->engine().SetPolicies({policy}, {}).ok());
  Connect();
  int calls = 0;
  Until({&client_}, [&] {
    Breaker::Permit permit = orders_.Allow();
    clock_.Advance(++calls % 5 == 0 ? absl::Milliseconds(200) : absl::Milliseconds(20));
    permit.Succeed();
    return orders_.hedge_delay().has_value();
  });
  EXPECT_GE(calls, 100);
  EXPECT_NEAR(absl::ToDoubleMilliseconds(*orders_.hedge_delay()), 200, 10);
}

// 200 clients, of which each sees one failure among a hundred that open it.
TEST_F(SessionLinkTest, FailuresThatNoClientWouldSeeOpenItForAll) {
  Policy policy;
  policy.circuit_breaker.consecutive_failures = 100;
  ASSERT_TRUE(server_->engine().SetPolicies({policy}, {}).ok());
  std::vector<std::unique_ptr<FakeClient>> clients;
  std::vector<FakeClient*> all;
  std::vector<Breaker> breakers;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<FakeClient>(clock_, absl::StrCat("client-", i)));
    all.push_back(clients.back().get());
    breakers.push_back(all.back()->Add("db/orders"));
    ASSERT_TRUE(all.back()->Connect(*server_));
    all.back()->Talk();
  }
  for (const Breaker& breaker : breakers) EXPECT_TRUE(Call(breaker, Outcome::kFailure));
  Until(all, [&] {
    return std::all_of(breakers.begin(), breakers.end(),
                       [](const Breaker& b) { return b.state() == State::kOpen; });
  });
}

TEST_F(SessionLinkTest, AClientThatFailsAloneDoesNotOpenItForOthers) {
  Policy policy;
  policy.circuit_breaker.min_failing_clients = 3;
  ASSERT_TRUE(server_->engine().SetPolicies({policy}, {}).ok());
  Connect();
  FakeClient other(clock_, "other");
  const Breaker theirs = other.Add("db/orders");
  ASSERT_TRUE(other.Connect(*server_));
  for (int i = 0; i < 100; ++i) {
    Call(orders_, Outcome::kFailure);
    EXPECT_TRUE(Call(theirs));
    Pass(absl::Milliseconds(10));
    client_.Talk();
    other.Talk();
  }
  EXPECT_EQ(server_->Look("db/orders").state, State::kClosed);
  EXPECT_EQ(theirs.state(), State::kClosed);
  EXPECT_EQ(orders_.state(), State::kOpen);
}

TEST_F(SessionLinkTest, ATripReachesEveryClientAndProbesAreLent) {
  Connect();
  FakeClient other(clock_, "other");
  const Breaker theirs = other.Add("db/orders");
  ASSERT_TRUE(other.Connect(*server_));
  other.Talk();
  for (int i = 0; i < 5; ++i) Call(orders_, Outcome::kFailure);
  Until({&client_, &other}, [&] { return theirs.state() == State::kOpen; });
  EXPECT_FALSE(Call(theirs));
  Pass(absl::Seconds(30));
  int passed = 0;
  Until({&client_, &other}, [&] {
    passed += Call(theirs) ? 1 : 0;
    return theirs.state() == State::kClosed;
  });
  EXPECT_GE(passed, 2);
  Until({&client_, &other}, [&] { return orders_.state() == State::kClosed; });
}

TEST_F(SessionLinkTest, ABulkheadIsNeverFullerThanItsBound) {
  Policy policy;
  policy.bulkhead.max_concurrent = 8;
  ASSERT_TRUE(server_->engine().SetPolicies({policy}, {}).ok());
  Connect();
  FakeClient other(clock_, "other");
  const Breaker theirs = other.Add("db/orders");
  ASSERT_TRUE(other.Connect(*server_));
  std::deque<Breaker::Permit> inside;
  size_t most = 0;
  for (int i = 0; i < 2'000; ++i) {
    Breaker::Permit permit = (i % 2 == 0 ? orders_ : theirs).Allow();
    if (permit.allowed()) inside.push_back(std::move(permit));
    most = std::max(most, inside.size());
    ASSERT_LE(inside.size(), 8u);
    if (i % 5 == 0 && !inside.empty()) {
      inside.front().Succeed();
      inside.pop_front();
    }
    if (i % 3 == 0) {
      Pass(absl::Milliseconds(1));
      client_.Talk();
      other.Talk();
    }
  }
  EXPECT_GE(most, 4u);
}

TEST_F(SessionLinkTest, ABreakerThatTheServerForgotComesBackWhenItIsUsed) {
  Connect();
  Pass(absl::Hours(2));
  for (int i = 0; i < 3; ++i) Pass(absl::Seconds(5));
  Until({&client_}, [&] { return !server_->engine().Get("db/orders").ok(); });
  for (int i = 0; i < 100; ++i) {
    Pass(absl::Milliseconds(100));
    client_.Talk();
  }
  EXPECT_FALSE(server_->engine().Get("db/orders").ok());
  // What is told before the client hears that it was forgotten is of the old epoch.
  Until({&client_}, [&] {
    Call(orders_);
    return server_->engine().Get("db/orders").ok();
  });
}

TEST_F(SessionLinkTest, ABreakerThatTheServerRefusesIsDecidedAlone) {
  const Breaker odd = client_.Add("no name of a breaker");
  Connect();
  EXPECT_TRUE(client_.link().KnowsAll());
  EXPECT_EQ(client_.link().GetStats().refused_breakers, 1u);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(Call(odd, Outcome::kFailure));
  EXPECT_FALSE(Call(odd));
}

TEST_F(SessionLinkTest, AWindowTellsAServerThatKnowsNothing) {
  Connect();
  for (int i = 0; i < 30; ++i) Call(orders_);
  for (int i = 0; i < 3; ++i) Call(orders_, Outcome::kFailure);
  Until({&client_}, [&] { return server_->Look("db/orders").totals.failures == 3; });
  client_.Cut();
  for (int i = 0; i < 2; ++i) Call(orders_);
  Restart();
  Connect();
  EXPECT_EQ(server_->Look("db/orders").window.calls, 35u);
  EXPECT_EQ(server_->Look("db/orders").window.failures, 3u);
  Pass(absl::Seconds(1));
  client_.Talk();
  EXPECT_EQ(server_->Look("db/orders").window.calls, 35u);
}

TEST_F(SessionLinkTest, CallsDuringACutAreToldOnce) {
  Connect();
  Call(orders_);
  client_.Cut();
  for (int i = 0; i < 9; ++i) Call(orders_);
  Connect();
  Until({&client_}, [&] { return server_->Look("db/orders").totals.successes == 10; });
  Pass(absl::Seconds(1));
  client_.Talk();
  EXPECT_EQ(server_->Look("db/orders").totals.successes, 10u);
}

// They would count as if they were of now.
TEST_F(SessionLinkTest, CallsOfLongAgoAreNotTold) {
  Connect();
  client_.Cut();
  for (int i = 0; i < 9; ++i) Call(orders_);
  Pass(absl::Seconds(11));
  Connect();
  Call(orders_);
  Until({&client_}, [&] { return server_->Look("db/orders").totals.successes > 0; });
  EXPECT_EQ(server_->Look("db/orders").totals.successes, 1u);
}

TEST_F(SessionLinkTest, AllIsToldAtTheEndAlsoWhatWasCountedBeforeTheWelcome) {
  Call(orders_);
  client_.link().TellAll();
  EXPECT_FALSE(client_.link().IsAllTold());
  Connect();
  EXPECT_TRUE(client_.link().IsAllTold());
  EXPECT_EQ(server_->Look("db/orders").totals.successes, 1u);
}

TEST_F(SessionLinkTest, WhoIsToTellAllWaitsForTheStatesWithoutAsking) {
  ASSERT_TRUE(client_.Connect(*server_));
  client_.link().TellAll();
  while (client_.Answer() || client_.Hear()) continue;
  ASSERT_TRUE(client_.Speak());  // Its subscriptions.
  EXPECT_EQ(client_.link().NextSay(), Tick::Max());
}

// By the flag of the server.
TEST_F(SessionLinkTest, MessagesAreNoLargerThanTheServerTakes) {
  for (int i = 0; i < 300; ++i) client_.Add(absl::StrCat(std::string(200, 'x'), i));
  client_.link().Begin();
  v1::SessionResponse hello;
  hello.mutable_welcome()->set_server_life("12345678");
  hello.mutable_welcome()->set_max_message_bytes(4096);
  ASSERT_EQ(client_.link().Take(hello), absl::OkStatus());
  int subscribed = 0;
  while (const std::optional<v1::SessionRequest> said = client_.link().Say()) {
    EXPECT_LE(said->ByteSizeLong(), 4096u);
    subscribed += said->subscribe_size();
  }
  EXPECT_EQ(subscribed, 301);
}

TEST_F(SessionLinkTest, AServerThatBreaksTheProtocolIsLeft) {
  client_.link().Begin();
  EXPECT_EQ(client_.link().Take({}).code(), absl::StatusCode::kInternal);
  client_.link().Cut();
  client_.link().Begin();
  v1::SessionResponse nobody;
  nobody.mutable_welcome();
  EXPECT_EQ(client_.link().Take(nobody).code(), absl::StatusCode::kInternal);
}

TEST_F(SessionLinkTest, WithoutAcknowledgementsItSendsNoMoreThanSixtyFourReports) {
  Connect();
  for (int i = 0; i < 1'000; ++i) {
    Call(orders_, Outcome::kFailure);
    clock_.Advance(absl::Milliseconds(10));
    client_.Speak();
  }
  int arrived = 0;
  while (client_.Arrive()) ++arrived;
  EXPECT_EQ(arrived, 64);
  while (client_.Answer() || client_.Hear()) continue;
  Until({&client_}, [&] { return server_->Look("db/orders").state == State::kOpen; });
}

}  // namespace
}  // namespace fusebox::internal
