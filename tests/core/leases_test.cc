#include "core/leases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <random>

namespace fusebox {
namespace {

Lease Of(uint64_t number, int64_t taken = 0) { return {{1, number}, Tick::FromNanos(taken)}; }

void Fill(Leases& leases, uint64_t from, uint64_t to) {
  for (uint64_t number = from; number < to; ++number) leases.Add(Of(number));
}

// What a bulkhead asks with every call.
TEST(LeasesTest, TheOldestIsTheFirstThatIsStillOut) {
  Leases leases;
  Fill(leases, 0, 3);
  EXPECT_EQ(leases.Oldest().permit.number, 0u);
  EXPECT_TRUE(leases.Remove({1, 1}));
  EXPECT_EQ(leases.Oldest().permit.number, 0u);
  EXPECT_TRUE(leases.Remove({1, 0}));
  EXPECT_EQ(leases.Oldest().permit.number, 2u);
  EXPECT_EQ(leases.Newest().permit.number, 2u);
  EXPECT_EQ(leases.size(), 1u);
}

// A gap is no lease.
TEST(LeasesTest, OneThatEndedEndsOnce) {
  Leases leases;
  Fill(leases, 0, 5);
  EXPECT_TRUE(leases.Remove({1, 2}));
  EXPECT_FALSE(leases.Remove({1, 2}));
  ASSERT_TRUE(leases.Remove({1, 3}));
  EXPECT_EQ(leases.size(), 3u);
}

// Nor is one that never was: between two, before all and after all.
TEST(LeasesTest, OneThatNeverWasDoesNotEnd) {
  Leases leases;
  EXPECT_FALSE(leases.Remove({1, 1}));
  leases.Add(Of(2));
  leases.Add(Of(4));
  for (const uint64_t number : {1u, 3u, 5u}) EXPECT_FALSE(leases.Remove({1, number})) << number;
  EXPECT_FALSE(leases.Remove({0, 2}));
  EXPECT_FALSE(leases.Remove({2, 2}));
  EXPECT_EQ(leases.size(), 2u);
}

// Its owner knows when it was taken, and until when its holder wanted it.
TEST(LeasesTest, WhatEndsIsTold) {
  Leases leases;
  const Lease lease{{3, 4}, Tick::FromNanos(5), Tick::FromNanos(6)};
  leases.Add(lease);
  const std::optional<Lease> ended = leases.Remove(lease.permit);
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->permit, lease.permit);
  EXPECT_EQ(ended->taken, lease.taken);
  EXPECT_EQ(ended->own_end, lease.own_end);
}

// The newest is the one that is given back.
TEST(LeasesTest, GivingBackTheNewestLeavesNoGap) {
  Leases leases;
  leases.Add(Of(0));
  for (uint64_t number = 1; number < 1'000; ++number) {
    leases.Add(Of(number));
    EXPECT_TRUE(leases.Remove({1, number}));
  }
  EXPECT_EQ(leases.Newest().permit.number, 0u);
  EXPECT_LE(leases.capacity(), 4u);
}

// One call that never ends must not make the ring grow behind it.
TEST(LeasesTest, GapsBehindAnOldOneAreClosed) {
  Leases leases;
  leases.Add(Of(0));
  for (uint64_t number = 1; number < 100'000; ++number) {
    leases.Add(Of(number));
    if (number > 3) {
      EXPECT_TRUE(leases.Remove({1, number - 3}));
    }
  }
  EXPECT_EQ(leases.size(), 4u);
  EXPECT_EQ(leases.Oldest().permit.number, 0u);
  EXPECT_LE(leases.capacity(), 32u);
}

// A burst's memory is given back with its leases, whichever end first.
TEST(LeasesTest, MemoryFollowsTheSize) {
  for (const bool newest_first : {false, true}) {
    Leases leases;
    EXPECT_EQ(leases.capacity(), 4u);
    Fill(leases, 0, 100'000);
    EXPECT_LE(leases.capacity(), 131'072u);
    for (uint64_t i = 0; i < 99'990; ++i) {
      ASSERT_TRUE(leases.Remove({1, newest_first ? 99'999 - i : i}));
    }
    EXPECT_EQ(leases.size(), 10u);
    EXPECT_LE(leases.capacity(), 80u) << newest_first;
    uint64_t next = newest_first ? 0 : 99'990;
    while (!leases.empty()) EXPECT_EQ(leases.RemoveOldest().permit.number, next++);
    EXPECT_EQ(leases.capacity(), 4u);
  }
}

// Where it just grew or shrank, one more or less moves nothing again.
TEST(LeasesTest, ARingDoesNotSwayAtABoundary) {
  Leases leases;
  Fill(leases, 0, 65);
  const size_t grown = leases.capacity();
  uint64_t next = 65;
  const auto sway = [&] {
    leases.RemoveOldest();
    leases.RemoveOldest();
    Fill(leases, next, next + 2);
    next += 2;
  };
  for (int i = 0; i < 1'000; ++i, sway()) ASSERT_EQ(leases.capacity(), grown);
  while (leases.capacity() == grown) leases.RemoveOldest();
  const size_t shrunk = leases.capacity();
  ASSERT_GT(leases.size(), 4u);
  for (int i = 0; i < 1'000; ++i, sway()) ASSERT_EQ(leases.capacity(), shrunk);
}

// Against a map, which cannot be wrong.
class LeasesWalk {
 public:
  explicit LeasesWalk(uint32_t seed) : random_(seed) {}

  void Step(size_t around) {
    if (expected_.size() < Below(2 * around)) {
      next_ += 1 + Below(2);
      const auto taken = static_cast<int64_t>(next_);
      const Lease lease{{1 + next_ / 500, next_}, Tick::FromNanos(taken), AnyTick()};
      leases_.Add(lease);
      expected_.emplace(lease.permit, lease);
    } else if (!expected_.empty() && Below(4) == 0) {
      EXPECT_EQ(leases_.RemoveOldest().permit, expected_.begin()->first);
      expected_.erase(expected_.begin());
    } else {
      Remove(AnyPermit());
    }
  }

  void Check() {
    ASSERT_EQ(leases_.size(), expected_.size());
    ASSERT_EQ(leases_.empty(), expected_.empty());
    ASSERT_LE(leases_.capacity(), std::max<size_t>(8 * expected_.size(), 8));
    if (expected_.empty()) return;
    ASSERT_EQ(leases_.Oldest().permit, expected_.begin()->first);
    ASSERT_EQ(leases_.Newest().permit, expected_.rbegin()->first);
  }

 private:
  void Remove(PermitId permit) {
    const auto expected = expected_.find(permit);
    const std::optional<Lease> removed = leases_.Remove(permit);
    ASSERT_EQ(removed.has_value(), expected != expected_.end());
    if (!removed.has_value()) return;
    EXPECT_EQ(removed->taken, expected->second.taken);
    EXPECT_EQ(removed->own_end, expected->second.own_end);
    expected_.erase(expected);
  }

  Tick AnyTick() {
    return Below(2) == 0 ? Tick::Max() : Tick::FromNanos(static_cast<int64_t>(Below(1'000)));
  }
  uint64_t Below(uint64_t bound) { return random_() % bound; }

  // Mostly one that is out; or one that was, or that never was.
  PermitId AnyPermit() {
    if (expected_.empty() || Below(8) == 0) return {1 + next_ / 500, Below(next_ + 2)};
    return std::next(expected_.begin(), static_cast<int64_t>(Below(expected_.size())))->first;
  }

  std::mt19937 random_;
  uint64_t next_ = 0;
  Leases leases_;
  std::map<PermitId, Lease> expected_;
};

TEST(LeasesTest, HoldsWhatAMapWouldHold) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  LeasesWalk walk(seed);
  for (const size_t around : {3, 40, 300, 5, 1}) {
    for (int i = 0; i < 4'000 && !::testing::Test::HasFatalFailure(); ++i) {
      walk.Step(around);
      walk.Check();
    }
  }
}

}  // namespace
}  // namespace fusebox
