// How many lines somebody else may have written.
#include "server/log/line_limit.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace fusebox {
namespace {

class LineLimitTest : public testing::Test {
 protected:
  std::optional<uint64_t> After(absl::Duration duration) {
    now_ += duration;
    return limit_.Admit(now_);
  }

  absl::Time now_ = absl::FromUnixSeconds(1'000);
  LineLimit limit_{3};
};

TEST_F(LineLimitTest, LetsSoManyThroughInASecond) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(After(absl::ZeroDuration()), 0u);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(After(absl::ZeroDuration()), std::nullopt);
  EXPECT_EQ(After(absl::Milliseconds(999)), std::nullopt);
}

TEST_F(LineLimitTest, TheNextLineTellsHowManyWereLeftOut) {
  for (int i = 0; i < 10; ++i) After(absl::ZeroDuration());
  EXPECT_EQ(After(absl::Seconds(1)), 7u);
  EXPECT_EQ(After(absl::ZeroDuration()), 0u);  // They are told of once.
}

TEST_F(LineLimitTest, ASecondBeginsWithALine) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(After(absl::Milliseconds(400)), 0u) << i;
  // 400 ms, 800 ms, 1.2 s; the second that began with the first is over at 1.4 s.
  EXPECT_EQ(After(absl::Milliseconds(100)), std::nullopt);
  EXPECT_EQ(After(absl::Milliseconds(100)), 1u);
}

TEST_F(LineLimitTest, LeavesNothingOutOfWhatComesSlowly) {
  for (int i = 0; i < 100; ++i) EXPECT_EQ(After(absl::Milliseconds(334)), 0u) << i;
}

}  // namespace
}  // namespace fusebox
