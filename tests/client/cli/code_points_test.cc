#include "client/cli/code_points.h"

#include <clocale>
#include <string>

#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

constexpr char kAccent[] = "e\u0301";  // Two code points in one column.
constexpr char kWide[] = "\u6f22\u5b57";

class CodePointsTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(std::setlocale(LC_CTYPE, "C.UTF-8"), nullptr); }
  void TearDown() override { std::setlocale(LC_CTYPE, "C"); }
};

TEST_F(CodePointsTest, AreOneToFourBytes) {
  for (const auto& [text, value] : {std::pair<std::string, char32_t>{"a", U'a'},
                                    {"\u00e4", 0xE4},
                                    {"\u6f22", 0x6F22},
                                    {"\U0001F600", 0x1F600}}) {
    const CodePoint first = DecodeFirst(text + "rest");
    EXPECT_EQ(first.value, value) << text;
    EXPECT_EQ(first.bytes, text.size()) << text;
  }
}

TEST_F(CodePointsTest, AreNotMadeOfWhatUtf8DoesNotAllow) {
  for (const char* text : {"\x80", "\xC0\x80", "\xE0\x82\x9B", "\xED\xA0\x80", "\xF4\x90\x80\x80",
                           "\xC3", "\xC3z", "\xFF"}) {
    const CodePoint first = DecodeFirst(text);
    EXPECT_FALSE(first.value.has_value()) << text;
    EXPECT_EQ(first.bytes, 1) << text;
  }
}

TEST_F(CodePointsTest, TakeAsManyColumnsAsATerminalGivesThem) {
  EXPECT_EQ(ColumnsOf("abc"), 3);
  EXPECT_EQ(ColumnsOf(kWide), 4);
  EXPECT_EQ(ColumnsOf(kAccent), 1);
  EXPECT_EQ(ColumnsOf("\xFF"), 1);
}

TEST_F(CodePointsTest, FitAsAWholeOrNotAtAll) {
  EXPECT_EQ(BytesThatFit("abc", 2), 2);
  EXPECT_EQ(BytesThatFit("abc", 9), 3);
  EXPECT_EQ(BytesThatFit(kWide, 3), 3);
  EXPECT_EQ(BytesThatFit(kWide, 1), 0);
  EXPECT_EQ(BytesThatFit(kAccent, 1), 3);
}

TEST(CodePointsInAnyLocaleTest, TakeAColumnIfTheLocaleDoesNotKnowThem) {
  EXPECT_EQ(ColumnsOf(kWide), 2);
}

}  // namespace
}  // namespace fusebox::cli
