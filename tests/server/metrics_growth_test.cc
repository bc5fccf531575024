// No counter ever goes down, and no call is shown twice or not at all.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/outcome.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"
#include "server/engine_metrics_fixture.h"
#include "server/metrics/engine_metrics.h"
#include "testing/exposition.h"

namespace fusebox {
namespace {

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
        const uint32_t attempt = random() % 2 == 0 ? 1 : 2;
        const auto answer = engine.Allow(breaker, {.attempt = attempt}, "client");
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
      EXPECT_TRUE(engine_.Allow(absl::StrCat("b", i % 3), {.attempt = 2}, "client").ok());
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
