// Which breaker has something due next.
#include "server/engine/deadline_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Tick At(int seconds) { return Tick() + absl::Seconds(seconds); }

// The earliest first, and nothing before its time.
TEST(DeadlineQueueTest, GivesWhatIsDueInOrder) {
  DeadlineQueue queue;
  queue.Push(At(3), 30);
  queue.Push(At(1), 10);
  queue.Push(At(2), 20);
  EXPECT_THAT(queue.TakeDue(At(0), 10), IsEmpty());
  EXPECT_THAT(queue.TakeDue(At(2), 10), ElementsAre(10, 20));
  EXPECT_THAT(queue.TakeDue(At(9), 10), ElementsAre(30));
  EXPECT_EQ(queue.size(), 0u);
}

// As a start does it, with the deadlines of all that were open.
TEST(DeadlineQueueTest, TakesManyAtOnceAsOneByOne) {
  DeadlineQueue queue;
  queue.Push(At(2), 20);
  queue.Push({{At(3), 30}, {At(1), 20}, {At(9), 40}, {At(2), 10}, {At(4), 40}});
  EXPECT_EQ(queue.size(), 4u);
  EXPECT_THAT(queue.TakeDue(At(9), 10), ElementsAre(20, 10, 30, 40));
}

// A million breakers due at once are taken in turns.
TEST(DeadlineQueueTest, GivesNoMoreThanAsked) {
  DeadlineQueue queue;
  for (Slot slot = 0; slot < 5; ++slot) queue.Push(At(1), slot);
  EXPECT_THAT(queue.TakeDue(At(1), 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(queue.TakeDue(At(1), 3), ElementsAre(3, 4));
}

// A slot has one next deadline: the earliest.
TEST(DeadlineQueueTest, KeepsTheEarliestOfASlot) {
  DeadlineQueue queue;
  queue.Push(At(5), 1);
  queue.Push(At(2), 1);
  queue.Push(At(9), 1);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_THAT(queue.TakeDue(At(2), 10), ElementsAre(1));
  EXPECT_THAT(queue.TakeDue(At(100), 10), IsEmpty());
}

// A breaker that flaps under a long override must not fill the queue: everything is bounded.
TEST(DeadlineQueueTest, IsBoundedByTheSlots) {
  DeadlineQueue queue;
  for (int i = 0; i < 1'000; ++i) {
    queue.Push(At(100'000), 1);
    queue.Push(At(i), 1);
    EXPECT_THAT(queue.TakeDue(At(i), 10), ElementsAre(1));
  }
  EXPECT_EQ(queue.size(), 0u);
}

}  // namespace
}  // namespace fusebox
