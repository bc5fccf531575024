// Guesses which name was meant.
#include "proto/yaml/nearest.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace fusebox {
namespace {

TEST(NearestTest, FindsWhatWasMeant) {
  const std::vector<std::string> names = {"max_breakers", "max_batches", "listen"};
  EXPECT_EQ(Nearest("max_breaker", names), "max_breakers");
  EXPECT_EQ(Nearest("MaxBreakers", names), "max_breakers");
  EXPECT_EQ(Nearest("max-breakers", names), "max_breakers");
  EXPECT_EQ(Nearest("lisetn", names), "listen");
  EXPECT_EQ(Nearest("lisetn", names, 2), "listen");
  EXPECT_EQ(Nearest("lisetn", names, 1), "");
  EXPECT_EQ(Nearest("colour", names), "");
  EXPECT_EQ(Nearest("", names), "");
  EXPECT_EQ(Nearest(std::string(1'000'000, 'x'), names), "");
  EXPECT_EQ(DidYouMean("listn", names), "; did you mean listen?");
  EXPECT_EQ(DidYouMean("colour", names), "");
}

}  // namespace
}  // namespace fusebox
