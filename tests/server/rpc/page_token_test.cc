// Where a listing goes on.
#include "server/rpc/page_token.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"

namespace fusebox {
namespace {

constexpr uint64_t kLife = 1'234'567'890'123;

// What was handed out is understood.
TEST(PageTokenTest, OpensWhatItMade) {
  for (const Slot cursor : {Slot{0}, Slot{1}, Slot{999'999}, std::numeric_limits<Slot>::max()}) {
    const absl::StatusOr<Slot> opened = OpenPageToken(MakePageToken(cursor, kLife), kLife);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(*opened, cursor);
  }
}

// The first page has no token.
TEST(PageTokenTest, NoTokenIsTheStart) { EXPECT_EQ(*OpenPageToken("", kLife), 0u); }

// Slots mean nothing to another life: to go on there would skip and repeat breakers.
TEST(PageTokenTest, RefusesTheTokenOfAnotherLife) {
  const absl::Status status = OpenPageToken(MakePageToken(5, kLife - 1), kLife).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(status), "PAGE_TOKEN_INVALID");
  EXPECT_EQ(ErrorField(status), "page_token");
}

// Nor is anything else a token.
TEST(PageTokenTest, RefusesWhatIsNoToken) {
  for (const char* token : {"-", "x", "5", "1234567890123", "1234567890123-", "-5",
                            "1234567890123-x", "1234567890123-4294967296", "1234567890123-5-6",
                            "1234567890123--5", "18446744073709551616-5"}) {
    EXPECT_EQ(ErrorReason(OpenPageToken(token, kLife).status()), "PAGE_TOKEN_INVALID") << token;
  }
}

}  // namespace
}  // namespace fusebox
