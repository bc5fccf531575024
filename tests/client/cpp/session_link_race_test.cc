// Threads that decide and record, while one thread talks to a server and loses it.
#include <atomic>
#include <thread>
#include <vector>

#include "client/cpp/link_fixture.h"

namespace fusebox::internal {
namespace {

class SessionLinkRaceTest : public LinkTest {
 protected:
  static constexpr int kThreads = 3;
  static constexpr int kCalls = 50'000;

  // Each thread's calls: three of four succeed.
  void Decide(int thread) {
    for (int call = 0; call < kCalls; ++call) {
      const Breaker& breaker = call % 2 == 0 ? orders_ : users_;
      const bool fails = (call + thread) % 4 == 0;
      if (!Call(breaker, fails ? Outcome::kFailure : Outcome::kSuccess)) continue;
      ++(fails ? failed_ : succeeded_);
    }
    ++done_;
  }
  Totals Told() {
    Totals sum;
    for (const char* const name : {"db/orders", "db/users"}) {
      const Totals one = server_->Look(name).totals;
      sum.successes += one.successes;
      sum.failures += one.failures;
      sum.late += one.late;
    }
    return sum;
  }
  // `meanwhile` is called with the number of the turn, until all threads have made their calls.
  template <typename Meanwhile>
  void Race(const Meanwhile& meanwhile) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([this, i] { Decide(i); });
    for (int turn = 0; done_ < kThreads; ++turn) {
      Pass(absl::Milliseconds(10));
      client_.link().Advance();
      if (client_.IsConnected()) client_.Talk();
      meanwhile(turn);
    }
    for (std::thread& thread : threads) thread.join();
  }

  FakeClient client_{clock_, "client"};
  const Breaker orders_ = client_.Add("db/orders");
  const Breaker users_ = client_.Add("db/users");
  std::atomic<int> done_{0};
  std::atomic<uint64_t> succeeded_{0}, failed_{0};
};

TEST_F(SessionLinkRaceTest, NothingIsLostOrCountsTwiceWhileStreamsAreCut) {
  Policy calm;
  calm.circuit_breaker.consecutive_failures = 0;
  calm.circuit_breaker.failure_rate_threshold = {};
  ASSERT_TRUE(server_->engine().SetPolicies({calm}, {}).ok());
  ASSERT_TRUE(client_.Connect(*server_));
  client_.Talk();
  Race([this](int turn) {
    if (turn % 7 == 3) client_.Cut();
    if (turn % 7 == 5) client_.Connect(*server_);
  });
  ASSERT_TRUE(client_.IsConnected() || client_.Connect(*server_));
  Until({&client_}, [&] {
    const Totals told = Told();
    return told.successes + told.failures >= succeeded_ + failed_;
  });
  EXPECT_EQ(Told().successes, succeeded_.load());
  EXPECT_EQ(Told().failures, failed_.load());
}

TEST_F(SessionLinkRaceTest, BreakersThatTripAndRecoverAreToldOnceInEachLife) {
  ASSERT_TRUE(client_.Connect(*server_));
  client_.Talk();
  ASSERT_TRUE(Call(orders_));
  ++succeeded_;
  Until({&client_}, [&] { return Told().successes == 1; });
  uint64_t told = 0;
  const auto add = [&] {
    const Totals totals = Told();
    told += totals.successes + totals.failures + totals.late;
  };
  Race([&](int turn) {
    if (turn % 5 == 4) Pass(absl::Seconds(30));
    if (turn % 50 != 49) return;
    client_.Cut();
    if (turn % 100 == 99) {
      add();
      Restart();
    }
    client_.Connect(*server_);
  });
  add();
  EXPECT_GT(told, 0u);
  // A server that comes back without memory is told the windows once more.
  EXPECT_LE(told, 2 * (succeeded_ + failed_));
}

}  // namespace
}  // namespace fusebox::internal
