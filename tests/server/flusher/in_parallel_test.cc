#include "server/flusher/in_parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <thread>
#include <vector>

namespace fusebox {
namespace {

TEST(InParallelTest, DoesEverythingOnce) {
  for (const size_t parts : {0u, 1u, 2u, 25u, 10'001u}) {
    std::vector<std::atomic<int>> done(parts);
    InParallel(parts, [&done](size_t part) { ++done[part]; });
    for (size_t i = 0; i < parts; ++i) ASSERT_EQ(done[i], 1) << i << " of " << parts;
  }
}

TEST(InParallelTest, StartsNoThreadForOnePart) {
  std::thread::id worker;
  InParallel(1, [&worker](size_t) { worker = std::this_thread::get_id(); });
  EXPECT_EQ(worker, std::this_thread::get_id());
}

}  // namespace
}  // namespace fusebox
