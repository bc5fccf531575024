#include "core/glob.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

Glob Parsed(absl::string_view text) {
  absl::StatusOr<Glob> glob = Glob::Parse(text);
  EXPECT_TRUE(glob.ok()) << text << ": " << glob.status();
  return glob.ok() ? *std::move(glob) : Glob::All();
}

std::string Refusal(absl::string_view text) {
  const absl::StatusOr<Glob> glob = Glob::Parse(text);
  EXPECT_EQ(ErrorReason(glob.status()), "GLOB_INVALID") << text;
  EXPECT_EQ(glob.status().code(), absl::StatusCode::kInvalidArgument) << text;
  return std::string(glob.status().message());
}

// The one without globs is the commonest.
TEST(GlobTest, ALiteralMatchesItselfAlone) {
  const Glob glob = Parsed("db/orders");
  EXPECT_TRUE(glob.Matches("db/orders"));
  for (const absl::string_view name :
       {"db", "db/order", "db/orders2", "db/orders/x", "x/db/orders"}) {
    EXPECT_FALSE(glob.Matches(name)) << name;
  }
}

// One policy for all services of a package.
TEST(GlobTest, APrefixAndAStarMatchTheRestOfOneSegment) {
  const Glob glob = Parsed("payments.v1.*/Charge");
  EXPECT_TRUE(glob.Matches("payments.v1.ChargeService/Charge"));
  EXPECT_TRUE(glob.Matches("payments.v1./Charge"));
  EXPECT_FALSE(glob.Matches("payments.v2.ChargeService/Charge"));
  EXPECT_FALSE(glob.Matches("payments.v1.ChargeService/x/Charge"));
  EXPECT_FALSE(glob.Matches("payments.v1.ChargeService"));
}

// A star that crossed slashes would surprise everyone who knows shells.
TEST(GlobTest, AStarMatchesExactlyOneSegment) {
  const Glob glob = Parsed("db/*");
  EXPECT_TRUE(glob.Matches("db/orders"));
  EXPECT_FALSE(glob.Matches("db"));
  EXPECT_FALSE(glob.Matches("db/orders/primary"));
}

// "db/**" must cover "db" too, or its owner is left out.
TEST(GlobTest, TwoStarsMatchZeroOrMoreSegments) {
  const Glob end = Parsed("db/**");
  for (const absl::string_view name : {"db", "db/a", "db/a/b/c"}) EXPECT_TRUE(end.Matches(name));
  EXPECT_FALSE(end.Matches("dbx/a"));

  const Glob middle = Parsed("a/**/z");
  for (const absl::string_view name : {"a/z", "a/b/z", "a/z/z", "a/b/c/z"}) {
    EXPECT_TRUE(middle.Matches(name)) << name;
  }
  for (const absl::string_view name : {"a", "z", "a/b", "a/z/b"}) {
    EXPECT_FALSE(middle.Matches(name)) << name;
  }
}

// Going back to the last ** alone must be enough, also where an earlier try ran far.
TEST(GlobTest, SeveralTwoStarsTryEverything) {
  const Glob glob = Parsed("**/a/b/**/a/c*");
  EXPECT_TRUE(glob.Matches("a/b/a/c"));
  EXPECT_TRUE(glob.Matches("x/a/a/b/a/b/a/cd"));
  EXPECT_TRUE(glob.Matches("a/b/a/b/x/a/c1"));
  EXPECT_FALSE(glob.Matches("a/b/c"));
  EXPECT_FALSE(glob.Matches("a/b/a/c/x"));
}

// A listing without a filter uses it.
TEST(GlobTest, AllMatchesAll) {
  EXPECT_TRUE(Glob::All().Matches("a"));
  EXPECT_TRUE(Glob::All().Matches("a/b/c"));
  EXPECT_EQ(Glob::All().text(), "**");
}

// The message is the remedy alone: who reads it already knows the field and the value.
TEST(GlobTest, RefusesWhatWouldNeverMatchAndSaysHowToMendIt) {
  EXPECT_THAT(Refusal(""), HasSubstr("write ** to match all"));
  EXPECT_THAT(Refusal("a//b"), HasSubstr("single slashes"));
  EXPECT_THAT(Refusal("/a"), HasSubstr("single slashes"));
  EXPECT_THAT(Refusal("a/"), HasSubstr("single slashes"));
  EXPECT_THAT(Refusal("*a"), HasSubstr("only at the end of a segment"));
  EXPECT_THAT(Refusal("a**"), HasSubstr("only at the end of a segment"));
  EXPECT_THAT(Refusal("a*b"), HasSubstr("only at the end of a segment"));
  EXPECT_THAT(Refusal("***"), HasSubstr("only at the end of a segment"));
  EXPECT_THAT(Refusal("a/**/**"), HasSubstr("write ** once"));
  EXPECT_THAT(Refusal("a b"), HasSubstr("use [A-Za-z0-9._~-]"));
  EXPECT_THAT(Refusal("a?"), HasSubstr("use [A-Za-z0-9._~-]"));
  EXPECT_THAT(Refusal(std::string(257, 'a')), HasSubstr("at most 256 bytes"));
  EXPECT_EQ(Parsed(std::string(256, 'a')).text().size(), 256u);
}

// The promised order: a literal, the longer prefix, `*`, the end, `**`; from the left.
TEST(GlobTest, IsOrderedBySpecificityFromTheLeft) {
  const std::vector<absl::string_view> from_most_specific = {
      "a/b/c", "a/b/c*", "a/b/*", "a/b",  "a/b/**", "a/bcd*/x", "a/bc*/x", "a/*/c",
      "a/*",   "a/**/c", "a/**",  "a*/b", "*/b/c",  "*",        "**/c",    "**"};
  for (size_t i = 0; i < from_most_specific.size(); ++i) {
    for (size_t j = 0; j < from_most_specific.size(); ++j) {
      const Glob a = Parsed(from_most_specific[i]);
      const Glob b = Parsed(from_most_specific[j]);
      EXPECT_TRUE(a.CompareSpecificity(b) == (j <=> i)) << a.text() << " and " << b.text();
    }
  }
}

// Different literals do not compete; nor do different prefixes of one length.
TEST(GlobTest, DifferentGlobsMayBeEquallySpecific) {
  EXPECT_TRUE(Parsed("a/b").CompareSpecificity(Parsed("c/d")) == 0);
  EXPECT_TRUE(Parsed("ab*/x").CompareSpecificity(Parsed("cd*/x")) == 0);
  EXPECT_TRUE(Parsed("**/a/**").CompareSpecificity(Parsed("**/b/**")) == 0);
}

// Only globs that share a name can tie.
TEST(GlobTest, OverlapsWhenSomeNameMatchesBoth) {
  const std::vector<std::pair<absl::string_view, absl::string_view>> overlapping = {
      {"a/b", "a/b"},  {"a/*", "*/b"},    {"**/a/**", "**/b/**"},
      {"a*", "ab*"},   {"a/**", "**/z"},  {"a", "a/**"},
      {"**", "a/b/c"}, {"a/**/b", "a/b"}, {"x/**/y/*", "x/*/*"}};
  for (const auto& [a, b] : overlapping) {
    EXPECT_TRUE(Parsed(a).Overlaps(Parsed(b))) << a << " and " << b;
    EXPECT_TRUE(Parsed(b).Overlaps(Parsed(a))) << b << " and " << a;
  }
  const std::vector<std::pair<absl::string_view, absl::string_view>> apart = {
      {"a/b", "a/c"},   {"ab*", "ac*"}, {"*", "*/*"},       {"a/**", "b/**"},
      {"**/a", "**/b"}, {"a", "a/*"},   {"a/**/b/c", "a/c"}};
  for (const auto& [a, b] : apart) {
    EXPECT_FALSE(Parsed(a).Overlaps(Parsed(b))) << a << " and " << b;
    EXPECT_FALSE(Parsed(b).Overlaps(Parsed(a))) << b << " and " << a;
  }
}

std::vector<std::string> AllOfLength(int segments, const std::vector<std::string>& alphabet) {
  if (segments == 1) return alphabet;
  std::vector<std::string> all;
  for (const std::string& rest : AllOfLength(segments - 1, alphabet)) {
    for (const std::string& first : alphabet) all.push_back(absl::StrCat(first, "/", rest));
  }
  return all;
}

// Overlaps is only as true as Matches: try every short glob against every short name.
TEST(GlobTest, OverlapsAgreesWithMatchesOnAllShortNames) {
  std::vector<Glob> globs;
  for (const int length : {1, 2, 3}) {
    for (const std::string& text : AllOfLength(length, {"a", "b*", "*", "**"})) {
      if (absl::StatusOr<Glob> glob = Glob::Parse(text); glob.ok()) globs.push_back(*glob);
    }
  }
  std::vector<std::string> names;
  for (const int length : {1, 2, 3, 4, 5}) {
    for (const std::string& name : AllOfLength(length, {"a", "bc"})) names.push_back(name);
  }
  for (const Glob& a : globs) {
    for (const Glob& b : globs) {
      bool shared = false;
      for (const std::string& name : names) shared |= a.Matches(name) && b.Matches(name);
      ASSERT_EQ(a.Overlaps(b), shared) << a.text() << " and " << b.text();
    }
  }
}

// What may be granted with a glob: no name less and none more.
TEST(GlobTest, CoversWhatMatchesNoOtherName) {
  const std::vector<std::pair<absl::string_view, absl::string_view>> covering = {
      {"**", "**"},         {"**", "a"},          {"**", "*"},        {"**", "a/**/b*"},
      {"a/**", "a"},        {"a/**", "a/b/*"},    {"a/**", "a/**/c"}, {"a*", "ab*"},
      {"a*", "a"},          {"*/**", "**"},       {"**/*", "**"},     {"**/*/**", "*/**"},
      {"a/*", "a/b*"},      {"*", "a"},           {"**/b", "a/**/b"}, {"a/**/b", "a/b"},
      {"a/**/*", "a/*/**"}, {"**/a/**", "b/a/c"}, {"**/a/**", "a"},   {"**/a*", "**/b/ab*"},
      {"a/**/b/**", "a/b"}, {"*/*", "a/*"}};
  for (const auto& [wide, narrow] : covering) {
    EXPECT_TRUE(Parsed(wide).Covers(Parsed(narrow))) << wide << " and " << narrow;
  }
  const std::vector<std::pair<absl::string_view, absl::string_view>> not_covering = {
      {"a", "b"},       {"a", "a*"},     {"ab*", "a*"},   {"ab*", "a"},     {"*", "**"},
      {"*/*", "*/**"},  {"*", "*/*"},    {"a/*", "a/**"}, {"a/*", "a"},     {"a/**", "**"},
      {"a/**", "*/**"}, {"a/**", "a*"},  {"**/b", "**"},  {"**/b", "a/**"}, {"a/**/b", "a/**"},
      {"a/**", "ab/c"}, {"**/*/*", "**"}};
  for (const auto& [wide, narrow] : not_covering) {
    EXPECT_FALSE(Parsed(wide).Covers(Parsed(narrow))) << wide << " and " << narrow;
  }
}

// Whoever asks must get an answer soon, and a wrong one may only be a refusal.
TEST(GlobTest, CoversGivesUpOnAGlobThatRemembersTooMuch) {
  std::string hard = "**/a";
  for (int i = 0; i < 100; ++i) hard += "/*";
  EXPECT_FALSE(Parsed(hard).Covers(Parsed(hard)));
  EXPECT_TRUE(Parsed("**").Covers(Parsed(hard)));
  EXPECT_TRUE(Parsed("**/a/*/*/*/*/*/*/*/*").Covers(Parsed("**/a/*/*/*/*/*/*/*/*")));
}

// Covers is only as true as Matches: try every short glob against every short name.
TEST(GlobTest, CoversAgreesWithMatchesOnAllShortNames) {
  std::vector<Glob> globs;
  for (const int length : {1, 2, 3}) {
    for (const std::string& text : AllOfLength(length, {"a", "b*", "bc", "*", "**"})) {
      if (absl::StatusOr<Glob> glob = Glob::Parse(text); glob.ok()) globs.push_back(*glob);
    }
  }
  // Longer than the globs, and with segments that no glob mentions.
  std::vector<std::string> names;
  for (const int length : {1, 2, 3, 4, 5}) {
    for (const std::string& name : AllOfLength(length, {"a", "b", "bc", "z"})) {
      names.push_back(name);
    }
  }
  std::vector<std::vector<bool>> matches;
  for (const Glob& glob : globs) {
    matches.emplace_back();
    for (const std::string& name : names) matches.back().push_back(glob.Matches(name));
  }
  for (size_t i = 0; i < globs.size(); ++i) {
    for (size_t j = 0; j < globs.size(); ++j) {
      bool covered = true;
      for (size_t n = 0; n < names.size(); ++n) covered &= matches[i][n] || !matches[j][n];
      ASSERT_EQ(globs[i].Covers(globs[j]), covered)
          << globs[i].text() << " and " << globs[j].text();
    }
  }
}

}  // namespace
}  // namespace fusebox
