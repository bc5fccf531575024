// Overrides as rules: what a glob covers, which of several is imposed, how they end.
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

class GlobOverrideTest : public EngineTest {
 protected:
  void Impose(absl::string_view match, OverrideMode mode,
              absl::Duration ttl = absl::InfiniteDuration()) {
    Override override{.mode = mode, .reason = "why", .actor = "ada"};
    if (ttl != absl::InfiniteDuration()) override.expires = clock_.Now() + ttl;
    ASSERT_TRUE(engine_.SetOverride(match, override).ok());
  }
  void Drill(absl::string_view match, absl::Duration ttl) {
    Override drill{.reason = "exercise", .actor = "ada", .drill = true};
    drill.expires = clock_.Now() + ttl;
    ASSERT_TRUE(engine_.SetOverride(match, drill).ok());
  }
  bool IsRefused(absl::string_view breaker = kOrders) {
    return Allow(breaker).decision.reason == Reason::kForcedOpen;
  }
  Event LastEvent() { return engine_.events().Before(~uint64_t{0}, 1).at(0); }
};

TEST_F(GlobOverrideTest, AGlobCoversTheBreakersThatItMatchesNowAndLater) {
  Allow(kOrders);
  Impose("db/*", OverrideMode::kForcedOpen);
  EXPECT_TRUE(IsRefused(kOrders));
  EXPECT_TRUE(IsRefused("db/later"));
  EXPECT_FALSE(IsRefused("http/search"));
  ASSERT_TRUE(engine_.ClearOverride("db/*").ok());
  EXPECT_FALSE(IsRefused(kOrders));
  EXPECT_FALSE(IsRefused("db/later"));
}

TEST_F(GlobOverrideTest, TheNameGoesBeforeGlobs) {
  Impose(kOrders, OverrideMode::kForcedClosed);
  Impose("db/*", OverrideMode::kForcedOpen);
  EXPECT_FALSE(IsRefused(kOrders));
  EXPECT_TRUE(IsRefused(kUsers));
}

TEST_F(GlobOverrideTest, TheNewerGlobGoesBeforeTheOlderOne) {
  Impose("db/*", OverrideMode::kForcedOpen);
  Impose("**", OverrideMode::kForcedClosed);
  EXPECT_FALSE(IsRefused());
  Impose("db/*", OverrideMode::kForcedOpen);  // Imposed again, it is the newest.
  EXPECT_TRUE(IsRefused());
}

TEST_F(GlobOverrideTest, WhatIsBelowComesBackWhenTheUpperOneEnds) {
  Impose("db/*", OverrideMode::kForcedOpen);
  Impose(kOrders, OverrideMode::kForcedClosed, absl::Seconds(5));
  EXPECT_FALSE(IsRefused());
  Pass(absl::Seconds(5));
  EXPECT_TRUE(IsRefused());
}

TEST_F(GlobOverrideTest, AGlobEndsByItself) {
  Impose("db/*", OverrideMode::kForcedOpen, absl::Seconds(5));
  EXPECT_TRUE(IsRefused());
  Pass(absl::Seconds(5));
  EXPECT_FALSE(IsRefused());
  EXPECT_TRUE(engine_.overrides()->all().empty());
}

// Who watches an idle breaker must not wait for its next call.
TEST_F(GlobOverrideTest, BreakersWithoutTrafficFollowWithinASweep) {
  Allow();
  const uint32_t revision = Look().revision;
  Impose("db/*", OverrideMode::kShadow);
  Sweep();
  EXPECT_EQ(Look().revision, revision + 1);
}

// A breaker that a glob covers is one like any other: it will be covered again when it comes back.
TEST_F(GlobOverrideTest, OnlyAnOverrideByNameKeepsABreaker) {
  Impose("db/*", OverrideMode::kShadow);
  Impose(kUsers, OverrideMode::kShadow);
  Allow(kOrders);
  Pass(absl::Hours(2));
  Sweep();
  EXPECT_FALSE(Exists(kOrders));
  EXPECT_TRUE(Exists(kUsers));
}

TEST_F(GlobOverrideTest, BadGlobsAreErrors) {
  ExpectError(engine_.SetOverride("db/**x", {}), absl::StatusCode::kInvalidArgument, "GLOB_INVALID",
              {"db/**x"});
  ExpectError(engine_.ClearOverride("db/*"), absl::StatusCode::kNotFound, "OVERRIDE_NOT_FOUND",
              {"db/*"});
}

TEST_F(GlobOverrideTest, TheHistoryTellsItsBeginAndItsEnd) {
  Impose("db/*", OverrideMode::kForcedOpen, absl::Seconds(5));
  EXPECT_EQ(LastEvent().breaker, "db/*");
  EXPECT_EQ(LastEvent().transition.cause, Cause::kOverridden);
  EXPECT_EQ(LastEvent().actor, "ada");
  EXPECT_EQ(LastEvent().reason, "why");
  EXPECT_EQ(LastEvent().override->mode, OverrideMode::kForcedOpen);
  Pass(absl::Seconds(5));
  EXPECT_EQ(LastEvent().transition.cause, Cause::kOverrideExpired);
  EXPECT_EQ(LastEvent().actor, "");
  Impose(kOrders, OverrideMode::kShadow);
  ASSERT_TRUE(engine_.ClearOverride(kOrders, {"bob", "done"}).ok());
  EXPECT_EQ(LastEvent().transition.cause, Cause::kOverrideCleared);
  EXPECT_EQ(LastEvent().actor, "bob");
  EXPECT_EQ(LastEvent().reason, "done");
}

// The report proves that a fallback works, or that somebody has none.
TEST_F(GlobOverrideTest, ADrillReportsWhoseCallsItRefused) {
  Drill("db/*", absl::Seconds(10));
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(engine_.Allow(kOrders, {}, "checkout").ok());
  ASSERT_TRUE(engine_.Allow(kUsers, {}, "search").ok());
  Pass(absl::Seconds(10));
  ASSERT_NE(LastEvent().drill_report, nullptr);
  const DrillReport report = *LastEvent().drill_report;
  EXPECT_EQ(report.lasted, absl::Seconds(10));
  EXPECT_EQ(report.refused, 4u);
  EXPECT_THAT(report.clients, ElementsAre(Pair("checkout", 3u), Pair("search", 1u)));
  EXPECT_EQ(report.refused_to_others, 0u);
}

// To find out takes longer than to decide, so most calls must not pay for it.
TEST_F(GlobOverrideTest, WhoTheClientIsIsAskedOnlyForCallsThatADrillRefuses) {
  int asked = 0;
  const auto client = [&asked] {
    ++asked;
    return std::string("checkout");
  };
  ASSERT_TRUE(engine_.Allow(kOrders, {}, client)->decision.allowed);
  Trip(kUsers);
  EXPECT_FALSE(engine_.Allow(kUsers, {}, client)->decision.allowed);
  EXPECT_EQ(asked, 0);
  Drill(kOrders, absl::Seconds(10));
  EXPECT_FALSE(engine_.Allow(kOrders, {}, client)->decision.allowed);
  EXPECT_EQ(asked, 1);
  Pass(absl::Seconds(10));
  EXPECT_THAT(LastEvent().drill_report->clients, ElementsAre(Pair("checkout", 1u)));
}

TEST_F(GlobOverrideTest, ADrillThatIsClearedReports) {
  Drill(kOrders, absl::Hours(1));
  Allow();
  Pass(absl::Seconds(7));
  ASSERT_TRUE(engine_.ClearOverride(kOrders).ok());
  EXPECT_EQ(LastEvent().drill_report->lasted, absl::Seconds(7));
  EXPECT_EQ(LastEvent().drill_report->refused, 1u);
}

// That none of the callers came is what a drill may find, too.
TEST_F(GlobOverrideTest, ADrillThatRefusedNobodyReports) {
  Drill("db/*", absl::Seconds(10));
  Pass(absl::Seconds(10));
  ASSERT_NE(LastEvent().drill_report, nullptr);
  EXPECT_EQ(LastEvent().drill_report->refused, 0u);
}

// One that is imposed again is another one.
TEST_F(GlobOverrideTest, ADrillThatIsReplacedReportsAndTheNextCountsAnew) {
  Drill("db/*", absl::Seconds(10));
  Allow();
  Drill("db/*", absl::Seconds(10));
  const std::vector<Event> events = engine_.events().Before(~uint64_t{0}, 2);
  ASSERT_NE(events.at(1).drill_report, nullptr);
  EXPECT_EQ(events[1].drill_report->refused, 1u);
  Allow();
  Allow();
  Pass(absl::Seconds(10));
  EXPECT_EQ(LastEvent().drill_report->refused, 2u);
}

// A restart in the middle of it does not end it.
TEST_F(GlobOverrideTest, ADrillOfAnEarlierLifeReportsWhatThisOneCounted) {
  Override drill{.began = clock_.Now(), .match = "db/*", .drill = true};
  drill.expires = clock_.Now() + absl::Seconds(10);
  engine_.RestoreOverrides(*OverrideSet::Make({drill}));
  Allow();
  Pass(absl::Seconds(10));
  EXPECT_EQ(LastEvent().drill_report->lasted, absl::Seconds(10));
  EXPECT_EQ(LastEvent().drill_report->refused, 1u);
}

TEST_F(GlobOverrideTest, AllOfAnEarlierLifeGoOnAtOnce) {
  engine_.RestoreOverrides(*OverrideSet::Make(
      {{.mode = OverrideMode::kForcedOpen, .match = "db/*"},
       {.mode = OverrideMode::kForcedClosed, .match = std::string(kOrders), .order = 7}}));
  EXPECT_TRUE(Exists(kOrders));
  EXPECT_FALSE(IsRefused(kOrders));
  EXPECT_TRUE(IsRefused(kUsers));
  EXPECT_EQ(engine_.overrides()->Find(kOrders)->order, 7u);
  EXPECT_THAT(engine_.events().After(0, 10), IsEmpty());
}

TEST_F(GlobOverrideTest, WhatEndedBetweenTwoLivesEndsWithItsEvent) {
  const Tick soon = clock_.Now() + absl::Seconds(1);
  engine_.RestoreOverrides(*OverrideSet::Make({{.expires = soon, .match = std::string(kOrders)},
                                               {.expires = soon, .match = "db/*", .drill = true},
                                               {.match = "http/*"}}));
  ASSERT_TRUE(IsRefused(kOrders));
  ASSERT_TRUE(IsRefused(kUsers));
  Pass(absl::Seconds(1));
  EXPECT_FALSE(IsRefused(kOrders));
  EXPECT_FALSE(IsRefused(kUsers));
  const std::vector<Event> events = engine_.events().After(0, 10);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].breaker, "db/*");
  EXPECT_EQ(events[0].transition.cause, Cause::kOverrideExpired);
  EXPECT_EQ(events[0].drill_report->refused, 1u);
  EXPECT_EQ(events[1].breaker, kOrders);
  EXPECT_EQ(engine_.overrides()->all().size(), 1u);
}

// As many as a server keeps by default: they must not hold up what else is due.
TEST_F(GlobOverrideTest, TenThousandEndAtOnce) {
  std::vector<Override> all;
  for (int i = 0; i < 10'000; ++i) {
    all.push_back({.expires = clock_.Now() + absl::Seconds(1), .match = absl::StrCat("db/", i)});
  }
  engine_.RestoreOverrides(*OverrideSet::Make(std::move(all)));
  ASSERT_TRUE(IsRefused("db/9999"));
  Pass(absl::Seconds(1));
  EXPECT_TRUE(engine_.overrides()->all().empty());
  EXPECT_FALSE(IsRefused("db/9999"));
  EXPECT_EQ(engine_.events().last_number(), 10'000u);
}

// A fleet of any size costs a drill bounded memory.
TEST_F(GlobOverrideTest, ADrillNamesTheClientsThatWereRefusedMostAndCountsTheOthers) {
  Drill(kOrders, absl::Seconds(10));
  for (int client = 0; client < 2'000; ++client) {
    const int calls = client == 7 ? 5 : 1;
    for (int i = 0; i < calls; ++i) {
      ASSERT_TRUE(engine_.Allow(kOrders, {}, "client-" + std::to_string(client)).ok());
    }
  }
  Pass(absl::Seconds(10));
  const DrillReport report = *LastEvent().drill_report;
  EXPECT_EQ(report.refused, 2'004u);
  ASSERT_EQ(report.clients.size(), 100u);
  EXPECT_THAT(report.clients[0], Pair("client-7", 5u));
  EXPECT_EQ(report.refused_to_others, 2'004u - 5 - 99);
}

}  // namespace
}  // namespace fusebox
