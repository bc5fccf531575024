#include "client/cli/talk.h"

#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

TEST(TalkTest, WritesItsOwnWordsAsTheyAre) {
  std::ostringstream out;
  Talk(out) << "two\nlines: " << 3 << " and " << size_t{4} << "\n";
  EXPECT_EQ(out.str(), "two\nlines: 3 and 4\n");
}

TEST(TalkTest, MakesEverythingElsePrintable) {
  const std::string chosen = "ann\x1b[31m\nfuseboxctl: all is well";
  const std::string shown = "ann\\x1b[31m\\x0afuseboxctl: all is well";
  std::ostringstream out;
  Talk(out) << chosen << "\n" << absl::string_view(chosen) << "\n" << chosen.c_str();
  EXPECT_EQ(out.str(), shown + "\n" + shown + "\n" + shown);
}

}  // namespace
}  // namespace fusebox::cli
