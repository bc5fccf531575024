#include "core/chains.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <map>
#include <random>

namespace fusebox {
namespace {

struct Node {
  size_t hash = 0;
  int value = 0;
  Node* next = nullptr;
};

struct ByHash {
  static size_t Hash(const Node& node) { return node.hash; }
  static Node*& Next(Node& node) { return node.next; }
};

class ChainsTest : public ::testing::Test {
 protected:
  Node& Add(size_t hash, int value) {
    nodes_.push_back({.hash = hash, .value = value});
    chains_.Add(nodes_.back());
    return nodes_.back();
  }
  Node* Find(size_t hash, int value) {
    return chains_.Find(hash, [value](const Node& node) { return node.value == value; });
  }

  std::deque<Node> nodes_;  // Which stay where they are.
  Chains<Node, ByHash> chains_;
};

TEST_F(ChainsTest, FindsWhatIsInIt) {
  EXPECT_EQ(Find(7, 1), nullptr);
  Node& node = Add(7, 1);
  EXPECT_EQ(Find(7, 1), &node);
  EXPECT_EQ(chains_.size(), 1u);
  chains_.Remove(node);
  EXPECT_EQ(Find(7, 1), nullptr);
  EXPECT_EQ(chains_.size(), 0u);
}

// Two that share a hash are two; and each place of a chain can be left.
TEST_F(ChainsTest, TellsApartWhatSharesAHash) {
  for (const int leaves : {1, 2, 3}) {
    Chains<Node, ByHash> chains;
    std::deque<Node> nodes;
    for (const int value : {1, 2, 3}) {
      nodes.push_back({.hash = 5, .value = value});
      chains.Add(nodes.back());
    }
    chains.Remove(nodes[static_cast<size_t>(leaves) - 1]);
    for (const int value : {1, 2, 3}) {
      const Node* const found =
          chains.Find(5, [value](const Node& node) { return node.value == value; });
      EXPECT_EQ(found != nullptr, value != leaves) << leaves << ' ' << value;
    }
  }
}

// A chain may hold others, too: whoever asks says whom he means.
TEST_F(ChainsTest, OffersOthersThanThoseOfTheHash) {
  Add(1, 1);
  Add(3, 3);
  int offered = 0;
  EXPECT_EQ(chains_.Find(1, [&offered](const Node&) { return ++offered > 2; }), nullptr);
  EXPECT_EQ(offered, 2);
}

// Most have a node or two, and shall take nothing for them; also those that once had more.
TEST_F(ChainsTest, RoomFollowsTheNumber) {
  EXPECT_EQ(chains_.capacity(), 2u);
  for (int i = 0; i < 1'000; ++i) Add(static_cast<size_t>(i), i);
  EXPECT_EQ(chains_.capacity(), 1'024u);
  for (Node& node : nodes_) {
    EXPECT_EQ(Find(node.hash, node.value), &node);
    chains_.Remove(node);
    EXPECT_GE(chains_.capacity(), chains_.size());
    EXPECT_LE(chains_.capacity(), std::max(size_t{2}, 8 * chains_.size()));
    if (chains_.size() == 1) {
      EXPECT_EQ(chains_.capacity(), 2u);
    }
  }
}

// Somebody between two sizes must not move all nodes with every call.
TEST_F(ChainsTest, RoomDoesNotSwingWithOneMoreOrLess) {
  for (int i = 0; i < 65; ++i) Add(static_cast<size_t>(i), i);
  const size_t capacity = chains_.capacity();
  for (int i = 0; i < 10; ++i) {
    chains_.Remove(nodes_.back());
    EXPECT_EQ(chains_.capacity(), capacity);
    chains_.Add(nodes_.back());
    EXPECT_EQ(chains_.capacity(), capacity);
  }
}

// Against a map, with hashes of which many are alike.
TEST_F(ChainsTest, FindsWhatAMapFinds) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  std::map<int, Node*> expected;
  for (int i = 0; i < 25'000; ++i) {
    // Grows for a while, then shrinks, and has grown at the end.
    const bool grows = random() % 10 < (i / 5'000 % 2 == 0 ? 7u : 3u);
    if (grows || expected.empty()) {
      expected[i] = &Add(random() % 64 * 0x9E3779B97F4A7C15u, i);
    }
    const auto chosen = std::next(
        expected.begin(), static_cast<int>(random() % std::min(expected.size(), size_t{50})));
    const auto [value, node] = *chosen;
    ASSERT_EQ(Find(node->hash, value), node);
    if (!grows) {
      chains_.Remove(*node);
      EXPECT_EQ(Find(node->hash, value), nullptr);
      expected.erase(chosen);
    }
    ASSERT_EQ(chains_.size(), expected.size());
  }
  EXPECT_GT(expected.size(), 1'000u);
  for (const auto& [value, node] : expected) EXPECT_EQ(Find(node->hash, value), node);
}

}  // namespace
}  // namespace fusebox
