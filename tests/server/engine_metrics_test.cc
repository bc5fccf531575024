// What the engine shows to Prometheus, and what it calls it.
#include "server/metrics/engine_metrics.h"

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/outcome.h"
#include "core/override.h"
#include "core/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"
#include "server/engine_metrics_fixture.h"
#include "testing/exposition.h"

namespace fusebox {
namespace {

using ::testing::UnorderedElementsAre;

// The value of a label, if the series is of the family.
void AddLabel(const std::string& series, absl::string_view family, absl::string_view label,
              std::set<std::string>& values) {
  if (!absl::StartsWith(series, absl::StrCat(family, "{"))) return;
  const std::string begin = absl::StrCat(label, "=");
  const size_t at = series.find(begin) + begin.size();
  values.insert(series.substr(at, series.find_first_of(",}", at) - at));
}

TEST_F(EngineMetricsTest, ShowsWhatABreakerDid) {
  const EngineMetrics metrics(engine_, {});
  Allow("db/orders");
  Allow("db/orders");
  Observe("db/orders", Outcome::kTimeout);
  Observe("db/orders", Outcome::kSuccess, 3);
  const Exposition page = Read(metrics);
  EXPECT_EQ(Calls(page, "db/orders"), 2);
  EXPECT_EQ(page.at("fusebox_breaker_failures_total{breaker=db/orders}"), 1);
  EXPECT_EQ(page.at("fusebox_breaker_refused_total{breaker=db/orders}"), 0);
  EXPECT_EQ(page.at("fusebox_decisions_total{decision=allowed,reason=none}"), 2);
  EXPECT_EQ(page.at("fusebox_outcomes_total{counted=counted,outcome=timeout}"), 1);
  EXPECT_EQ(page.at("fusebox_outcomes_total{counted=counted,outcome=success}"), 3);
  EXPECT_EQ(page.at("fusebox_outcomes_total{counted=late,outcome=success}"), 0);
}

TEST_F(EngineMetricsTest, ShowsTheStateAndHowItCameAbout) {
  const EngineMetrics metrics(engine_, {});
  Allow("a");
  Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=a,state=closed}"), 1);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=a,state=open}"), 0);

  Trip("a");
  EXPECT_FALSE(Allow("a"));
  page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=a,state=closed}"), 0);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=a,state=open}"), 1);
  EXPECT_EQ(page.at("fusebox_breaker_refused_total{breaker=a}"), 1);
  EXPECT_EQ(page.at("fusebox_decisions_total{decision=denied,reason=open}"), 1);
  EXPECT_EQ(page.at("fusebox_transitions_total{cause=consecutive_failures,from=closed,to=open}"),
            1);
  EXPECT_EQ(page.at("fusebox_transitions_total{cause=wait_over,from=open,to=half_open}"), 0);

  clock_.Advance(absl::Seconds(30));
  page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breaker_state{breaker=a,state=half_open}"), 1);
}

// An alert on open breakers must not depend on which of them have series of their own.
TEST_F(EngineMetricsTest, ShowsHowManyBreakersAreInEachState) {
  const EngineMetrics metrics(engine_, {.max_breakers = 0});
  for (const char* breaker : {"a", "b", "c", "d"}) Allow(breaker);
  for (const char* breaker : {"a", "b", "c"}) Trip(breaker);
  Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breakers{state=closed}"), 1);
  EXPECT_EQ(page.at("fusebox_breakers{state=open}"), 3);
  EXPECT_EQ(page.at("fusebox_breakers{state=half_open}"), 0);
  EXPECT_FALSE(page.contains("fusebox_breakers")) << "the sum over states says it";

  clock_.Advance(absl::Seconds(30));
  engine_.Maintain();
  Trip("d");
  page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breakers{state=closed}"), 0);
  EXPECT_EQ(page.at("fusebox_breakers{state=open}"), 1);
  EXPECT_EQ(page.at("fusebox_breakers{state=half_open}"), 3);

  clock_.Advance(kIdleTtl);
  SweepAll();
  page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_breakers_evicted_total"), 3);
  EXPECT_EQ(page.at("fusebox_breakers{state=open}"), 0);
  EXPECT_EQ(page.at("fusebox_breakers{state=half_open}"), 1);
}

TEST_F(EngineMetricsTest, ShowsWhatPrivateBudgetsGrantAndRefuse) {
  const EngineMetrics metrics(engine_, {});
  Policy tight;
  tight.retry_budget = {.min_retries_per_second = 1, .window = absl::Seconds(1)};
  ASSERT_TRUE(engine_.SetPolicies({tight}, {}).ok());
  for (const char* breaker : {"a", "b"}) {
    Allow(breaker);
    EXPECT_TRUE(Allow(breaker, /*attempt=*/2));
    EXPECT_FALSE(Allow(breaker, /*attempt=*/2));
  }
  const Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_private_retry_budgets_spent_total"), 2);
  EXPECT_EQ(page.at("fusebox_private_retry_budgets_refused_total"), 2);
  EXPECT_EQ(page.TypeOf("fusebox_private_retry_budgets_spent_total"), "counter");
  for (const auto& [key, value] : page.series()) {
    EXPECT_FALSE(absl::StartsWith(key, "fusebox_retry_budget_")) << "none is shared: " << key;
  }
}

// Dashboards and alerts are written against these.
TEST_F(EngineMetricsTest, CallsThingsWhatTheApiCallsThem) {
  const Exposition page = Read(EngineMetrics(engine_, {}));
  std::set<std::string> reasons, outcomes, counted, causes, states;
  for (const auto& [key, value] : page.series()) {
    AddLabel(key, "fusebox_decisions_total", "reason", reasons);
    AddLabel(key, "fusebox_outcomes_total", "outcome", outcomes);
    AddLabel(key, "fusebox_outcomes_total", "counted", counted);
    AddLabel(key, "fusebox_transitions_total", "cause", causes);
    AddLabel(key, "fusebox_breakers", "state", states);
  }
  EXPECT_THAT(reasons, UnorderedElementsAre("none", "open", "probes_busy", "ramping", "forced_open",
                                            "retry_budget", "rate_limit", "bulkhead", "duplicate",
                                            "idempotency_keys", "no_server"));
  EXPECT_THAT(outcomes, UnorderedElementsAre("success", "failure", "timeout", "rate_limited",
                                             "caller_error", "ignored"));
  EXPECT_THAT(counted, UnorderedElementsAre("counted", "late", "repeated", "not_counted"));
  EXPECT_THAT(causes, UnorderedElementsAre("consecutive_failures", "failure_rate", "slow_call_rate",
                                           "retry_after", "wait_over", "probe_failed",
                                           "probes_expired", "probes_succeeded", "reset"));
  EXPECT_THAT(states, UnorderedElementsAre("closed", "open", "half_open"));
}

TEST_F(EngineMetricsTest, TellsWhatOnlyShadowLetPass) {
  const EngineMetrics metrics(engine_, {});
  ASSERT_TRUE(engine_.SetOverride("a", {.mode = OverrideMode::kShadow}).ok());
  EXPECT_TRUE(Allow("a"));
  Trip("a");
  EXPECT_TRUE(Allow("a"));
  const Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_decisions_total{decision=allowed,reason=none}"), 1);
  EXPECT_EQ(page.at("fusebox_decisions_total{decision=shadow_denied,reason=open}"), 1);
  EXPECT_EQ(page.at("fusebox_decisions_total{decision=denied,reason=open}"), 0);
  EXPECT_EQ(Calls(page, "a"), 2);
}

TEST_F(EngineMetricsTest, ShowsTheServerAndItsBounds) {
  const EngineMetrics metrics(engine_, {.version = "0.1.0"});
  Allow("a");
  const auto watch = engine_.Watch(Glob::All(), [] {});
  const Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_build_info{version=0.1.0}"), 1);
  EXPECT_EQ(page.at("fusebox_server_life"), 7);
  EXPECT_EQ(page.at("fusebox_breakers{state=closed}"), 1);
  EXPECT_EQ(page.at("fusebox_breakers_max"), 1'000);
  EXPECT_EQ(page.at("fusebox_watchers"), 1);
  EXPECT_EQ(page.at("fusebox_waiting_calls"), 0);
  EXPECT_EQ(page.at("fusebox_waits_total"), 0);
  EXPECT_EQ(page.at("fusebox_waiting_calls_max"), 100'000);
  EXPECT_EQ(page.TypeOf("fusebox_breakers{state=closed}"), "gauge");
  EXPECT_EQ(page.TypeOf("fusebox_breakers_evicted_total"), "counter");
}

TEST_F(EngineMetricsTest, ShowsSharedBudgetsInRetries) {
  const EngineMetrics metrics(engine_, {});
  const Policy policy = SharingPolicy("shop", "shop/**");
  const NamedBudget budget{.name = "shop",
                           .policy = {.min_retries_per_second = 1, .window = absl::Seconds(2)}};
  ASSERT_TRUE(engine_.SetPolicies({policy}, {budget}).ok());
  EXPECT_TRUE(Allow("shop/a", /*attempt=*/2));
  Exposition page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_retry_budget_balance{budget=shop}"), 1);
  EXPECT_EQ(page.at("fusebox_retry_budget_spent_total{budget=shop}"), 1);

  EXPECT_TRUE(Allow("shop/b", /*attempt=*/2));
  EXPECT_FALSE(Allow("shop/b", /*attempt=*/2));
  page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_retry_budget_refused_total{budget=shop}"), 1);
  EXPECT_EQ(page.at("fusebox_decisions_total{decision=denied,reason=retry_budget}"), 1);

  // Removed and defined again between two scrapes: a new budget, but no new series.
  ASSERT_TRUE(engine_.SetPolicies({}, {}).ok());
  ASSERT_TRUE(engine_.SetPolicies({policy}, {budget}).ok());
  page = Read(metrics);
  EXPECT_EQ(page.at("fusebox_retry_budget_balance{budget=shop}"), 2);
  EXPECT_EQ(page.at("fusebox_retry_budget_spent_total{budget=shop}"), 2);
  EXPECT_EQ(page.at("fusebox_retry_budget_refused_total{budget=shop}"), 1);
}

TEST_F(EngineMetricsTest, EscapesLabels) {
  const std::string version = "a\"b\\c\nd}e,f=g";
  const EngineMetrics metrics(engine_, {.version = version});
  EXPECT_EQ(Read(metrics).at(absl::StrCat("fusebox_build_info{version=", version, "}")), 1);
}

}  // namespace
}  // namespace fusebox
