// Which of many overrides is imposed on a breaker.
#include "core/override_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class OverrideSetTest : public ::testing::Test {
 protected:
  OverrideSetTest() : set_(std::make_shared<const OverrideSet>()) {}

  void Add(absl::string_view match, absl::string_view reason = "", Tick expires = Tick::Max()) {
    auto next = set_->With({.reason = std::string(reason.empty() ? match : reason),
                            .expires = expires,
                            .match = std::string(match)});
    ASSERT_TRUE(next.ok()) << next.status();
    set_ = *next;
  }
  void Remove(absl::string_view match) { set_ = set_->Without(match); }
  // The reason of what is imposed.
  std::string On(absl::string_view breaker) const {
    const OverrideSet::Shared override = set_->Match(breaker);
    return override == nullptr ? "" : override->reason;
  }

  std::shared_ptr<const OverrideSet> set_;
};

TEST_F(OverrideSetTest, NothingIsImposedByAnEmptySet) {
  EXPECT_EQ(On("db/orders"), "");
  EXPECT_EQ(set_->NextExpiry(), Tick::Max());
  EXPECT_EQ(set_->Find("db/orders"), nullptr);
}

TEST_F(OverrideSetTest, TheNameGoesBeforeEveryGlobHoweverNew) {
  Add("db/orders");
  Add("db/*");
  Add("**");
  EXPECT_EQ(On("db/orders"), "db/orders");
}

TEST_F(OverrideSetTest, OfGlobsTheNewestGoesFirstHoweverVague) {
  Add("db/*");
  Add("**");
  EXPECT_EQ(On("db/orders"), "**");
  Remove("**");
  EXPECT_EQ(On("db/orders"), "db/*");
}

TEST_F(OverrideSetTest, OneOfTheSameMatchIsReplacedAndIsTheNewest) {
  Add("db/*", "first");
  Add("**", "second");
  Add("db/*", "third");
  EXPECT_EQ(On("db/orders"), "third");
  EXPECT_EQ(set_->all().size(), 2u);
}

TEST_F(OverrideSetTest, KnowsNamesFromGlobs) {
  Add("db/orders");
  Add("db/*");
  EXPECT_TRUE(set_->Find("db/orders")->by_name);
  EXPECT_FALSE(set_->Find("db/*")->by_name);
}

TEST_F(OverrideSetTest, TellsWhenTheFirstExpires) {
  Add("a", "", Tick::FromNanos(30));
  Add("b/*", "", Tick::FromNanos(20));
  Add("c");
  EXPECT_EQ(set_->NextExpiry(), Tick::FromNanos(20));
  Remove("b/*");
  EXPECT_EQ(set_->NextExpiry(), Tick::FromNanos(30));
}

// Who has one goes on with it.
TEST_F(OverrideSetTest, ASetNeverChanges) {
  Add("db/*");
  const auto before = set_;
  Add("db/orders");
  Remove("db/*");
  EXPECT_EQ(before->Match("db/orders")->match, "db/*");
}

TEST_F(OverrideSetTest, WhatIsNeitherNameNorGlobIsAnError) {
  for (const char* match : {"", "/", "a//b", "a/**b", "*a", "ümlaut"}) {
    const absl::Status status = set_->With({.match = match}).status();
    EXPECT_EQ(ErrorReason(status), "GLOB_INVALID") << match;
    EXPECT_EQ(ErrorField(status), "match");
  }
}

std::vector<std::string> MatchesOf(const OverrideSet& set) {
  std::vector<std::string> matches;
  for (const OverrideSet::Shared& override : set.all()) matches.push_back(override->match);
  return matches;
}

// By it a restart knows which of two goes first.
TEST_F(OverrideSetTest, EachIsNewerThanAllThatAreThere) {
  Add("a");
  Add("b/*");
  Add("a");
  EXPECT_EQ(set_->Find("b/*")->order, 2u);
  EXPECT_EQ(set_->Find("a")->order, 3u);
  EXPECT_THAT(MatchesOf(*set_), ElementsAre("a", "b/*"));
}

TEST_F(OverrideSetTest, IsMadeInTheOrderOfNumbersNotOfTimes) {
  const auto set = *OverrideSet::Make({{.began = Tick::FromNanos(9), .match = "a/*", .order = 4},
                                       {.began = Tick::FromNanos(1), .match = "**", .order = 7}});
  EXPECT_THAT(MatchesOf(*set), ElementsAre("**", "a/*"));
  EXPECT_EQ(set->Match("a/b")->match, "**");
  EXPECT_EQ(set->Find("a/*")->order, 4u);
  EXPECT_EQ((*set->With({.match = "c"}))->Find("c")->order, 8u);
}

// As from a store that kept no numbers.
TEST_F(OverrideSetTest, WithoutNumbersTheLastGivenIsTheNewest) {
  const auto set = *OverrideSet::Make({{.match = "a/*"}, {.match = "**"}, {.match = "b"}});
  EXPECT_THAT(MatchesOf(*set), ElementsAre("b", "**", "a/*"));
  EXPECT_EQ(set->Match("a/b")->match, "**");
  EXPECT_EQ(set->Find("a/*")->order, 1u);
  EXPECT_EQ(set->Find("b")->order, 3u);
  EXPECT_TRUE(set->Find("b")->by_name);
  EXPECT_FALSE(set->Find("a/*")->by_name);
}

TEST_F(OverrideSetTest, OfTwoWithTheSameMatchTheNewerIsMade) {
  const auto set = *OverrideSet::Make({{.reason = "newer", .match = "a", .order = 2},
                                       {.reason = "older", .match = "a", .order = 1}});
  EXPECT_THAT(MatchesOf(*set), ElementsAre("a"));
  EXPECT_EQ(set->Find("a")->reason, "newer");
}

TEST_F(OverrideSetTest, NoneIsMadeIfOneIsNeitherNameNorGlob) {
  const absl::Status status = OverrideSet::Make({{.match = "a"}, {.match = "a//b"}}).status();
  EXPECT_EQ(ErrorReason(status), "GLOB_INVALID");
  EXPECT_THAT(std::string(status.message()), HasSubstr("match is \"a//b\";"));
}

TEST_F(OverrideSetTest, AllThatExpireByATimeEndAtOnce) {
  Add("a", "", Tick::FromNanos(30));
  Add("b/*", "", Tick::FromNanos(20));
  Add("c");
  Add("b/x*", "", Tick::FromNanos(31));
  const OverrideSet::Expiry expiry = set_->WithoutExpired(Tick::FromNanos(30));
  ASSERT_EQ(expiry.expired.size(), 2u);
  EXPECT_EQ(expiry.expired[0], set_->Find("b/*"));
  EXPECT_EQ(expiry.expired[1], set_->Find("a"));
  EXPECT_THAT(MatchesOf(*expiry.left), ElementsAre("b/x*", "c"));
  EXPECT_EQ(expiry.left->Match("a"), nullptr);
  EXPECT_EQ(expiry.left->Match("b/xy"), set_->Find("b/x*"));
  EXPECT_EQ(expiry.left->NextExpiry(), Tick::FromNanos(31));
}

// As many as a server keeps by default, each made, found and ended by itself would be a product.
TEST_F(OverrideSetTest, TenThousandAreMadeFoundAndEnded) {
  std::vector<Override> all;
  for (int i = 0; i < 10'000; ++i) {
    const bool is_glob = i % 2 == 0;
    all.push_back({.expires = Tick::FromNanos(i),
                   .match = absl::StrCat("service", i, is_glob ? "/**" : "/x")});
  }
  const auto set = *OverrideSet::Make(std::move(all));
  for (int i = 0; i < 10'000; ++i) {
    EXPECT_EQ(set->Match(absl::StrCat("service", i, "/x"))->expires, Tick::FromNanos(i));
  }
  const OverrideSet::Expiry expiry = set->WithoutExpired(Tick::FromNanos(9'998));
  EXPECT_EQ(expiry.expired.size(), 9'999u);
  EXPECT_EQ(expiry.left->all().size(), 1u);
}

}  // namespace
}  // namespace fusebox
