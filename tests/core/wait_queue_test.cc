#include "core/wait_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "core/bulkhead.h"
#include "core/rate_limit.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// All whose time is over, in the order in which they leave.
std::vector<uint64_t> Expire(WaitQueue& queue, Tick now) {
  std::vector<uint64_t> ids;
  while (const auto id = queue.PopExpired(now)) ids.push_back(*id);
  return ids;
}

class WaitQueueTest : public ::testing::Test {
 protected:
  static constexpr size_t kRoomy = 100'000;

  bool Enqueue(uint64_t id, absl::Duration wait = absl::Seconds(1), size_t capacity = kRoomy) {
    return queue_.Enqueue(id, now_ + wait, capacity);
  }
  std::vector<uint64_t> PopAll() {
    std::vector<uint64_t> ids;
    while (const std::optional<uint64_t> id = queue_.PopReady()) ids.push_back(*id);
    return ids;
  }

  WaitQueue queue_;
  Tick now_ = Tick::FromNanos(1'000'000'000'000);
};

// First come, first served; ids say nothing about it.
TEST_F(WaitQueueTest, ServesInTheOrderOfComing) {
  for (const uint64_t id : {5u, 1u, 9u, 3u}) ASSERT_TRUE(Enqueue(id));
  EXPECT_EQ(queue_.Next(), 5u);
  EXPECT_EQ(queue_.Next(), 5u);
  EXPECT_THAT(PopAll(), ElementsAre(5, 1, 9, 3));
  EXPECT_EQ(queue_.Next(), std::nullopt);
  EXPECT_EQ(queue_.PopReady(), std::nullopt);
  EXPECT_EQ(queue_.popped(), 4u);
}

// Who would wait in vain learns it without waiting.
TEST_F(WaitQueueTest, AFullQueueAnswersAtOnce) {
  EXPECT_TRUE(Enqueue(1, absl::Seconds(1), 2));
  EXPECT_TRUE(Enqueue(2, absl::Seconds(1), 2));
  EXPECT_FALSE(Enqueue(3, absl::Seconds(1), 2));
  EXPECT_EQ(queue_.refused(), 1u);
  EXPECT_THAT(PopAll(), ElementsAre(1, 2));
}

// A policy may forbid to wait.
TEST_F(WaitQueueTest, NobodyWaitsWithoutCapacity) {
  EXPECT_FALSE(Enqueue(1, absl::Seconds(1), 0));
  EXPECT_TRUE(queue_.empty());
}

// Those who give up make room for those who have not.
TEST_F(WaitQueueTest, ACancelledOneFreesItsSlotAtOnce) {
  for (const uint64_t id : {1u, 2u, 3u}) ASSERT_TRUE(Enqueue(id, absl::Seconds(1), 3));
  EXPECT_TRUE(queue_.Cancel(2));
  EXPECT_TRUE(Enqueue(4, absl::Seconds(1), 3));
  EXPECT_FALSE(Enqueue(5, absl::Seconds(1), 3));
  EXPECT_THAT(PopAll(), ElementsAre(1, 3, 4));
  EXPECT_EQ(queue_.cancelled(), 1u);
}

// A call that is cancelled while it is answered: one of the two comes too late, and knows.
TEST_F(WaitQueueTest, NobodyLeavesTwice) {
  for (const uint64_t id : {1u, 2u, 3u}) ASSERT_TRUE(Enqueue(id));
  EXPECT_EQ(queue_.PopReady(), 1u);
  EXPECT_FALSE(queue_.Cancel(1));
  EXPECT_TRUE(queue_.Cancel(2));
  EXPECT_FALSE(queue_.Cancel(2));
  EXPECT_THAT(Expire(queue_, now_ + absl::Seconds(1)), ElementsAre(3));
  EXPECT_FALSE(queue_.Cancel(3));
  EXPECT_EQ(queue_.PopReady(), std::nullopt);
  EXPECT_THAT(Expire(queue_, now_ + absl::Hours(1)), IsEmpty());
}

// Each has a deadline of its own; who came last may have to leave first.
TEST_F(WaitQueueTest, ExpiresByDeadline) {
  Enqueue(1, absl::Seconds(3));
  Enqueue(2, absl::Seconds(1));
  Enqueue(3, absl::Seconds(9));
  Enqueue(4, absl::Seconds(2));
  EXPECT_EQ(queue_.NextDeadline(), now_ + absl::Seconds(1));
  EXPECT_THAT(Expire(queue_, now_ + (absl::Seconds(1) - absl::Nanoseconds(1))), IsEmpty());
  EXPECT_THAT(Expire(queue_, now_ + absl::Seconds(3)), ElementsAre(2, 4, 1));
  EXPECT_EQ(queue_.NextDeadline(), now_ + absl::Seconds(9));
  EXPECT_THAT(PopAll(), ElementsAre(3));
  EXPECT_EQ(queue_.NextDeadline(), Tick::Max());
  EXPECT_EQ(queue_.expired(), 3u);
}

// An id is one waiter.
TEST_F(WaitQueueTest, AnIdWaitsOnce) {
  EXPECT_TRUE(Enqueue(1, absl::Seconds(1)));
  EXPECT_FALSE(Enqueue(1, absl::Seconds(5)));
  EXPECT_EQ(queue_.NextDeadline(), now_ + absl::Seconds(1));
  EXPECT_THAT(PopAll(), ElementsAre(1));
  EXPECT_TRUE(Enqueue(1, absl::Seconds(5)));
}

// Those who wait were told that they may.
TEST_F(WaitQueueTest, ALoweredCapacityTurnsNobodyAway) {
  for (const uint64_t id : {1u, 2u, 3u}) ASSERT_TRUE(Enqueue(id, absl::Seconds(1), 3));
  EXPECT_FALSE(Enqueue(4, absl::Seconds(1), 1));
  EXPECT_EQ(queue_.PopReady(), 1u);
  EXPECT_EQ(queue_.PopReady(), 2u);
  EXPECT_FALSE(Enqueue(4, absl::Seconds(1), 1));
  EXPECT_EQ(queue_.PopReady(), 3u);
  EXPECT_TRUE(Enqueue(4, absl::Seconds(1), 1));
}

// Whoever waits without end is no reason to expire, or to look again.
TEST_F(WaitQueueTest, MayWaitForEver) {
  ASSERT_TRUE(queue_.Enqueue(1, Tick::Max(), kRoomy));
  EXPECT_EQ(queue_.NextDeadline(), Tick::Max());
  EXPECT_THAT(Expire(queue_, now_ + absl::Hours(1'000'000)), IsEmpty());
  EXPECT_THAT(PopAll(), ElementsAre(1));
}

// Who waits is 90 bytes and no thread; when all of them hang up, all of it is free again.
TEST_F(WaitQueueTest, CancellingTenThousandFreesEverySlot) {
  constexpr uint64_t kMany = 10'000;
  for (uint64_t id = 0; id < kMany; ++id) {
    ASSERT_TRUE(Enqueue(id, absl::Milliseconds(1 + id * 31 % 977), kMany));
  }
  EXPECT_FALSE(Enqueue(kMany, absl::Seconds(1), kMany));
  for (uint64_t i = 0; i < kMany; ++i) ASSERT_TRUE(queue_.Cancel(i * 7'919 % kMany));
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.NextDeadline(), Tick::Max());
  for (uint64_t id = 0; id < kMany; ++id) ASSERT_TRUE(Enqueue(id, absl::Seconds(1), kMany));
  EXPECT_EQ(queue_.queued(), 2 * kMany);
}

// A door with its queue, kept by the three rules of the header.
class Door {
 public:
  Door(const BulkheadPolicy& policy, const QueuePolicy& line)
      : policy_(policy), line_(line), bulkhead_(policy) {}

  enum class Answer { kIn, kWaits, kRefused };
  Answer Come(uint64_t id, Tick now) {
    Advance(now);
    if (queue_.empty() && !bulkhead_.IsFull(policy_, now)) {
      in_.push_back(id);
      return bulkhead_.TryTake(policy_, {1, id}, now) ? Answer::kIn : Answer::kRefused;
    }
    const bool waits = queue_.Enqueue(id, now + line_.max_wait, line_.max_queue);
    return waits ? Answer::kWaits : Answer::kRefused;
  }

  void Leave(uint64_t id, Tick now) {
    bulkhead_.Return({1, id}, now);
    Advance(now);
  }
  bool GiveUp(uint64_t id) { return queue_.Cancel(id); }

  void Advance(Tick now) {
    for (const uint64_t id : Expire(queue_, now)) sent_away_.push_back(id);
    while (!queue_.empty() && !bulkhead_.IsFull(policy_, now)) {
      const uint64_t id = *queue_.PopReady();
      in_.push_back(id);
      EXPECT_TRUE(bulkhead_.TryTake(policy_, {1, id}, now));
    }
  }

  const std::vector<uint64_t>& in() const { return in_; }  // In the order of their coming in.
  const std::vector<uint64_t>& sent_away() const { return sent_away_; }
  const Bulkhead& bulkhead() const { return bulkhead_; }

 private:
  const BulkheadPolicy policy_;
  const QueuePolicy line_;
  Bulkhead bulkhead_;
  WaitQueue queue_;
  std::vector<uint64_t> in_;
  std::vector<uint64_t> sent_away_;
};

class DoorTest : public ::testing::Test {
 protected:
  const BulkheadPolicy policy_{.max_concurrent = 2, .lease_timeout = absl::Seconds(60)};
  const QueuePolicy line_{.max_wait = absl::Seconds(5), .max_queue = 3};
  Door door_{policy_, line_};
  Tick now_ = Tick::FromNanos(1'000'000'000);
};

// The place that is free belongs to who waited for it, also if somebody else comes just then.
TEST_F(DoorTest, AFreedPlaceGoesToTheFirstWaiterAndNotToANewcomer) {
  EXPECT_EQ(door_.Come(1, now_), Door::Answer::kIn);
  EXPECT_EQ(door_.Come(2, now_), Door::Answer::kIn);
  EXPECT_EQ(door_.Come(3, now_), Door::Answer::kWaits);
  EXPECT_EQ(door_.Come(4, now_), Door::Answer::kWaits);
  door_.Leave(1, now_);
  EXPECT_EQ(door_.Come(5, now_), Door::Answer::kWaits);
  door_.Leave(2, now_);
  door_.Leave(3, now_);
  EXPECT_THAT(door_.in(), ElementsAre(1, 2, 3, 4, 5));
  EXPECT_EQ(door_.bulkhead().refused(), 0u);  // To wait is not to be refused.
}

// Waiting is bounded in number and in time.
TEST_F(DoorTest, WhoCannotWaitIsSentAway) {
  for (const uint64_t id : {1u, 2u, 3u, 4u, 5u}) door_.Come(id, now_);
  EXPECT_EQ(door_.Come(6, now_), Door::Answer::kRefused);
  EXPECT_TRUE(door_.GiveUp(4));
  EXPECT_EQ(door_.Come(7, now_ += absl::Seconds(1)), Door::Answer::kWaits);
  door_.Advance(now_ += absl::Seconds(4));
  EXPECT_THAT(door_.sent_away(), ElementsAre(3, 5));
  door_.Leave(1, now_);
  EXPECT_THAT(door_.in(), ElementsAre(1, 2, 7));
}

// A place that comes back by itself is a place.
TEST_F(DoorTest, TheLeaseOfADeadHolderGoesToAWaiter) {
  door_.Come(1, now_);
  door_.Come(2, now_);
  now_ += absl::Seconds(58);
  door_.Come(3, now_);
  door_.Advance(now_ += absl::Seconds(2));
  EXPECT_THAT(door_.in(), ElementsAre(1, 2, 3));
  EXPECT_THAT(door_.sent_away(), IsEmpty());
}

// Those behind one who gives up move up: a token is nobody's before it is there.
TEST(LevellingTest, WhoGivesUpLetsTheOthersMoveUp) {
  const RateLimitPolicy policy{.rate = 10, .per = absl::Seconds(1), .burst = 1};
  const Tick start;
  Tick now = start;
  RateLimit limit(policy, now);
  WaitQueue queue;
  ASSERT_TRUE(limit.TryTake(policy, now).taken);
  for (const uint64_t id : {1u, 2u, 3u}) {
    EXPECT_EQ(limit.Wait(policy, static_cast<uint32_t>(queue.size()), now),
              id * absl::Milliseconds(100));
    queue.Enqueue(id, Tick::Max(), 10);
  }
  queue.Cancel(2);
  now += limit.Wait(policy, 0, now);
  ASSERT_TRUE(limit.TryTake(policy, now).taken);
  EXPECT_EQ(queue.PopReady(), 1u);
  now += limit.Wait(policy, 0, now);
  ASSERT_TRUE(limit.TryTake(policy, now).taken);
  EXPECT_EQ(queue.PopReady(), 3u);
  EXPECT_EQ(now, start + absl::Milliseconds(200));
}

}  // namespace
}  // namespace fusebox
