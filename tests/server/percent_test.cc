#include "server/http/percent.h"

#include <string>

#include "gtest/gtest.h"
#include "server/http/http_message.h"

namespace fusebox {
namespace {

TEST(PercentTest, DecodesWhatIsEncoded) {
  EXPECT_EQ(PercentDecoded("/a%2Fb%2fc%20d"), "/a/b/c d");
  EXPECT_EQ(PercentDecoded("%00%ff"), std::string("\0\xFF", 2));
}

TEST(PercentTest, LeavesTheRestAsItIs) {
  for (const char* const text : {"", "%", "%2", "%2x", "%x2", "a+b", "100%"}) {
    EXPECT_EQ(PercentDecoded(text), text);
  }
}

TEST(PercentTest, DecodesOnce) { EXPECT_EQ(PercentDecoded("%2541"), "%41"); }

TEST(PercentTest, APlusOfAFormIsASpace) { EXPECT_EQ(FormDecoded("a+b%2Bc"), "a b+c"); }

std::string QueryOf(std::string query, const std::string& name) {
  HttpRequest request;
  request.query = std::move(query);
  return request.Query(name);
}

TEST(QueryTest, IsTheFirstValueOfItsName) {
  EXPECT_EQ(QueryOf("a=1&b=2&b=3", "b"), "2");
  EXPECT_EQ(QueryOf("na%6De=db%2Forders%3F", "name"), "db/orders?");
  EXPECT_EQ(QueryOf("a=b=c", "a"), "b=c");
}

TEST(QueryTest, IsEmptyWithoutOne) {
  for (const char* const query : {"", "a", "a=", "b=1", "aa=1", "&&=&"}) {
    EXPECT_EQ(QueryOf(query, "a"), "") << query;
  }
}

}  // namespace
}  // namespace fusebox
