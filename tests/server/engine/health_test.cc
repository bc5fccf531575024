// How breakers feel, one and many under a prefix.
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EngineHealthTest : public EngineTest {
 protected:
  explicit EngineHealthTest(const EngineOptions& options = {}) : EngineTest(options) {}

  // Asks until it is known.
  HealthReport Health(absl::string_view prefix = "", const HealthViewer& viewer = {}) {
    asked_ = 0;
    while (true) {
      ++asked_;
      const absl::StatusOr<std::shared_ptr<const HealthReport>> report =
          engine_.HealthOf(prefix, viewer);
      EXPECT_TRUE(report.ok()) << report.status();
      if (!report.ok()) return {};
      if (*report != nullptr) return **report;
    }
  }
  HealthRollup Rollup(absl::string_view prefix = "", const HealthViewer& viewer = {}) {
    return Health(prefix, viewer).rollup;
  }
  Condition ConditionOf(absl::string_view breaker = kOrders) {
    const absl::StatusOr<Condition> condition = engine_.ConditionOf(breaker);
    EXPECT_TRUE(condition.ok()) << condition.status();
    return condition.value_or(Condition{});
  }

  int asked_ = 0;  // How often, for the last report.
};

// The health of one breaker goes around with it, and asking is enough for what is due to be done.
TEST_F(EngineHealthTest, OfOneBreakerIsThatOfThisMoment) {
  Allow();
  EXPECT_EQ(ConditionOf(), Condition{});
  Trip();
  EXPECT_EQ(ConditionOf(), (Condition{.state = State::kOpen, .health = Health::kUnhealthy}));
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(ConditionOf(), (Condition{.state = State::kHalfOpen, .health = Health::kDegraded}));
  EXPECT_EQ(engine_.transitions(), 2u);
}

// Asking is not using: it makes no breaker, and keeps none from being forgotten.
TEST_F(EngineHealthTest, OfABreakerThatIsNotThereIsAnError) {
  ExpectError(engine_.ConditionOf("db/none").status(), absl::StatusCode::kNotFound,
              "BREAKER_NOT_FOUND", {"db/none"});
  ExpectError(engine_.ConditionOf("db//none").status(), absl::StatusCode::kInvalidArgument,
              "BREAKER_NAME_INVALID");
  EXPECT_EQ(engine_.breakers(), 0u);
}

TEST_F(EngineHealthTest, AsksOfNoneWhetherItIsUsed) {
  Allow();
  Pass(absl::Hours(1) - absl::Seconds(5));
  ConditionOf();
  Rollup();
  Sweep();
  EXPECT_FALSE(Exists());
}

TEST_F(EngineHealthTest, OfAPrefixCoversItAndWhatIsBelow) {
  for (const char* breaker : {"pay", "pay/eu", "pay/eu/card", "pay.v2/eu", "payments", "db/pay"}) {
    Allow(breaker);
  }
  EXPECT_EQ(Rollup("pay").breakers(), 3u);
  EXPECT_EQ(Rollup("pay/eu").breakers(), 2u);
  EXPECT_EQ(Rollup("").breakers(), 6u);
  EXPECT_EQ(Rollup("p").breakers(), 0u);
  EXPECT_EQ(Rollup("p").health(), std::nullopt);
}

TEST_F(EngineHealthTest, OfAPrefixIsThatOfItsBreakersTogether) {
  Allow("db/a");
  Trip("db/b");
  const HealthRollup some = Rollup("db");
  EXPECT_EQ(some.health(), Health::kDegraded);
  EXPECT_EQ(some.healthy(), 1u);
  EXPECT_EQ(some.unhealthy(), 1u);
  EXPECT_THAT(
      some.worst(),
      ElementsAre(HealthRollup::Member{
          .name = "db/b", .condition = {.state = State::kOpen, .health = Health::kUnhealthy}}));
  Trip("db/a");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(Rollup("db").health(), Health::kUnhealthy);
}

// A breaker whose wait is over is not OPEN any more, whether or not the timer has come by.
TEST_F(EngineHealthTest, AWalkDoesWhatIsDue) {
  Trip("db/a");
  Trip("db/b");
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(Rollup("db").health(), Health::kDegraded);
  EXPECT_EQ(engine_.events().last_number(), 4u);
  EXPECT_EQ(engine_.events().After(2, 1).front().transition.cause, Cause::kWaitOver);
}

// What an operator imposes changes the answers, not how the dependency is.
TEST_F(EngineHealthTest, OverridesChangeNothing) {
  Allow();
  Trip(kUsers);
  ASSERT_TRUE(engine_.SetOverride("db/*", {.mode = OverrideMode::kForcedOpen}).ok());
  EXPECT_EQ(ConditionOf().health, Health::kHealthy);
  EXPECT_EQ(Rollup("db").health(), Health::kDegraded);
}

// Walks are dear: by the engine's clock, one a second.
TEST_F(EngineHealthTest, AReportIsKeptForASecond) {
  Allow();
  EXPECT_EQ(Rollup("db").health(), Health::kHealthy);
  Trip();
  clock_.Advance(absl::Seconds(1) - absl::Nanoseconds(1));
  EXPECT_EQ(Rollup("db").health(), Health::kHealthy);
  clock_.Advance(absl::Nanoseconds(1));
  const HealthReport report = Health("db");
  EXPECT_EQ(report.rollup.health(), Health::kUnhealthy);
  EXPECT_EQ(report.since, clock_.Now());
}

// Who may not see a breaker learns nothing of it, and who may see it is not told less for that.
TEST_F(EngineHealthTest, EachViewerGetsTheReportOfWhatTheySee) {
  Allow("db/ours");
  Trip("db/theirs");
  const HealthViewer us = {.id = "us",
                           .may_see = [](absl::string_view name) { return name == "db/ours"; }};
  const HealthViewer nobody = {.id = "nobody", .may_see = [](absl::string_view) { return false; }};
  for (int i = 0; i < 2; ++i) {  // Made, then kept.
    EXPECT_EQ(Rollup("db", us).health(), Health::kHealthy);
    EXPECT_THAT(Rollup("db", us).worst(), IsEmpty());
    EXPECT_EQ(Rollup("db", nobody).health(), std::nullopt);
    EXPECT_EQ(Rollup("db").health(), Health::kDegraded);
  }
}

// Allow() shares its threads with who asks for health.
TEST_F(EngineHealthTest, AWalkOverManyIsMadeInPieces) {
  constexpr int kBreakers = 10'000;
  for (int i = 0; i < kBreakers; ++i) Allow("cache/" + std::to_string(i));
  EXPECT_EQ(Rollup("cache").healthy(), uint64_t{kBreakers});
  EXPECT_GE(asked_, 3);
  EXPECT_EQ(Rollup("cache").healthy(), uint64_t{kBreakers});
  EXPECT_EQ(asked_, 1);
}

TEST_F(EngineHealthTest, WhatIsBornDuringAWalkMayBeCounted) {
  constexpr int kBreakers = 10'000;
  for (int i = 0; i < kBreakers; ++i) Allow("cache/" + std::to_string(i));
  ASSERT_EQ(engine_.HealthOf("cache").value(), nullptr);
  Allow("cache/later");
  EXPECT_EQ(Rollup("cache").breakers(), uint64_t{kBreakers} + 1);
}

// Many ask while breakers change, come and go: every report holds what was there all the time.
TEST_F(EngineHealthTest, ManyMayAskAtOnce) {
  constexpr int kThreads = 4, kAsked = 200, kBreakers = 5'000;
  for (int i = 0; i < kBreakers; ++i) Allow("cache/" + std::to_string(i));
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < kAsked;) {
        const std::shared_ptr<const HealthReport> report = engine_.HealthOf("cache").value();
        if (report == nullptr) continue;
        EXPECT_GE(report->rollup.breakers(), uint64_t{kBreakers});
        clock_.Advance(absl::Milliseconds(100));
        ++i;
      }
      --running;
    });
  }
  for (int i = 0; running > 0; ++i) {
    const std::string passing = "cache/passing-" + std::to_string(i % 100);
    Observe(i % 2 == 0 ? Outcome::kFailure : Outcome::kSuccess, 1, "cache/1");
    Allow(passing);
    EXPECT_TRUE(engine_.Forget(passing, {}).ok());
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace fusebox
