// What is shown of one breaker beside its state and its counts.
#include "server/metrics/breaker_metrics.h"

#include "absl/time/time.h"
#include "core/outcome.h"
#include "core/override.h"
#include "core/policy.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"
#include "server/engine_metrics_fixture.h"
#include "testing/exposition.h"

namespace fusebox {
namespace {

constexpr char kRatio[] = "fusebox_breaker_failure_ratio{breaker=a}";
constexpr char kSince[] = "fusebox_breaker_state_start_timestamp_seconds{breaker=a}";

// A policy for all breakers without a rule that trips.
Policy UntrippedPolicy() {
  Policy policy;
  policy.name = "default";
  policy.match = {"**"};
  policy.circuit_breaker.consecutive_failures = 0;
  policy.circuit_breaker.failure_rate_threshold = {};
  return policy;
}

TEST_F(EngineMetricsTest, ShowsTheFailureRatioFromMinimumCallsOn) {
  ASSERT_TRUE(engine_.SetPolicies({UntrippedPolicy()}, {}).ok());
  const EngineMetrics metrics(engine_, {});
  Observe("a", Outcome::kSuccess, 14);
  Observe("a", Outcome::kFailure, 5);
  EXPECT_FALSE(Read(metrics).contains(kRatio));
  Observe("a", Outcome::kTimeout);
  EXPECT_DOUBLE_EQ(Read(metrics).at(kRatio), 0.3);
  clock_.Advance(absl::Minutes(1));
  EXPECT_FALSE(Read(metrics).contains(kRatio)) << "the window is empty";
}

TEST_F(EngineMetricsTest, ShowsSinceWhenABreakerIsInItsState) {
  const EngineMetrics metrics(engine_, {});
  Allow("a");
  EXPECT_FALSE(Read(metrics).contains(kSince)) << "it has had no other";
  Trip("a");
  const double opened = absl::ToDoubleSeconds(clock_.WallNow() - absl::UnixEpoch());
  EXPECT_DOUBLE_EQ(Read(metrics).at(kSince), opened);
  clock_.Advance(absl::Seconds(7));
  EXPECT_DOUBLE_EQ(Read(metrics).at(kSince), opened);
  clock_.Advance(absl::Seconds(30));
  EXPECT_DOUBLE_EQ(Read(metrics).at(kSince), opened + 30) << "it is HALF_OPEN";
}

TEST_F(EngineMetricsTest, ShowsAnOverrideWhileThereIsOne) {
  const EngineMetrics metrics(engine_, {});
  Allow("a");
  Override forced;
  forced.mode = OverrideMode::kForcedOpen;
  ASSERT_TRUE(engine_.SetOverride("a", forced).ok());
  EXPECT_EQ(Read(metrics).at("fusebox_breaker_override{breaker=a,mode=forced_open}"), 1);
  ASSERT_TRUE(engine_.ClearOverride("a").ok());
  EXPECT_FALSE(Read(metrics).contains("fusebox_breaker_override{breaker=a,mode=forced_open}"));
}

TEST_F(EngineMetricsTest, ShowsBulkheadsAndRateLimitsWhereThereAreSome) {
  Policy limited = UntrippedPolicy();
  limited.name = "limited";
  limited.match = {"a"};
  limited.bulkhead.max_concurrent = 3;
  limited.rate_limit.rate = 10;
  limited.rate_limit.per = absl::Seconds(1);
  limited.rate_limit.burst = 5;
  ASSERT_TRUE(engine_.SetPolicies({limited}, {}).ok());
  const EngineMetrics metrics(engine_, {});
  Allow("a");
  Allow("b");
  const Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breaker_bulkhead_in_use{breaker=a}"), 1);
  EXPECT_EQ(page.at("fusebox_breaker_bulkhead_max{breaker=a}"), 3);
  EXPECT_EQ(page.at("fusebox_breaker_rate_limit_available{breaker=a}"), 4);
  EXPECT_EQ(page.at("fusebox_breaker_waiting_calls{breaker=a}"), 0);
  for (const char* family : {"bulkhead_in_use", "rate_limit_available", "waiting_calls"}) {
    EXPECT_FALSE(page.contains(absl::StrCat("fusebox_breaker_", family, "{breaker=b}")));
  }
}

TEST_F(EngineMetricsTest, ShowsPlainNamesToWhoAsksForThem) {
  const EngineMetrics metrics(engine_, {.plain_names = true});
  Trip("a");
  EXPECT_FALSE(Allow("a"));
  Exposition page = Read(metrics);
  EXPECT_EQ(page.at("circuit_breaker_state{service=a}"), 1);
  EXPECT_EQ(page.at("circuit_breaker_failures_total{service=a}"), 5);
  EXPECT_EQ(page.at("circuit_breaker_rejections_total{service=a}"), 1);
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(Read(metrics).at("circuit_breaker_state{service=a}"), 2);
  EXPECT_FALSE(Read(EngineMetrics(engine_, {})).contains("circuit_breaker_state{service=a}"));
}

TEST_F(EngineMetricsTest, ShowsHowFullTheHistoryIs) {
  const EngineMetrics metrics(engine_, {});
  Trip("a");
  const Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_events"), 1);
  EXPECT_GE(page.at("fusebox_events_max"), 1);
}

}  // namespace
}  // namespace fusebox
