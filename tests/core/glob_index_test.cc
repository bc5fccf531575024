// Which of many globs goes first for a name.
#include "core/glob_index.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "core/random_globs.h"

namespace fusebox {
namespace {

GlobIndex::Entry At(uint64_t rank, absl::string_view text) {
  return {std::make_shared<const Glob>(*Glob::Parse(text)), rank};
}

TEST(GlobIndexTest, AnEmptyOneFindsNothing) {
  EXPECT_EQ(GlobIndex().First("db/orders"), std::nullopt);
  EXPECT_EQ(GlobIndex().First(""), std::nullopt);
}

TEST(GlobIndexTest, TheGreatestRankGoesFirstHoweverVague) {
  const GlobIndex index({At(1, "db/orders"), At(3, "**"), At(2, "db/*")});
  EXPECT_EQ(index.First("db/orders"), 3u);
  EXPECT_EQ(GlobIndex({At(1, "**"), At(3, "db/orders"), At(2, "db/*")}).First("db/orders"), 3u);
}

// What stands before a ** is all that a name needs to begin with, without the slash.
TEST(GlobIndexTest, FindsNamesThatEndWhereTheirGlobsStarsBegin) {
  const GlobIndex index({At(1, "db/**"), At(2, "cache/x*"), At(3, "q/*")});
  EXPECT_EQ(index.First("db"), 1u);
  EXPECT_EQ(index.First("db/orders/7"), 1u);
  EXPECT_EQ(index.First("dbx"), std::nullopt);
  EXPECT_EQ(index.First("cache/x"), 2u);
  EXPECT_EQ(index.First("cache/xy"), 2u);
  EXPECT_EQ(index.First("q"), std::nullopt);
  EXPECT_EQ(index.First("q/1"), 3u);
}

// Names are checked by others, so one that is too long is only not found.
TEST(GlobIndexTest, TakesNamesOfAnyLength) {
  const std::string longest(kMaxNameBytes, 'x');
  const GlobIndex index({At(1, longest), At(2, longest.substr(1) + "*")});
  EXPECT_EQ(index.First(longest), 2u);
  EXPECT_EQ(index.First(longest + "x"), 2u);
  EXPECT_EQ(index.First(longest.substr(2)), std::nullopt);
}

TEST(GlobIndexTest, WhatIsRemovedIsFoundNoMore) {
  GlobIndex index({At(1, "db/**"), At(2, "db/*"), At(3, "db/x*")});
  index.Remove(*Glob::Parse("db/x*"));
  EXPECT_EQ(index.First("db/x"), 2u);
  index.Remove(*Glob::Parse("db/*"));
  EXPECT_EQ(index.First("db/x"), 1u);
  index.Remove(*Glob::Parse("db/y*"));
  EXPECT_EQ(index.First("db/x"), 1u);
  index.Remove(*Glob::Parse("db/**"));
  EXPECT_EQ(index.First("db/x"), std::nullopt);
}

TEST(GlobIndexTest, ACopyDoesNotFollow) {
  GlobIndex index({At(1, "db/*")});
  const GlobIndex before = index;
  index.Add(At(2, "db/*"));
  index.Add(At(3, "**"));
  EXPECT_EQ(before.First("db/x"), 1u);
  EXPECT_EQ(index.First("db/x"), 3u);
}

// As if all were tried, in whatever way they came to be there.
RC_GTEST_PROP(GlobIndexProperties, FindsWhatTryingAllOfThemFinds, ()) {
  std::vector<GlobIndex::Entry> entries;
  const size_t count = *rc::gen::inRange<size_t>(0, 30);
  for (size_t rank = 1; rank <= count; ++rank) entries.push_back(At(rank, DrawGlob(4).text()));
  const size_t bulk = *rc::gen::inRange<size_t>(0, count + 1);
  GlobIndex index({entries.begin(), entries.begin() + bulk});
  for (size_t i = bulk; i < count; ++i) index.Add(entries[i]);
  for (size_t removed = *rc::gen::inRange<size_t>(0, count + 1); removed > 0; removed /= 2) {
    const Glob gone = *entries[removed - 1].glob;
    index.Remove(gone);
    for (GlobIndex::Entry& entry : entries) {
      if (entry.rank > 0 && entry.glob->text() == gone.text()) entry.rank = 0;
    }
  }
  for (int i = 0; i < 20; ++i) {
    const std::string name = DrawName();
    uint64_t first = 0;
    for (const GlobIndex::Entry& entry : entries) {
      if (entry.glob->Matches(name)) first = std::max(first, entry.rank);
    }
    RC_ASSERT(index.First(name).value_or(0) == first);
  }
}

}  // namespace
}  // namespace fusebox
