// Which breakers have series of their own, and what becomes of the others and of forgotten ones.
#include "absl/strings/string_view.h"
#include "core/outcome.h"
#include "core/override.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"
#include "server/engine_metrics_fixture.h"
#include "server/metrics/engine_metrics.h"
#include "testing/exposition.h"

namespace fusebox {
namespace {

TEST_F(EngineMetricsTest, GivesTheFirstBreakersSeriesAndFoldsTheRest) {
  const EngineMetrics metrics(engine_, {.max_breakers = 2});
  for (const absl::string_view breaker : {"a", "b", "c", "d", "e"}) {
    Allow(breaker);
    Allow(breaker);
  }
  for (int scrape = 0; scrape < 3; ++scrape) {
    const Exposition page = Read(metrics);
    EXPECT_EQ(Calls(page, "a"), 2);
    EXPECT_EQ(Calls(page, "b"), 2);
    EXPECT_EQ(Calls(page, "other"), 6);
    EXPECT_FALSE(page.contains("fusebox_breaker_calls_total{breaker=c}"));
    EXPECT_FALSE(page.contains("fusebox_breaker_state{breaker=c,state=closed}"));
    EXPECT_FALSE(page.contains("fusebox_breaker_state{breaker=other,state=closed}"));
    EXPECT_EQ(page.at("fusebox_metrics_folded_breakers"), 3);
  }
}

TEST_F(EngineMetricsTest, FoldsAllIfNoneMayHaveASeries) {
  const EngineMetrics metrics(engine_, {.max_breakers = 0});
  Allow("a");
  Trip("a");
  const Exposition page = Read(metrics);
  EXPECT_FALSE(page.contains("fusebox_breaker_calls_total{breaker=a}"));
  EXPECT_EQ(Calls(page, "other"), 1);
  EXPECT_EQ(page.at("fusebox_breaker_failures_total{breaker=other}"), 5);
  EXPECT_EQ(page.at("fusebox_metrics_folded_breakers"), 1);
}

// Its series would be that of the rest, and Prometheus refuses a page that has one twice.
TEST_F(EngineMetricsTest, FoldsABreakerThatIsCalledLikeTheRest) {
  const EngineMetrics metrics(engine_, {});
  Allow("other");
  Allow("a");
  const Exposition page = Read(metrics);
  EXPECT_EQ(Calls(page, "a"), 1);
  EXPECT_EQ(Calls(page, "other"), 1);
  EXPECT_FALSE(page.contains("fusebox_breaker_state{breaker=other,state=closed}"));
}

// A breaker that nobody has seen yet has its calls shown under its name, all of them.
TEST_F(EngineMetricsTest, ShowsANewBreakerWithAllThatItDid) {
  const EngineMetrics metrics(engine_, {.max_breakers = 2});
  Allow("a");
  Read(metrics);
  Allow("b");
  const Exposition page = Read(metrics);
  EXPECT_EQ(Calls(page, "b"), 1);
  EXPECT_EQ(Calls(page, "other"), 0);
}

TEST_F(EngineMetricsTest, GivesThePlaceOfAForgottenBreakerToAFoldedOneFromZero) {
  const EngineMetrics metrics(engine_, {.max_breakers = 1});
  for (int i = 0; i < 10; ++i) Allow("a");
  Allow("b");
  Exposition page = Read(metrics);
  EXPECT_EQ(Calls(page, "a"), 10);
  EXPECT_EQ(Calls(page, "other"), 1);

  ForgetAllBut({"b"});  // Asks for "b" four times.
  page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breakers_evicted_total"), 1);
  EXPECT_FALSE(page.contains("fusebox_breaker_calls_total{breaker=a}"));
  EXPECT_EQ(Calls(page, "b"), 0) << "what it did is in other, and must not be there twice";
  EXPECT_EQ(Calls(page, "other"), 5);

  Allow("b");
  page = Read(metrics);
  EXPECT_EQ(Calls(page, "b"), 1);
  EXPECT_EQ(Calls(page, "other"), 5);
}

TEST_F(EngineMetricsTest, GoesOnWithTheSeriesOfABreakerThatIsMadeAgainBetweenScrapes) {
  const EngineMetrics metrics(engine_, {});
  for (int i = 0; i < 3; ++i) Allow("a");
  EXPECT_EQ(Calls(Read(metrics), "a"), 3);
  ForgetAllBut({});
  Allow("a");
  const Exposition page = Read(metrics);
  EXPECT_EQ(Calls(page, "a"), 4);
  EXPECT_EQ(Calls(page, "other"), 0);
}

// The places of forgotten breakers are used again, so those who look for new ones must look again.
TEST_F(EngineMetricsTest, FindsABreakerInThePlaceOfAForgottenOne) {
  const EngineMetrics metrics(engine_, {});
  Allow("a");
  Allow("b");
  Read(metrics);
  ForgetAllBut({"b"});
  Read(metrics);
  Allow("c");
  const Exposition page = Read(metrics);
  EXPECT_EQ(Calls(page, "c"), 1);
  EXPECT_EQ(page.at("fusebox_metrics_folded_breakers"), 0);
}

// The rest keeps what its breakers did when they are gone.
TEST_F(EngineMetricsTest, KeepsTheCallsOfForgottenBreakersInTheRest) {
  const EngineMetrics metrics(engine_, {.max_breakers = 1});
  Allow("a");
  for (int i = 0; i < 10; ++i) Allow("b");
  EXPECT_EQ(Calls(Read(metrics), "other"), 10);
  ForgetAllBut({"a"});
  const Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_metrics_folded_breakers"), 0);
  EXPECT_EQ(Calls(page, "other"), 10);
}

// What an operator looks for first must not be in the rest.
TEST_F(EngineMetricsTest, GivesThePlaceOfAHealthyBreakerToOneThatTrips) {
  const EngineMetrics metrics(engine_, {.max_breakers = 2});
  for (const absl::string_view breaker : {"a", "b", "c", "d"}) Allow(breaker);
  Read(metrics);
  Trip("c");
  Trip("d");
  Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=c,state=open}"), 1);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=d,state=open}"), 1);
  EXPECT_EQ(Calls(page, "c"), 0) << "what it did before is in other";
  EXPECT_EQ(Calls(page, "other"), 2);
  EXPECT_EQ(page.at("fusebox_metrics_displaced_total"), 2);
  EXPECT_FALSE(page.contains("fusebox_breaker_state{breaker=a,state=closed}"));

  Trip("a");
  page = Read(metrics);
  EXPECT_FALSE(page.contains("fusebox_breaker_state{breaker=a,state=open}"))
      << "who is in trouble keeps its place";
  EXPECT_EQ(page.at("fusebox_metrics_displaced_total"), 2);
}

// A rollout in SHADOW overrides everything, and alerts must go on.
TEST_F(EngineMetricsTest, GivesThePlaceOfAnOverriddenBreakerToOneThatTrips) {
  const EngineMetrics metrics(engine_, {.max_breakers = 3});
  for (const absl::string_view breaker : {"a", "b", "c", "d", "e"}) Allow(breaker);
  Override shadow;
  shadow.mode = OverrideMode::kShadow;
  ASSERT_TRUE(engine_.SetOverride("**", shadow).ok());
  EXPECT_EQ(Read(metrics).at("fusebox_breaker_override{breaker=a,mode=shadow}"), 1);
  Trip("d");
  Trip("e");
  const Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=d,state=open}"), 1);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=e,state=open}"), 1);
}

TEST_F(EngineMetricsTest, GivesAPlaceToABreakerThatIsOverridden) {
  const EngineMetrics metrics(engine_, {.max_breakers = 2});
  for (const absl::string_view breaker : {"a", "b", "c"}) Allow(breaker);
  Read(metrics);
  Override forced;
  forced.mode = OverrideMode::kForcedOpen;
  ASSERT_TRUE(engine_.SetOverride("c", forced).ok());
  EXPECT_EQ(Read(metrics).at("fusebox_breaker_override{breaker=c,mode=forced_open}"), 1);
}

TEST_F(EngineMetricsTest, GivesThePlaceOfAQuietBreakerToAMuchBusierOne) {
  const EngineMetrics metrics(engine_, {.max_breakers = 2});
  Observe("quiet", Outcome::kSuccess, 10);
  Observe("quieter", Outcome::kSuccess, 5);
  Read(metrics);
  Observe("alike", Outcome::kSuccess, 29);
  Exposition page = Read(metrics);
  EXPECT_FALSE(page.contains("fusebox_breaker_state{breaker=alike,state=closed}"));

  Observe("busy", Outcome::kSuccess, 1'000);
  page = Read(metrics);
  EXPECT_TRUE(page.contains("fusebox_breaker_state{breaker=busy,state=closed}"));
  EXPECT_TRUE(page.contains("fusebox_breaker_state{breaker=quiet,state=closed}"));
  EXPECT_FALSE(page.contains("fusebox_breaker_state{breaker=quieter,state=closed}"));
}

}  // namespace
}  // namespace fusebox
