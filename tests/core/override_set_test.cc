// Which of many overrides is imposed on a breaker.
#include "core/override_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"

namespace fusebox {
namespace {

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

}  // namespace
}  // namespace fusebox
