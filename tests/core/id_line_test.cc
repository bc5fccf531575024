#include "core/id_line.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace fusebox {
namespace {

using Line = IdLine<uint64_t, std::string>;

// Takes all out, from the front.
std::vector<uint64_t> Empty(Line& line) {
  std::vector<uint64_t> ids;
  while (!line.empty()) {
    ids.push_back(line.front().id);
    EXPECT_TRUE(line.Remove(ids.back()));
  }
  return ids;
}

// What is removed from the middle leaves the others in their order.
TEST(IdLineTest, KeepsTheOrderOfComing) {
  Line line;
  for (const uint64_t id : {5u, 3u, 9u, 1u, 7u}) EXPECT_TRUE(line.Add(id, "x"));
  EXPECT_TRUE(line.Remove(9));
  EXPECT_TRUE(line.Remove(5));
  EXPECT_TRUE(line.Add(5, "again"));
  EXPECT_EQ(line.size(), 4u);
  EXPECT_EQ(Empty(line), (std::vector<uint64_t>{3, 1, 7, 5}));
}

// An id stands for one thing.
TEST(IdLineTest, AddsAnIdOnce) {
  Line line;
  EXPECT_TRUE(line.Add(1, "first"));
  EXPECT_FALSE(line.Add(1, "second"));
  EXPECT_EQ(*line.Find(1), "first");
  EXPECT_EQ(line.size(), 1u);
}

// Whoever asks about a stranger is told so, and nothing happens.
TEST(IdLineTest, KnowsWhatIsNotInIt) {
  Line line;
  line.Add(1, "one");
  EXPECT_FALSE(line.Remove(2));
  EXPECT_EQ(line.Find(2), nullptr);
  EXPECT_TRUE(line.Remove(1));
  EXPECT_FALSE(line.Remove(1));
  EXPECT_TRUE(line.empty());
}

// After a flood memory goes back, and those who stayed are found as before.
TEST(IdLineTest, ShrinksWithoutForgetting) {
  Line line;
  for (uint64_t id = 0; id < 100'000; ++id) line.Add(id, std::to_string(id));
  for (uint64_t id = 0; id < 100'000; ++id) {
    ASSERT_TRUE(id % 10'000 == 1 || line.Remove(id));
  }
  for (uint64_t id = 1; id < 100'000; id += 10'000) EXPECT_EQ(*line.Find(id), std::to_string(id));
  EXPECT_EQ(Empty(line).size(), 10u);
}

// Not with every removal, but long before most of a map is air.
TEST(ShrinkIfSparseTest, KeepsTheTableInProportion) {
  absl::flat_hash_map<int, int> map;
  for (int i = 0; i < 100'000; ++i) map[i] = i;
  const size_t full = map.capacity();
  for (int i = 100'000; --i >= 0;) {
    map.erase(i);
    ShrinkIfSparse(map);
    ASSERT_LE(map.capacity(), std::max<size_t>(64, 16 * map.size()) + 15);
    ASSERT_TRUE(map.size() < 50'000 || map.capacity() == full);
  }
}

}  // namespace
}  // namespace fusebox
