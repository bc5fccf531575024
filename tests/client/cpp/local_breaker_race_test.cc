// Many threads at one breaker of a client, while a server pushes.
#include <atomic>
#include <thread>
#include <vector>

#include "client/cpp/local_fixture.h"

namespace fusebox::internal {
namespace {

constexpr int kThreads = 4;
constexpr int kCalls = 200'000;

class LocalRaceTest : public LocalTest {
 protected:
  // Calls act(thread, call) from many threads, and `meanwhile` until they are done.
  template <typename Act, typename Meanwhile>
  static void Race(const Act& act, const Meanwhile& meanwhile) {
    std::atomic<int> done{0};
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&act, &done, thread] {
        for (int call = 0; call < kCalls; ++call) act(thread, call);
        ++done;
      });
    }
    while (done < kThreads) meanwhile();
    for (std::thread& thread : threads) thread.join();
  }
};

TEST_F(LocalRaceTest, EveryOutcomeIsToldOnceWhileEpochsChange) {
  PushClosed();
  std::atomic<uint64_t> succeeded{0}, failed{0};
  uint64_t told_successes = 0, told_failures = 0;
  const auto take = [&] {
    const OutcomeCounts told = Told();
    told_successes += told.successes;
    told_failures += told.failures;
  };
  int turn = 0;
  Race(
      [&](int thread, int call) {
        Breaker::Permit permit = handle_.Allow();
        ASSERT_TRUE(permit.allowed());
        const bool fails = (call + thread) % 16 == 0;
        permit.Record(fails ? Outcome::kFailure : Outcome::kSuccess);
        ++(fails ? failed : succeeded);
      },
      [&] {
        // No more epochs than are remembered: a call may be under way through all of them.
        if (++turn % 64 == 0 && turn / 64 < 12) PushClosed();
        take();
        std::this_thread::yield();
      });
  take();
  EXPECT_EQ(told_successes, succeeded.load());
  EXPECT_EQ(told_failures, failed.load());
}

TEST_F(LocalRaceTest, EveryCallIsAnsweredWhileServersComeAndGo) {
  PushClosed();
  std::atomic<uint64_t> answered{0};
  int turn = 0;
  Race(
      [&](int, int call) {
        Breaker::Permit permit = handle_.Allow();
        if (call % 7 == 0) permit.Fail();
        permit.Succeed();
        ++answered;
      },
      [&] {
        ++turn;
        if (turn % 5 == 0) PushOpen(absl::Milliseconds(1));
        if (turn % 5 == 1) PushHalfOpen();
        if (turn % 5 == 2) PushClosed();
        if (turn % 5 == 3) breaker_.GoAlone();
        breaker_.Lend({.permits = {"a", "b"}});
        Pass(absl::Milliseconds(10));
        breaker_.TakeNews();
      });
  EXPECT_EQ(answered.load(), uint64_t{kThreads} * kCalls);
}

}  // namespace
}  // namespace fusebox::internal
