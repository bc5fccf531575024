#include "server/rpc/trace.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace fusebox {
namespace {

constexpr char kTrace[] = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr char kWhole[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(TraceTest, IsTheSecondPartOfATraceparent) { EXPECT_EQ(TraceIdIn(kWhole), kTrace); }

TEST(TraceTest, IsNoneOfWhatIsNoTraceparent) {
  for (const std::string text : {
           "",
           "00",
           "4bf92f3577b34da6a3ce929d0e0e4736",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",     // Too short.
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-012",   // Too long.
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",  // Version 00 ends here.
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",    // No version.
           "0x-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",  // Capitals.
           "00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bx-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
       }) {
    EXPECT_EQ(TraceIdIn(text), "") << text;
  }
}

TEST(TraceTest, ReadsTheBeginningOfALaterVersion) {
  const std::string later = absl::StrCat("01", std::string(kWhole).substr(2));
  EXPECT_EQ(TraceIdIn(later), kTrace);
  EXPECT_EQ(TraceIdIn(absl::StrCat(later, "-more")), kTrace);
  EXPECT_EQ(TraceIdIn(absl::StrCat(later, "more")), "");
}

}  // namespace
}  // namespace fusebox
