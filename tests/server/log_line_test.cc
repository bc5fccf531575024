#include "server/log/log_line.h"

#include <string>

#include "gtest/gtest.h"

namespace fusebox {
namespace {

TEST(LogLineTest, LogfmtWritesPlainValuesAsTheyAre) {
  EXPECT_EQ(LogfmtLine("transition", {{"breaker", "db/orders"}, {"calls", 20u}, {"drill", true}}),
            "event=transition breaker=db/orders calls=20 drill=true");
}

TEST(LogLineTest, LogfmtQuotesWhatWouldBeReadAsMoreThanAValue) {
  EXPECT_EQ(LogfmtLine("e", {{"a", ""}, {"b", "x y"}, {"c", "k=v"}, {"d", "\"\n\\"}}),
            R"(event=e a="" b="x y" c="k=v" d="\"\n\\")");
}

TEST(LogLineTest, JsonKeepsTextsNumbersAndTruthsApart) {
  EXPECT_EQ(JsonLine("transition", {{"policy", "20"}, {"calls", 20u}, {"drill", false}}),
            R"("event":"transition","policy":"20","calls":20,"drill":false)");
}

TEST(LogLineTest, JsonWritesNumbersAsTextsThatReadersWouldRound) {
  EXPECT_EQ(JsonLine("e", {{"a", uint64_t{1} << 53}, {"b", UINT64_MAX}}),
            R"("event":"e","a":9007199254740992,"b":"18446744073709551615")");
}

TEST(LogLineTest, JsonEscapesWhatWouldEndTheTextAndReplacesWhatIsNoText) {
  EXPECT_EQ(JsonLine("e", {{"a", "\"\n\\"}, {"b", "caf\xC3\xA9"}, {"c", "\xFF!"}}),
            "\"event\":\"e\",\"a\":\"\\\"\\n\\\\\",\"b\":\"caf\xC3\xA9\",\"c\":\"\xEF\xBF\xBD!\"");
}

}  // namespace
}  // namespace fusebox
