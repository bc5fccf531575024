#include "core/error.h"

#include <gtest/gtest.h>

namespace fusebox {
namespace {

// Programs branch on the reason, forms mark the field, people read the message.
TEST(ErrorTest, CarriesReasonAndFieldBesideTheMessage) {
  const absl::Status error =
      MakeError(absl::StatusCode::kNotFound, "LAMP_BROKEN", "lamp 3 is broken", "lamps[3]");
  EXPECT_EQ(error.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(error.message(), "lamp 3 is broken");
  EXPECT_EQ(ErrorReason(error), "LAMP_BROKEN");
  EXPECT_EQ(ErrorField(error), "lamps[3]");
}

// Not every error is about a field, and not every status was made here.
TEST(ErrorTest, IsEmptyWhereNothingWasGiven) {
  EXPECT_EQ(ErrorField(MakeError(absl::StatusCode::kUnavailable, "GONE", "it is gone")), "");
  EXPECT_EQ(ErrorReason(absl::InternalError("from elsewhere")), "");
  EXPECT_EQ(ErrorReason(absl::OkStatus()), "");
}

}  // namespace
}  // namespace fusebox
