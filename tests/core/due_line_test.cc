#include "core/due_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

namespace fusebox {
namespace {

struct Node {
  Tick Due() const { return due; }

  Tick due = {};
  DueLink<Node> link = {};
};

class DueLineTest : public ::testing::Test {
 protected:
  Node& Add(int64_t due) {
    nodes_.push_back({.due = Tick::FromNanos(due)});
    line_.Add(nodes_.back());
    return nodes_.back();
  }
  // When each is due, taken in turn.
  std::vector<int64_t> Empty() {
    std::vector<int64_t> dues;
    while (Node* const first = line_.First()) {
      dues.push_back(first->due.nanos());
      line_.Remove(*first);
    }
    return dues;
  }

  std::deque<Node> nodes_;  // Which stay where they are.
  DueLine<Node> line_;
};

TEST_F(DueLineTest, TheFirstIsTheOneThatIsDueFirst) {
  EXPECT_EQ(line_.First(), nullptr);
  for (const int64_t due : {3, 1, 4, 1, 5, 9, 2, 6}) Add(due);
  EXPECT_EQ(line_.size(), 8u);
  EXPECT_EQ(Empty(), (std::vector<int64_t>{1, 1, 2, 3, 4, 5, 6, 9}));
  EXPECT_EQ(line_.size(), 0u);
}

// The oldest success is to be forgotten first, also of those that came in one batch.
TEST_F(DueLineTest, OfThoseDueTogetherTheFirstIsTheOneThatCameFirst) {
  for (int i = 0; i < 3; ++i) Add(7);
  for (Node& node : nodes_) {
    EXPECT_EQ(line_.First(), &node);
    line_.Remove(node);
  }
}

// From the begin, the middle and the end, and from those that are early.
TEST_F(DueLineTest, AnyOfThemCanLeave) {
  const std::vector<int64_t> dues = {10, 20, 30, 15, 5};
  for (size_t leaves = 0; leaves < dues.size(); ++leaves) {
    nodes_.clear();
    for (const int64_t due : dues) Add(due);
    line_.Remove(nodes_[leaves]);
    std::vector<int64_t> left = dues;
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(leaves));
    std::sort(left.begin(), left.end());
    EXPECT_EQ(Empty(), left) << leaves;
  }
}

// There may be none left but early ones.
TEST_F(DueLineTest, EarlyOnesOutliveTheList) {
  Node& last = Add(30);
  Add(20);
  Add(10);
  line_.Remove(last);
  Add(15);
  EXPECT_EQ(Empty(), (std::vector<int64_t>{10, 15, 20}));
}

// What left may come again at another time, and be early where it was not.
TEST_F(DueLineTest, WhatLeftMayComeAgain) {
  Add(10);
  Node& node = Add(20);
  Add(30);
  for (const int64_t due : {5, 40, 25}) {
    line_.Remove(node);
    node.due = Tick::FromNanos(due);
    line_.Add(node);
  }
  line_.Remove(node);
  EXPECT_EQ(Empty(), (std::vector<int64_t>{10, 30}));
}

// Against a list that is sorted whenever somebody asks.
TEST_F(DueLineTest, TheFirstIsTheLeastOfARandomCrowd) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::vector<Node*> crowd;
  for (int i = 0; i < 5'000; ++i) {
    if (crowd.empty() || random() % 2 == 0) {
      crowd.push_back(&Add(static_cast<int64_t>(i + random() % 30)));
    } else if (Node* const moves = crowd[random() % crowd.size()]; random() % 2 == 0) {
      line_.Remove(*moves);
      moves->due = Tick::FromNanos(static_cast<int64_t>(i + random() % 30));
      line_.Add(*moves);
    } else {
      const size_t chosen = random() % crowd.size();
      line_.Remove(*crowd[chosen]);
      crowd.erase(crowd.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
    ASSERT_EQ(line_.size(), crowd.size());
    Node* const first = line_.First();
    ASSERT_EQ(first == nullptr, crowd.empty());
    if (first == nullptr) continue;
    ASSERT_NE(std::find(crowd.begin(), crowd.end(), first), crowd.end());
    for (const Node* const one : crowd) ASSERT_LE(first->due, one->due);
  }
}

}  // namespace
}  // namespace fusebox
