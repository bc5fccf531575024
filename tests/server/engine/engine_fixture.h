#ifndef FUSEBOX_TESTS_SERVER_ENGINE_ENGINE_FIXTURE_H_
#define FUSEBOX_TESTS_SERVER_ENGINE_ENGINE_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/error.h"
#include "server/engine/engine.h"
#include "testing/fake_clock.h"

namespace fusebox {

// An engine on a clock that stands still, with a word for each thing that a caller does.
//
//   Trip();                              // "db/orders", by five failures in a row.
//   Pass(absl::Seconds(30));             // Time goes on and the engine looks after itself.
//   EXPECT_TRUE(Allow().decision.probe);
//
// The default policy is the textbook breaker: 5 failures, 30 s, 3 probes, 2 successes.
class EngineTest : public ::testing::Test {
 protected:
  static constexpr absl::string_view kOrders = "db/orders";
  static constexpr absl::string_view kUsers = "db/users";
  static constexpr uint64_t kLife = 1'000;

  explicit EngineTest(const EngineOptions& options = {}) : engine_(options, clock_, kLife) {}

  AllowAnswer Allow(absl::string_view breaker = kOrders, uint32_t attempt = 1) {
    const absl::StatusOr<AllowAnswer> answer =
        engine_.Allow(breaker, {.attempt = attempt}, "client");
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.value_or(AllowAnswer{});
  }
  std::string Granted(absl::string_view breaker = kOrders, uint32_t attempt = 1) {
    const AllowAnswer answer = Allow(breaker, attempt);
    EXPECT_TRUE(answer.decision.allowed);
    return std::string(answer.permit.bytes());
  }
  // How many of so many calls are allowed.
  int CountAllowed(int calls, absl::string_view breaker = kOrders, uint32_t attempt = 1) {
    int allowed = 0;
    for (int i = 0; i < calls; ++i) allowed += Allow(breaker, attempt).decision.allowed;
    return allowed;
  }

  Verdict Record(absl::string_view permit, Outcome outcome, absl::string_view breaker = kOrders) {
    const absl::StatusOr<Verdict> verdict =
        engine_.Record(breaker, permit, {.result = Result::Of(outcome), .client = "client"});
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.value_or(Verdict{});
  }
  Verdict Observe(Outcome outcome, uint32_t calls = 1, absl::string_view breaker = kOrders) {
    const absl::StatusOr<Verdict> verdict = engine_.Record(
        breaker, "", {.result = Result::Of(outcome), .client = "client", .calls = calls});
    EXPECT_TRUE(verdict.ok()) << verdict.status();
    return verdict.value_or(Verdict{});
  }

  // Brings it there from CLOSED.
  void Trip(absl::string_view breaker = kOrders) {
    ASSERT_EQ(Observe(Outcome::kFailure, 5, breaker).state, State::kOpen);
  }
  void HalfOpen(absl::string_view breaker = kOrders) {
    Trip(breaker);
    Pass(absl::Seconds(30));
    ASSERT_EQ(Look(breaker).state, State::kHalfOpen);
  }

  Snapshot Look(absl::string_view breaker = kOrders) { return View(breaker).snapshot; }
  BreakerView View(absl::string_view breaker = kOrders) {
    const absl::StatusOr<BreakerView> view = engine_.Get(breaker);
    EXPECT_TRUE(view.ok()) << view.status();
    return view.value_or(BreakerView{});
  }
  bool Exists(absl::string_view breaker = kOrders) { return engine_.Get(breaker).ok(); }

  void SetPolicies(const std::vector<Policy>& policies,
                   const std::vector<NamedBudget>& budgets = {}) {
    const absl::Status set = engine_.SetPolicies(policies, budgets);
    ASSERT_TRUE(set.ok()) << set;
  }

  void Pass(absl::Duration duration) {
    clock_.Advance(duration);
    engine_.Maintain();
  }
  // Long enough for one whole sweep to begin and end.
  void Sweep() {
    for (int i = 0; i < 3; ++i) Pass(absl::Seconds(5));
  }

  FakeClock clock_;
  Engine engine_;
};

// Whether `status` is this error: its code, its reason, and everything that its message must name.
inline void ExpectError(const absl::Status& status, absl::StatusCode code, absl::string_view reason,
                        const std::vector<std::string>& named = {}) {
  EXPECT_EQ(status.code(), code) << status;
  EXPECT_EQ(ErrorReason(status), reason) << status;
  for (const std::string& part : named) {
    EXPECT_THAT(std::string(status.message()), ::testing::HasSubstr(part));
  }
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_ENGINE_ENGINE_FIXTURE_H_
