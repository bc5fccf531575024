// Calls that wait, are answered and give up on many threads at once. Bounded, without sleeps; to be
// run under ThreadSanitizer.
#include <atomic>
#include <deque>
#include <thread>

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

constexpr int kThreads = 8;
constexpr int kCalls = 2'000;  // Of each thread.
constexpr int kPlaces = 3;

class WaitRaceTest : public EngineTest {
 protected:
  WaitRaceTest() {
    Policy policy;
    policy.bulkhead.max_concurrent = kPlaces;
    policy.queue = {.max_wait = absl::Minutes(1), .max_queue = 1'000};
    SetPolicies({policy});
  }

  // What one thread was granted and has to give back.
  class Hands {
   public:
    void Take(const AllowAnswer& answer) {
      MutexLock lock(&mutex_);
      permits_.emplace_back(answer.permit.bytes());
    }
    std::optional<std::string> Give() {
      MutexLock lock(&mutex_);
      if (permits_.empty()) return std::nullopt;
      std::string permit = std::move(permits_.front());
      permits_.pop_front();
      return permit;
    }

   private:
    Mutex mutex_;
    std::deque<std::string> permits_ ABSL_GUARDED_BY(mutex_);
  };

  void Grant(const AllowAnswer& answer) {
    if (!answer.decision.allowed) return;
    EXPECT_LE(++out_, kPlaces);
    hands_.Take(answer);
  }
  void GiveOneBack() {
    const std::optional<std::string> permit = hands_.Give();
    if (!permit.has_value()) return;
    --out_;
    Record(*permit, Outcome::kSuccess);
  }

  void Work(int thread) {
    for (int i = 0; i < kCalls; ++i) {
      const auto answer = engine_.AllowOrWait({kOrders}, {}, "client", absl::Seconds(30),
                                              [this](const AllowAnswer& later) {
                                                ++answered_;
                                                Grant(later);
                                                return true;
                                              });
      ASSERT_TRUE(answer.ok());
      if (!answer->decision.waits) {
        Grant(*answer);
      } else if ((i + thread) % 3 == 0 && engine_.CancelWait(answer->ticket)) {
        ++cancelled_;
        continue;
      } else {
        ++waited_;
      }
      if (i % 2 == 0) GiveOneBack();
      if (i % 64 == 0) engine_.Maintain();
    }
  }

  Hands hands_;
  std::atomic<int> out_{0};
  std::atomic<int> answered_{0}, waited_{0}, cancelled_{0};
};

// Never more places than there are, and each call that waits is answered once or gives up.
TEST_F(WaitRaceTest, EachWaiterLeavesOnceAndNoPlaceIsGivenTwice) {
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([this, i] { Work(i); });
  for (std::thread& thread : threads) thread.join();
  engine_.EndWaits();
  EXPECT_EQ(answered_, waited_);
  EXPECT_GT(waited_, 0);
  EXPECT_GT(cancelled_, 0);
  EXPECT_EQ(engine_.waiting(), 0u);
  while (out_ > 0) GiveOneBack();
  EXPECT_EQ(Look().bulkhead->in_use, 0u);
  EXPECT_EQ(Look().waiting, 0u);
}

}  // namespace
}  // namespace fusebox
