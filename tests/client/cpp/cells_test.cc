#include "fusebox/internal/cells.h"

#include <atomic>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::FieldsAre;
using ::testing::IsEmpty;

std::vector<Cells::Sum> Take(Cells& cells) {
  std::vector<Cells::Sum> sums;
  cells.TakeSuccesses([&](const Cells::Sum& sum) { sums.push_back(sum); });
  return sums;
}

TEST(CellsTest, AThreadCountsNoSuccessBeforeItsFirstSwitch) {
  Cells cells;
  EXPECT_FALSE(cells.CountSuccess(1));
  EXPECT_THAT(Take(cells), IsEmpty());
}

TEST(CellsTest, WhatIsCountedIsTakenOnce) {
  Cells cells;
  ASSERT_TRUE(cells.Switch(1, [](const Cells::Sum&) { FAIL(); }));
  EXPECT_TRUE(cells.CountSuccess(1));
  EXPECT_TRUE(cells.CountSuccess(1, 30));
  EXPECT_TRUE(cells.CountRefusal());
  EXPECT_THAT(Take(cells), ElementsAre(FieldsAre(1, 2u, 1u, 30u)));
  EXPECT_EQ(cells.TakeRefusals(), 1u);
  EXPECT_THAT(Take(cells), IsEmpty());
  EXPECT_EQ(cells.TakeRefusals(), 0u);
}

TEST(CellsTest, ACountOfAnotherGenerationIsNotTaken) {
  Cells cells;
  cells.Switch(7, [](const Cells::Sum&) {});
  EXPECT_FALSE(cells.CountSuccess(8));
  EXPECT_FALSE(cells.CountSuccess(8, 30));
  EXPECT_THAT(Take(cells), IsEmpty());
}

TEST(CellsTest, WhoSwitchesTellsWhatWasCountedBefore) {
  Cells cells;
  cells.Switch(7, [](const Cells::Sum&) {});
  cells.CountSuccess(7);
  std::vector<Cells::Sum> before;
  cells.Switch(8, [&](const Cells::Sum& sum) { before.push_back(sum); });
  EXPECT_THAT(before, ElementsAre(FieldsAre(7, 1u, 0u, 0u)));
  EXPECT_TRUE(cells.CountSuccess(8));
  EXPECT_THAT(Take(cells), ElementsAre(FieldsAre(8, 1u, 0u, 0u)));
}

TEST(CellsTest, AThreadThatEndsLeavesItsCellToTheNext) {
  Cells cells;
  uint64_t counted = 0;
  constexpr size_t kThreads = 2 * ThreadSlot::kSlots;
  for (size_t i = 0; i < kThreads; ++i) {
    std::thread([&] {
      const auto take = [&](const Cells::Sum& before) { counted += before.successes; };
      EXPECT_TRUE(cells.Switch(1, take));
      EXPECT_TRUE(cells.CountSuccess(1));
    }).join();
  }
  for (const Cells::Sum& sum : Take(cells)) counted += sum.successes;
  EXPECT_EQ(counted, kThreads);
}

TEST(CellsTest, MoreThreadsThanCellsAreToldSo) {
  Cells cells;
  std::atomic<int> without{0};
  std::atomic<int> counted{0};
  std::vector<std::thread> threads;
  constexpr int kThreads = int{ThreadSlot::kSlots} + 8;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      if (ThreadSlot::Take() == ThreadSlot::kNone) ++without;
      ++counted;
      while (counted < kThreads) std::this_thread::yield();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_GE(without.load(), 8);
}

// Somebody adds up while all others count.
TEST(CellsTest, NothingIsLostOrCountedTwiceByThreads) {
  constexpr uint64_t kThreads = 4;
  constexpr uint64_t kCalls = 100'000;
  Cells cells;
  std::atomic<uint64_t> ready{0};
  std::atomic<uint64_t> done{0};
  std::atomic<bool> go{false};
  std::vector<std::thread> threads;
  std::atomic_flag lock = ATOMIC_FLAG_INIT;
  const auto locked = [&lock](const auto& act) {
    while (lock.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
    act();
    lock.clear(std::memory_order_release);
  };
  for (uint64_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      locked([&] { cells.Switch(1, [](const Cells::Sum&) {}); });
      ++ready;
      while (!go) std::this_thread::yield();
      for (uint64_t call = 0; call < kCalls; ++call) {
        cells.CountSuccess(1, 2);
        cells.CountRefusal();
      }
      ++done;
    });
  }
  while (ready < kThreads) std::this_thread::yield();
  go = true;
  uint64_t successes = 0, latency = 0, refusals = 0;
  const auto add = [&](const Cells::Sum& sum) {
    successes += sum.successes;
    latency += sum.latency;
  };
  while (done < kThreads) {
    locked([&] {
      cells.TakeSuccesses(add);
      refusals += cells.TakeRefusals();
    });
  }
  for (std::thread& thread : threads) thread.join();
  cells.TakeSuccesses(add);
  refusals += cells.TakeRefusals();
  EXPECT_EQ(successes, kThreads * kCalls);
  EXPECT_EQ(refusals, kThreads * kCalls);
  // What the last calls took may be told with a next count, which does not come.
  EXPECT_LE(latency, 2 * kThreads * kCalls);
  EXPECT_GE(latency, 2 * kThreads * (kCalls - 1));
}

}  // namespace
}  // namespace fusebox::internal
