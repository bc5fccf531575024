#ifndef FUSEBOX_TESTS_SERVER_ENGINE_METRICS_FIXTURE_H_
#define FUSEBOX_TESTS_SERVER_ENGINE_METRICS_FIXTURE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/guard.h"
#include "core/outcome.h"
#include "core/policy.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/engine/engine.h"
#include "server/metrics/engine_metrics.h"
#include "server/metrics/render.h"
#include "testing/exposition.h"
#include "testing/fake_clock.h"

namespace fusebox {

inline constexpr absl::Duration kIdleTtl = absl::Seconds(60);

inline Exposition Read(const prometheus::Collectable& source) {
  Exposition page(RenderMetrics({&source}));
  EXPECT_THAT(page.errors(), ::testing::IsEmpty());
  return page;
}

// A policy whose breakers share the budget of its name.
inline Policy SharingPolicy(const std::string& name, const std::string& match) {
  Policy policy;
  policy.name = name;
  policy.match = {match};
  policy.shared_retry_budget = name;
  return policy;
}

// An engine whose time stands still, and what is asked of it.
class EngineMetricsTest : public ::testing::Test {
 protected:
  bool Allow(absl::string_view breaker, uint32_t attempt = 1) {
    const absl::StatusOr<AllowAnswer> answer =
        engine_.Allow(breaker, {.attempt = attempt}, "client");
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

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_ENGINE_METRICS_FIXTURE_H_
