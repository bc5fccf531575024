#include "server/flusher/in_parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <vector>

namespace fusebox {
namespace {

TEST(InParallelTest, DoesEverythingOnce) {
  for (const size_t count : {0u, 1u, 999u, 1'000u, 2'001u, 100'003u}) {
    std::vector<std::atomic<int>> done(count);
    InParallel(count, [&done](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) ++done[i];
    });
    for (size_t i = 0; i < count; ++i) ASSERT_EQ(done[i], 1) << i << " of " << count;
  }
}

TEST(InParallelTest, StartsNoThreadForLittle) {
  int calls = 0;  // Of this thread only.
  InParallel(1'999, [&calls](size_t, size_t) { ++calls; });
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace fusebox
