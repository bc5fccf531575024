#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/guard.h"
#include "core/outcome.h"
#include "core/override.h"
#include "core/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"
#include "server/metrics/engine_metrics.h"
#include "server/metrics/render.h"
#include "testing/exposition.h"
#include "testing/fake_clock.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr absl::Duration kIdleTtl = absl::Seconds(60);

Exposition Read(const prometheus::Collectable& source) {
  Exposition page(RenderMetrics({&source}));
  EXPECT_THAT(page.errors(), IsEmpty());
  return page;
}

// A policy whose breakers share the budget of its name.
Policy SharingPolicy(const std::string& name, const std::string& match) {
  Policy policy;
  policy.name = name;
  policy.match = {match};
  policy.shared_retry_budget = name;
  return policy;
}

// The value of a label, if the series is of the family.
void AddLabel(const std::string& series, absl::string_view family, absl::string_view label,
              std::set<std::string>& values) {
  if (!absl::StartsWith(series, absl::StrCat(family, "{"))) return;
  const std::string begin = absl::StrCat(label, "=");
  const size_t at = series.find(begin) + begin.size();
  values.insert(series.substr(at, series.find_first_of(",}", at) - at));
}

class EngineMetricsTest : public ::testing::Test {
 protected:
  bool Allow(absl::string_view breaker, uint32_t attempt = 1) {
    const absl::StatusOr<AllowAnswer> answer = engine_.Allow(breaker, attempt, "client");
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() && answer->decision.allowed;
  }

  void Observe(absl::string_view breaker, Outcome outcome, uint32_t calls = 1) {
    const Ending ending{.result = Result::Of(outcome), .client = "client", .calls = calls};
    EXPECT_TRUE(engine_.Record(breaker, "", ending).ok());
  }

  void Trip(absl::string_view breaker) { Observe(breaker, Outcome::kFailure, 5); }

  // So that every breaker has been looked at by the sweep.
  void SweepAll() {
    for (int i = 0; i < 3; ++i) {
      clock_.Advance(absl::Seconds(5));
      engine_.Maintain();
    }
  }

  // Forgets all breakers that nobody asks for from now on, but `kept`.
  void ForgetAllBut(const std::vector<std::string>& kept) {
    for (absl::Duration idle; idle <= kIdleTtl; idle += absl::Seconds(20)) {
      clock_.Advance(absl::Seconds(20));
      for (const std::string& breaker : kept) Allow(breaker);
    }
    SweepAll();
  }

  static double Calls(const Exposition& page, absl::string_view breaker) {
    return page.at(absl::StrCat("fusebox_breaker_calls_total{breaker=", breaker, "}"));
  }

  FakeClock clock_;
  Engine engine_{{.max_breakers = 1'000, .idle_ttl = kIdleTtl}, clock_, /*life=*/7};
};

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
                                            "retry_budget"));
  EXPECT_THAT(outcomes, UnorderedElementsAre("success", "failure", "timeout", "rate_limited",
                                             "caller_error", "ignored"));
  EXPECT_THAT(counted, UnorderedElementsAre("counted", "late", "repeated", "not_counted"));
  EXPECT_THAT(causes, UnorderedElementsAre("consecutive_failures", "failure_rate", "slow_call_rate",
                                           "retry_after", "wait_over", "probe_failed",
                                           "probes_expired", "probes_succeeded"));
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

// Checks page after page that nothing went down, and that no call is shown twice or not at all.
class Auditor {
 public:
  explicit Auditor(size_t max_breakers) : max_breakers_(max_breakers) {}

  void Check(const Exposition& page) {
    size_t named = 0;
    for (const auto& [key, value] : page.series()) {
      if (page.TypeOf(key) == "gauge") continue;
      const auto before = last_.find(key);
      if (before != last_.end()) {
        EXPECT_GE(value, before->second) << key << " went down";
      }
      named += absl::StartsWith(key, "fusebox_breaker_calls_total{") ? 1 : 0;
    }
    EXPECT_LE(named, max_breakers_ + 1);
    for (const auto& [key, value] : last_) {
      if (absl::StartsWith(key, kCalls) && !page.contains(key)) ended_ += value;
    }
    last_ = page.series();
  }

  // Calls in the last page and in series that ended before it.
  double CallsEver() const {
    double calls = ended_;
    for (const auto& [key, value] : last_) calls += absl::StartsWith(key, kCalls) ? value : 0;
    return calls;
  }

 private:
  static constexpr absl::string_view kCalls = "fusebox_breaker_calls_total{";

  const size_t max_breakers_;
  std::map<std::string, double> last_;
  double ended_ = 0;
};

TEST_F(EngineMetricsTest, NeverLetsASeriesGoDownWhateverComesAndGoes) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  for (const size_t cap : {0u, 1u, 3u, 20u}) {
    Engine engine({.max_breakers = 1'000, .idle_ttl = kIdleTtl}, clock_, /*life=*/8);
    const EngineMetrics metrics(engine, {.max_breakers = cap});
    Auditor auditor(cap);
    double allowed = 0;
    for (int step = 0; step < 3'000; ++step) {
      const std::string breaker = absl::StrCat("b", random() % 12);
      const uint64_t what = random() % 100;
      if (what < 60) {
        const auto answer = engine.Allow(breaker, 1 + random() % 2, "client");
        allowed += answer->decision.allowed ? 1 : 0;
      } else if (what < 75) {
        ASSERT_TRUE(engine.Record(breaker, "", {.result = Result::Of(Outcome::kFailure)}).ok());
      } else if (what < 85) {
        clock_.Advance(absl::Seconds(random() % 40));
        engine.Maintain();
        clock_.Advance(absl::Seconds(5));
        engine.Maintain();
      } else {
        auditor.Check(Read(metrics));
        ASSERT_EQ(auditor.CallsEver(), allowed) << "step " << step << ", cap " << cap;
      }
    }
    EXPECT_GT(engine.counters().Evicted(), 0u) << "this test is about breakers that go";
  }
}

// A retry that a shared budget refuses is granted for an instant, and scrapes see that.
TEST_F(EngineMetricsTest, NeverLetsASeriesGoDownWhileOthersDecide) {
  const NamedBudget tight{.name = "tight",
                          .policy = {.min_retries_per_second = 1, .window = absl::Seconds(1)}};
  ASSERT_TRUE(engine_.SetPolicies({SharingPolicy("tight", "**")}, {tight}).ok());
  const EngineMetrics metrics(engine_, {.max_breakers = 2});
  std::atomic<bool> enough = false;
  std::atomic<int> asked = 0;
  const auto work = [&] {
    for (int i = 0; !enough; ++i, ++asked) {
      EXPECT_TRUE(engine_.Allow(absl::StrCat("b", i % 3), /*attempt=*/2, "client").ok());
    }
  };
  std::thread one(work), two(work);
  Auditor auditor(2);
  for (int scrape = 0; scrape < 300; ++scrape) auditor.Check(Read(metrics));
  enough = true;
  one.join();
  two.join();
  const Exposition page = Read(metrics);
  auditor.Check(page);
  EXPECT_EQ(page.at("fusebox_decisions_total{decision=allowed,reason=none}") +
                page.at("fusebox_decisions_total{decision=denied,reason=retry_budget}"),
            asked);
}

}  // namespace
}  // namespace fusebox
