// Clients whose streams are cut at any moment, and whose server comes back without memory: nothing
// is lost that a server of the same life could know, nothing counts twice, and no epoch goes back.
#include <cstdlib>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cpp/link_fixture.h"

namespace fusebox::internal {
namespace {

// FUSEBOX_SEED repeats a run.
uint64_t PrintedSeed() {
  const char* const given = std::getenv("FUSEBOX_SEED");
  const uint64_t seed = given != nullptr ? std::stoull(given) : std::random_device()();
  ::testing::Test::RecordProperty("seed", absl::StrCat(seed));
  absl::PrintF("FUSEBOX_SEED=%d\n", seed);
  return seed;
}

class SessionCutsTest : public LinkTest {
 protected:
  SessionCutsTest() {
    for (int i = 0; i < 3; ++i) {
      clients_.push_back(std::make_unique<FakeClient>(clock_, absl::StrCat("client-", i)));
      handles_.push_back(clients_.back()->Add("db/orders"));
    }
  }

  size_t Draw(size_t below) { return std::uniform_int_distribution<size_t>(0, below - 1)(random_); }
  bool Chance(double probability) { return std::bernoulli_distribution(probability)(random_); }

  // One thing happens to one client.
  void Step() {
    const size_t who = Draw(clients_.size());
    FakeClient& client = *clients_[who];
    if (!client.IsConnected()) {
      if (Chance(0.3)) client.Connect(*server_);
    } else if (Chance(0.02)) {
      client.Cut();
      ++cuts_;
    } else {
      client.Speak();
      if (Chance(0.7)) client.Arrive();
      if (Chance(0.5)) client.Answer();
      if (Chance(0.7)) client.Hear();
    }
    if (Chance(0.3)) Pass(absl::Milliseconds(Draw(20)));
    client.link().Advance();
    if (!Chance(0.5)) return;
    const bool fails = Chance(fail_share_);
    if (Call(handles_[who], fails ? Outcome::kFailure : Outcome::kSuccess)) {
      ++(fails ? failed_ : succeeded_);
    }
  }

  std::vector<FakeClient*> All() {
    std::vector<FakeClient*> all;
    for (const auto& client : clients_) all.push_back(client.get());
    return all;
  }

  std::mt19937_64 random_{PrintedSeed()};
  std::vector<std::unique_ptr<FakeClient>> clients_;
  std::vector<Breaker> handles_;
  double fail_share_ = 0.1;
  int cuts_ = 0;
  uint64_t succeeded_ = 0, failed_ = 0;
};

TEST_F(SessionCutsTest, NothingIsLostOrCountsTwiceAcross200Cuts) {
  Policy calm;  // So that nothing is late.
  calm.circuit_breaker.consecutive_failures = 0;
  calm.circuit_breaker.failure_rate_threshold = {};
  ASSERT_TRUE(server_->engine().SetPolicies({calm}, {}).ok());
  for (FakeClient* client : All()) {
    ASSERT_TRUE(client->Connect(*server_));
    client->Talk();
  }
  while (cuts_ < 200) Step();
  for (FakeClient* client : All()) {
    ASSERT_TRUE(client->IsConnected() || client->Connect(*server_));
  }
  const auto totals = [&] { return server_->Look("db/orders").totals; };
  Until(All(), [&] { return totals().successes + totals().failures >= succeeded_ + failed_; });
  for (int i = 0; i < 20; ++i) Until(All(), [] { return true; });
  EXPECT_EQ(totals().successes, succeeded_);
  EXPECT_EQ(totals().failures, failed_);
}

TEST_F(SessionCutsTest, EpochsNeverGoBackAcross100Restarts) {
  std::vector<uint64_t> seen(clients_.size(), 0);
  fail_share_ = 0.5;
  for (int restart = 0; restart < 100; ++restart) {
    for (FakeClient* client : All()) client->Cut();
    Restart();
    for (int step = 0; step < 200; ++step) {
      Step();
      for (size_t i = 0; i < clients_.size(); ++i) {
        const uint64_t epoch = clients_[i]->breaker("db/orders").epoch();
        ASSERT_GE(epoch, seen[i]);
        seen[i] = epoch;
      }
    }
  }
  for (const uint64_t epoch : seen) EXPECT_GT(epoch, 0u);
}

}  // namespace
}  // namespace fusebox::internal
