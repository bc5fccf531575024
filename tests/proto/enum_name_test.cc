#include "proto/convert/enum_name.h"

#include <gtest/gtest.h>

namespace fusebox {
namespace {

// Logs and metrics say it as the API does.
TEST(EnumNameTest, IsTheNameInTheApiWithoutItsType) {
  EXPECT_EQ(EnumName(State::kClosed), "CLOSED");
  EXPECT_EQ(EnumName(State::kHalfOpen), "HALF_OPEN");
  EXPECT_EQ(EnumName(Reason::kProbesBusy), "PROBES_BUSY");
  EXPECT_EQ(EnumName(Outcome::kRateLimited), "RATE_LIMITED");
  EXPECT_EQ(EnumName(Counted::kNotCounted), "NOT_COUNTED");
  EXPECT_EQ(EnumName(Cause::kProbesSucceeded), "PROBES_SUCCEEDED");
}

// Where core has nothing to say, the API does not specify it.
TEST(EnumNameTest, IsUnspecifiedForNone) {
  EXPECT_EQ(EnumName(Reason::kNone), "UNSPECIFIED");
  EXPECT_EQ(EnumName(Cause::kNone), "UNSPECIFIED");
}

}  // namespace
}  // namespace fusebox
