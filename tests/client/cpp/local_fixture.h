#ifndef FUSEBOX_CLIENT_CPP_LOCAL_FIXTURE_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_FIXTURE_H_

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local/numbers.h"
#include "fusebox/breaker.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::internal {

// A clock that moves when a test says so.
class TestClock : public ClientClock {
 public:
  int64_t NowNanos() const override { return now_.load(); }
  void Pass(absl::Duration duration) { now_ += absl::ToInt64Nanoseconds(duration); }

 private:
  std::atomic<int64_t> now_{1'000'000'000'000};
};

// One breaker of a client, and what a server would say to it.
class LocalTest : public ::testing::Test {
 protected:
  static std::shared_ptr<const RulingPolicy> Ruling(Policy policy) {
    return std::make_shared<const RulingPolicy>(std::move(policy));
  }

  void Pass(absl::Duration duration) {
    clock_.Pass(duration);
    if (breaker_.next_deadline().nanos() <= clock_.NowNanos()) breaker_.Advance();
  }

  void Push(const Standing& standing) { breaker_.Push(standing, nullptr, 1); }
  void PushPolicy(Policy policy, double share = 1) {
    breaker_.Push({.epoch = epoch_}, Ruling(std::move(policy)), share);
  }
  // CLOSED, in a new epoch.
  void PushClosed() { Push({.epoch = ++epoch_}); }
  void PushOpen(absl::Duration left) {
    Push({.state = State::kOpen, .epoch = ++epoch_, .retry_after = left});
  }
  void PushHalfOpen() { Push({.state = State::kHalfOpen, .epoch = ++epoch_}); }
  void PushOverride(OverrideMode mode, absl::Duration ttl = absl::InfiniteDuration()) {
    Push({.epoch = epoch_,
          .revision = ++revision_,
          .override = std::make_shared<const Override>(Override{.mode = mode}),
          .override_ttl = ttl});
  }

  // One call that ends so, if it is let pass; whether it was.
  bool Call(Outcome outcome = Outcome::kSuccess) {
    Breaker::Permit permit = Ask();
    permit.Record(outcome);
    return permit.allowed();
  }
  Breaker::Permit Ask(const Attempt& attempt = {}) { return handle_.Allow(attempt); }
  // How many of so many calls were let pass.
  int Passed(int calls, Outcome outcome = Outcome::kSuccess) {
    int passed = 0;
    for (int i = 0; i < calls; ++i) passed += Call(outcome) ? 1 : 0;
    return passed;
  }
  void Fail(int calls) { EXPECT_EQ(Passed(calls, Outcome::kFailure), calls); }

  // All that was counted and not told, as one row.
  OutcomeCounts Told() {
    OutcomeCounts sum;
    for (const LedgerRow& row : breaker_.TakeNews().rows) {
      sum.successes += row.outcomes.successes;
      sum.failures += row.outcomes.failures;
      sum.slow += row.outcomes.slow;
    }
    return sum;
  }

  TestClock clock_;
  const Stopwatch stopwatch_{clock_};
  Numbers numbers_{1};
  std::atomic<int> woken_{0};
  uint64_t epoch_ = 100;
  uint32_t revision_ = 0;
  LocalBreaker breaker_{
      "db/orders",
      Ruling({}),
      {.clock = clock_,
       .stopwatch = stopwatch_,
       .numbers = numbers_,
       .wake = [this] { ++woken_; },
       .refusal =
           [](absl::string_view breaker, Reason, absl::Duration left) {
             return absl::UnavailableError(absl::StrCat(breaker, " ", absl::FormatDuration(left)));
           }}};
  const Breaker handle_{breaker_};
};

// The same of which the server has said that it is CLOSED.
class PushedTest : public LocalTest {
 protected:
  PushedTest() { PushClosed(); }
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_FIXTURE_H_
