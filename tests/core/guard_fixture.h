#ifndef FUSEBOX_TESTS_CORE_GUARD_FIXTURE_H_
#define FUSEBOX_TESTS_CORE_GUARD_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/guard.h"
#include "testing/fake_transition_source.h"

namespace fusebox {

// One guard, its clock and its policy, with a word for each thing that a caller does.
//
//   breaker().max_probes = 1;      // At any time: the next operation goes by the new numbers.
//   Trip();
//   Pass(absl::Seconds(30));
//   EXPECT_TRUE(Acquire().probe);
//   EXPECT_EQ(last().cause, Cause::kWaitOver);
//
// Time starts on a whole second, so that the buckets of round windows start on round times.
class GuardTest : public ::testing::Test {
 protected:
  CircuitBreakerPolicy& breaker() { return policy_.circuit_breaker; }
  RetryBudgetPolicy& budget() { return policy_.retry_budget; }

  const RulingPolicy& Ruling() {
    if (ruling_ == nullptr) ruling_ = std::make_unique<RulingPolicy>(policy_);
    if (ruling_->policy == policy_) return *ruling_;
    auto next = std::make_unique<RulingPolicy>(policy_);
    guard_.ChangePolicy(*ruling_, *next, now_, source_, transitions_);
    ruling_ = std::move(next);
    return *ruling_;
  }

  void Pass(absl::Duration duration) { now_ += duration; }
  void Advance() { guard_.Advance(Ruling(), now_, source_, transitions_); }
  Snapshot Look() { return guard_.TakeSnapshot(Ruling(), now_, source_, transitions_); }

  void Impose(Override override) {
    guard_.SetOverride(std::make_shared<const Override>(std::move(override)));
  }
  void Lift() { guard_.SetOverride(nullptr); }

  Decision Ask(const Question& question) {
    return guard_.Acquire(Ruling(), question, now_, source_, transitions_);
  }
  Decision Acquire(uint32_t attempt = 1) { return Ask({.attempt = attempt}); }
  Permit Granted(uint32_t attempt = 1) {
    const Decision decision = Acquire(attempt);
    EXPECT_TRUE(decision.allowed);
    return decision.permit;
  }

  Verdict Record(const Ending& ending) {
    return guard_.Record(Ruling(), ending, now_, source_, transitions_);
  }
  Verdict Record(const Permit& permit, Outcome outcome, absl::string_view client = "a") {
    return Record({.permit = permit, .result = Result::Of(outcome), .client = client});
  }
  Verdict Observe(Outcome outcome, uint32_t calls = 1, absl::string_view client = "a") {
    return Record({.result = Result::Of(outcome), .client = client, .calls = calls});
  }

  // Asks for a call, makes it and reports it, so many times.
  Verdict Call(Outcome outcome, int times = 1, absl::string_view client = "a") {
    Verdict verdict;
    for (int i = 0; i < times; ++i) verdict = Record(Granted(), outcome, client);
    return verdict;
  }
  Verdict CallTaking(absl::Duration latency, Outcome outcome = Outcome::kSuccess, int times = 1) {
    Verdict verdict;
    for (int i = 0; i < times; ++i) {
      verdict = Record({.permit = Granted(), .result = Result::Of(outcome), .latency = latency});
    }
    return verdict;
  }

  // Brings it there from CLOSED, by failures in a row.
  void Trip() {
    const Verdict verdict = Observe(Outcome::kFailure, breaker().consecutive_failures);
    ASSERT_EQ(verdict.state, State::kOpen);
  }
  void HalfOpen() {
    Trip();
    Pass(Look().retry_after);
    Advance();
    ASSERT_EQ(guard_.state(), State::kHalfOpen);
  }
  // From HALF_OPEN.
  void Close() {
    Call(Outcome::kSuccess, static_cast<int>(breaker().success_threshold));
    ASSERT_EQ(guard_.state(), State::kClosed);
  }
  // From HALF_OPEN.
  void FailProbe() {
    Call(Outcome::kFailure);
    ASSERT_EQ(guard_.state(), State::kOpen);
  }

  State state() const { return guard_.state(); }
  const Transition& last() const { return transitions_.back(); }

  Policy policy_;
  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  FakeTransitionSource source_;
  Transitions transitions_;  // All that were returned, in their order.
  Guard guard_{source_.NextEpoch(), now_};

 private:
  std::unique_ptr<const RulingPolicy> ruling_;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_GUARD_FIXTURE_H_
