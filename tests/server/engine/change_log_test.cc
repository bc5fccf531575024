// Which names changed, in the order of their last change.
#include "server/engine/change_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint64_t kEnd = std::numeric_limits<uint64_t>::max();

// What a reader at `after` reads in one go.
std::vector<std::string> NamesAfter(const ChangeLog& log, uint64_t after, uint64_t to = kEnd,
                                    const Glob& match = Glob::All()) {
  std::vector<std::string> names;
  while (true) {
    const ChangeLog::Place place = log.Next(after, to, match, 1'000'000);
    if (place.name == nullptr) return names;
    names.push_back(*place.name);
    after = place.number;
  }
}

class ChangeLogTest : public ::testing::Test {
 protected:
  void Add(const std::vector<std::string>& names) {
    for (const std::string& name : names) log_.Add(name);
  }

  ChangeLog log_{3};
};

// Before anything changed there is nothing to read, and nothing that anybody missed.
TEST_F(ChangeLogTest, BeginsEmpty) {
  EXPECT_EQ(log_.last(), 0u);
  EXPECT_TRUE(log_.HoldsAllAfter(0));
  EXPECT_THAT(NamesAfter(log_, 0), IsEmpty());
  EXPECT_EQ(log_.Next(0, kEnd, Glob::All(), 10).number, 0u);
}

// Who has seen the later one has seen the earlier one: that is what a place in the log means.
TEST_F(ChangeLogTest, ReadsInTheOrderOfChanges) {
  Add({"b", "a", "c"});
  EXPECT_THAT(NamesAfter(log_, 0), ElementsAre("b", "a", "c"));
  EXPECT_THAT(NamesAfter(log_, 1), ElementsAre("a", "c"));
  EXPECT_THAT(NamesAfter(log_, 3), IsEmpty());
  EXPECT_EQ(log_.last(), 3u);
}

// A name that changes again is read once, by those who read its first change too.
TEST_F(ChangeLogTest, KeepsANameOnceAtItsLastChange) {
  Add({"a", "b", "a"});
  EXPECT_THAT(NamesAfter(log_, 0), ElementsAre("b", "a"));
  EXPECT_THAT(NamesAfter(log_, 1), ElementsAre("b", "a"));
  EXPECT_THAT(NamesAfter(log_, 2), ElementsAre("a"));
  EXPECT_EQ(log_.last(), 3u);
}

// Memory is spent on names: one that flaps all day pushes nothing out.
TEST_F(ChangeLogTest, AFlappingNamePushesNothingOut) {
  Add({"a", "b"});
  for (int i = 0; i < 10'000; ++i) log_.Add("c");
  EXPECT_TRUE(log_.HoldsAllAfter(0));
  EXPECT_THAT(NamesAfter(log_, 0), ElementsAre("a", "b", "c"));
}

// Who had not read what is pushed out must know; who had read it has lost nothing.
TEST_F(ChangeLogTest, PushesOutWhatHasNotChangedForLongest) {
  Add({"a", "b", "c", "a", "d"});  // Out goes "b", whose number is 2.
  EXPECT_THAT(NamesAfter(log_, 2), ElementsAre("c", "a", "d"));
  EXPECT_FALSE(log_.HoldsAllAfter(0));
  EXPECT_FALSE(log_.HoldsAllAfter(1));
  EXPECT_TRUE(log_.HoldsAllAfter(2));
}

// When nobody knows what changed, nobody may read on; what comes later is known again.
TEST_F(ChangeLogTest, WhatIsLostIsLostForAllBefore) {
  Add({"a", "b"});
  log_.Lose();
  EXPECT_FALSE(log_.HoldsAllAfter(2));
  EXPECT_TRUE(log_.HoldsAllAfter(log_.last()));
  const uint64_t lost = log_.last();
  Add({"b"});
  EXPECT_THAT(NamesAfter(log_, lost), ElementsAre("b"));
}

// A reader is told how far it has come, also over names that it does not want.
TEST_F(ChangeLogTest, ReadsWhatMatchesAndStepsOverTheRest) {
  const Glob db = *Glob::Parse("db/*");
  Add({"cache/a", "db/a", "cache/b"});
  const ChangeLog::Place first = log_.Next(0, kEnd, db, 10);
  EXPECT_EQ(*first.name, "db/a");
  EXPECT_EQ(first.number, 2u);
  const ChangeLog::Place end = log_.Next(2, kEnd, db, 10);
  EXPECT_EQ(end.name, nullptr);
  EXPECT_EQ(end.number, 3u);
}

// A look has a bound, and the next one goes on behind it.
TEST_F(ChangeLogTest, LooksAtNoMoreThanItIsTold) {
  const Glob db = *Glob::Parse("db/*");
  Add({"cache/a", "cache/b", "db/a"});
  const ChangeLog::Place place = log_.Next(0, kEnd, db, 2);
  EXPECT_EQ(place.name, nullptr);
  EXPECT_EQ(place.number, 2u);
  EXPECT_EQ(*log_.Next(place.number, kEnd, db, 2).name, "db/a");
}

// What changed later belongs to what comes later.
TEST_F(ChangeLogTest, ReadsNoFurtherThanItIsTold) {
  Add({"a", "b", "a"});
  EXPECT_THAT(NamesAfter(log_, 0, 2), ElementsAre("b"));
  EXPECT_EQ(log_.Next(2, 2, Glob::All(), 10).number, 2u);
  Add({"b"});
  EXPECT_THAT(NamesAfter(log_, 0, 2), IsEmpty());
  EXPECT_EQ(log_.Next(0, 2, Glob::All(), 10).number, 2u);
}

// The same, by going through all changes, of which all are kept.
std::vector<std::string> PlainNamesAfter(const std::vector<std::string>& changes, uint64_t after) {
  std::vector<std::string> names;
  for (size_t i = after; i < changes.size(); ++i) {
    std::erase(names, changes[i]);
    names.push_back(changes[i]);
  }
  return names;
}

// Whatever changes, in whichever order: a reader who may read on reads what it would read in a log
// without bounds, and who may not has more to read than is kept.
TEST(ChangeLogPropertyTest, ReadsWhatALogWithoutBoundsWouldRead) {
  EXPECT_TRUE(rc::check([] {
    const auto capacity = *rc::gen::inRange<size_t>(1, 8);
    const auto picks = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 12));
    ChangeLog log(capacity);
    std::vector<std::string> changes;
    for (const int pick : picks) {
      changes.push_back(absl::StrCat("name/", pick));
      log.Add(changes.back());
    }
    RC_ASSERT(log.last() == changes.size());
    for (uint64_t after = 0; after <= changes.size(); ++after) {
      const std::vector<std::string> expected = PlainNamesAfter(changes, after);
      RC_ASSERT(log.HoldsAllAfter(after) == (expected.size() <= capacity));
      if (log.HoldsAllAfter(after)) RC_ASSERT(NamesAfter(log, after) == expected);
    }
  }));
}

}  // namespace
}  // namespace fusebox
