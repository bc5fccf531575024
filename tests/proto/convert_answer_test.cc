// From core to answers: no field is forgotten, and what there is not is absent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/guard.h"
#include "core/transition.h"
#include "proto/convert/convert.h"
#include "proto/convert_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::AllowResponse Shown(const Decision& decision) {
  v1::AllowResponse message;
  Show(decision, message);
  return message;
}

// The answer of Allow.
TEST(ConvertAnswersTest, ADecisionIsWholeInItsMessage) {
  const v1::AllowResponse denied = Shown(Decision{.reason = Reason::kRamping,
                                                  .state = State::kHalfOpen,
                                                  .epoch = 77,
                                                  .retry_after = absl::Milliseconds(100)});
  EXPECT_EQ(denied.decision(), v1::DECISION_DENIED);
  EXPECT_EQ(denied.reason(), v1::REASON_RAMPING);
  EXPECT_EQ(denied.state(), v1::STATE_HALF_OPEN);
  EXPECT_EQ(denied.epoch(), 77u);
  EXPECT_EQ(denied.retry_after().nanos(), 100'000'000);

  const v1::AllowResponse allowed = Shown(
      Decision{.allowed = true, .shadow_denied = true, .probe = true, .reason = Reason::kOpen});
  EXPECT_EQ(allowed.decision(), v1::DECISION_ALLOWED);
  EXPECT_TRUE(allowed.shadow_denied());
  EXPECT_TRUE(allowed.probe());
  EXPECT_EQ(allowed.reason(), v1::REASON_OPEN);
  EXPECT_FALSE(allowed.has_retry_after());
}

// What a granted call holds, and when to send a second copy of it.
TEST(ConvertAnswersTest, AGrantedCallIsToldOfItsLeaseAndItsHedge) {
  const v1::AllowResponse message = Shown(
      Decision{.allowed = true, .lease = absl::Seconds(30), .hedge_delay = absl::Milliseconds(20)});
  EXPECT_EQ(message.lease().seconds(), 30);
  EXPECT_EQ(message.hedge_delay().nanos(), 20'000'000);
  const v1::AllowResponse bare = Shown(Decision{.allowed = true});
  EXPECT_FALSE(bare.has_lease());
  EXPECT_FALSE(bare.has_hedge_delay());
  EXPECT_EQ(bare.first_call(), v1::FIRST_CALL_UNSPECIFIED);
}

// To come back later would be wrong: it is not to be made at all.
TEST(ConvertAnswersTest, ADuplicateIsToldHowTheFirstStandsAndNotToWait) {
  const std::vector<std::pair<IdempotencyKeys::Begun, v1::FirstCall>> all = {
      {IdempotencyKeys::Begun::kInFlight, v1::FIRST_CALL_IN_FLIGHT},
      {IdempotencyKeys::Begun::kSucceeded, v1::FIRST_CALL_SUCCEEDED},
      {IdempotencyKeys::Begun::kUnknown, v1::FIRST_CALL_UNKNOWN}};
  for (const auto& [first, shown] : all) {
    const v1::AllowResponse message = Shown(Decision{.reason = Reason::kDuplicate, .first = first});
    EXPECT_EQ(message.decision(), v1::DECISION_DUPLICATE);
    EXPECT_EQ(message.reason(), v1::REASON_DUPLICATE);
    EXPECT_EQ(message.first_call(), shown);
    EXPECT_FALSE(message.has_retry_after());
    // SHADOW lets it pass, and says so.
    const v1::AllowResponse shadow = Shown(Decision{
        .allowed = true, .shadow_denied = true, .reason = Reason::kDuplicate, .first = first});
    EXPECT_EQ(shadow.decision(), v1::DECISION_ALLOWED);
    EXPECT_EQ(shadow.first_call(), shown);
  }
}

// The answer of Record.
TEST(ConvertAnswersTest, AVerdictIsWholeInItsMessage) {
  const v1::RecordResponse message = ToProto(Verdict{
      .state = State::kOpen, .epoch = 78, .outcome = Outcome::kTimeout, .counted = Counted::kLate});
  EXPECT_EQ(message.state(), v1::STATE_OPEN);
  EXPECT_EQ(message.epoch(), 78u);
  EXPECT_EQ(message.outcome(), v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(message.counted(), v1::COUNTED_LATE);
}

// Advice, and none where there is nothing to advise.
TEST(ConvertAnswersTest, AdviceIsWholeInItsMessage) {
  const v1::RecordResponse message =
      ToProto(Verdict{.retry = RetryAdvice{.permitted = true,
                                           .reason = RetryReason::kExploring,
                                           .backoff = absl::Milliseconds(250),
                                           .next_timeout = absl::Seconds(3)}});
  EXPECT_TRUE(message.retry().permitted());
  EXPECT_EQ(message.retry().reason(), v1::RETRY_REASON_EXPLORING);
  EXPECT_EQ(message.retry().backoff().nanos(), 250'000'000);
  EXPECT_EQ(message.retry().next_timeout().seconds(), 3);

  const v1::RecordResponse refused =
      ToProto(Verdict{.retry = RetryAdvice{.reason = RetryReason::kBudgetEmpty}});
  EXPECT_FALSE(refused.retry().permitted());
  EXPECT_TRUE(refused.retry().has_backoff());
  EXPECT_FALSE(refused.retry().has_next_timeout());
  EXPECT_FALSE(ToProto(Verdict{}).has_retry());
}

// Nothing divided by nothing is no rate.
TEST(ConvertAnswersTest, AWindowKnowsItsRates) {
  const v1::Window window = ToProto(WindowCounts{.calls = 8, .failures = 2, .slow = 4});
  EXPECT_EQ(window.calls(), 8u);
  EXPECT_EQ(window.failure_rate(), 0.25);
  EXPECT_EQ(window.slow_rate(), 0.5);
  EXPECT_EQ(ToProto(WindowCounts{}).failure_rate(), 0);
  EXPECT_EQ(ToProto(WindowCounts{}).slow_rate(), 0);
}

// Fields without a value: a breaker that is added to and shown nowhere is found here.
std::vector<std::string> Unset(const google::protobuf::Message& message) {
  std::vector<std::string> unset;
  const google::protobuf::Descriptor* type = message.GetDescriptor();
  const google::protobuf::Reflection* reflection = message.GetReflection();
  for (int i = 0; i < type->field_count(); ++i) {
    const google::protobuf::FieldDescriptor* field = type->field(i);
    const bool set = field->is_repeated() ? reflection->FieldSize(message, field) > 0
                                          : reflection->HasField(message, field);
    if (!set) unset.push_back(field->name());
  }
  return unset;
}

Transition SomeTransition() {
  return {.number = 9,
          .from = State::kHalfOpen,
          .to = State::kOpen,
          .cause = Cause::kProbeFailed,
          .epoch = 80,
          .time = kNow,
          .window = {.calls = 3, .failures = 1},
          .consecutive_failures = 2,
          .failing_clients = {"a", "b"},
          .open_for = absl::Seconds(45)};
}

const WallAnchor kAnchor{kNow + absl::Seconds(10), absl::FromUnixSeconds(1'700'000'010)};

// What was kept comes back as it was.
TEST(ConvertTransitionTest, ATransitionIsTheSameBackFromItsMessage) {
  const Transition before = SomeTransition();
  const Transition after = TransitionFromProto(ToProto(before, "db/orders", kAnchor), kAnchor);
  EXPECT_EQ(after.number, before.number);
  EXPECT_EQ(after.from, before.from);
  EXPECT_EQ(after.to, before.to);
  EXPECT_EQ(after.cause, before.cause);
  EXPECT_EQ(after.epoch, before.epoch);
  EXPECT_EQ(after.time, before.time);
  EXPECT_EQ(after.window, before.window);
  EXPECT_EQ(after.consecutive_failures, before.consecutive_failures);
  EXPECT_EQ(after.failing_clients, before.failing_clients);
  EXPECT_EQ(after.open_for, before.open_for);
}

// After a boot the clock starts again, and what happened before it is before its origin.
TEST(ConvertTransitionTest, WhatHappenedBeforeTheBootIsBeforeTheOrigin) {
  const v1::Transition message = ToProto(SomeTransition(), "db/orders", kAnchor);
  const WallAnchor young{Tick::FromNanos(1), kAnchor.wall + absl::Hours(1)};
  EXPECT_LT(TransitionFromProto(message, young).time, Tick());
}

// Monotonic times are shown on the wall clock.
TEST(ConvertTransitionTest, ATransitionIsWholeInItsMessage) {
  const v1::Transition message = ToProto(SomeTransition(), "db/orders", kAnchor);
  // Core does not know who did it, and under which policy.
  EXPECT_THAT(Unset(message),
              ElementsAre("policy", "actor", "reason", "override", "drill_report", "trace_id"));
  EXPECT_EQ(message.number(), 9u);
  EXPECT_EQ(message.breaker(), "db/orders");
  EXPECT_EQ(message.from(), v1::STATE_HALF_OPEN);
  EXPECT_EQ(message.to(), v1::STATE_OPEN);
  EXPECT_EQ(message.cause(), v1::CAUSE_PROBE_FAILED);
  EXPECT_EQ(message.epoch(), 80u);
  EXPECT_EQ(message.time().seconds(), 1'700'000'000);
  EXPECT_EQ(message.window().calls(), 3u);
  EXPECT_EQ(message.consecutive_failures(), 2u);
  EXPECT_THAT(message.failing_clients(), ElementsAre("a", "b"));
  EXPECT_EQ(message.open_for().seconds(), 45);
}

Snapshot SomeSnapshot() {
  return {
      .state = State::kOpen,
      .epoch = 80,
      .revision = 6,
      .override = Override{.mode = OverrideMode::kShadow,
                           .reason = "drill",
                           .actor = "ada",
                           .expires = kNow + absl::Seconds(70),
                           .began = kNow,
                           .match = "db/*",
                           .drill = true},
      .window = {.calls = 10, .failures = 5, .slow = 2},
      .totals = {.calls = 21,
                 .successes = 22,
                 .failures = 23,
                 .refused = 24,
                 .timed_calls = 4,
                 .latency_seconds = 6,
                 .late = 25,
                 .transitions = 26},
      .consecutive_failures = 27,
      .failing_clients = {"a"},
      .retry_after = absl::Seconds(20),
      .reopens = 28,
      .probes = 29,
      .ramp_share = Share::FromFraction(0.5),
      .health = Health::kUnhealthy,
      .score = 0.4,
      .budget_balance = 30,
      .budget_spent = 31,
      .budget_refused = 32,
      .rate_limit = RateLimitStatus{.available = 33, .granted = 34, .refused = 35},
      .bulkhead =
          BulkheadStatus{
              .in_use = 36, .max_concurrent = 37, .granted = 38, .refused = 39, .expired = 40},
      .idempotency = IdempotencyStatus{.keys = 41, .begun = 42, .duplicates = 43, .refused = 44},
      .waiting = 44,
      .retry_estimates = {{.previous = Outcome::kTimeout, .attempt = 3, .probability = 0.25}},
      .hedge_delay = absl::Milliseconds(45),
      .last_transition = SomeTransition(),
      .taken = kNow + absl::Seconds(10)};
}

// Everything about a breaker is shown.
TEST(ConvertBreakerTest, ASnapshotIsWholeInItsMessage) {
  const v1::Breaker message = ToProto(SomeSnapshot(), "db/orders", "databases", kAnchor);
  EXPECT_THAT(Unset(message), ElementsAre("policy_match"));
  EXPECT_EQ(message.name(), "db/orders");
  EXPECT_EQ(message.state(), v1::STATE_OPEN);
  EXPECT_EQ(message.epoch(), 80u);
  EXPECT_EQ(message.revision(), 6u);
  EXPECT_EQ(message.policy(), "databases");
  EXPECT_EQ(message.window().failure_rate(), 0.5);
  EXPECT_THAT(message.failing_clients(), ElementsAre("a"));
  EXPECT_EQ(message.open_until().seconds(), 1'700'000'030);
  EXPECT_EQ(message.retry_after().seconds(), 20);
  EXPECT_EQ(message.reopens(), 28u);
  EXPECT_EQ(message.probes(), 29u);
  EXPECT_EQ(message.ramp_share(), 0.5);
  EXPECT_EQ(message.health(), v1::HEALTH_UNHEALTHY);
  EXPECT_EQ(message.score(), 0.4);
  EXPECT_EQ(message.consecutive_failures(), 27u);
  EXPECT_EQ(message.waiting(), 44u);
  EXPECT_EQ(message.last_transition().number(), 9u);
}

// Its parts, too.
TEST(ConvertBreakerTest, ThePartsOfABreakerAreWhole) {
  const v1::Breaker message = ToProto(SomeSnapshot(), "db/orders", "databases", kAnchor);
  EXPECT_THAT(Unset(message.totals()), IsEmpty());
  EXPECT_EQ(message.totals().calls(), 21u);
  EXPECT_EQ(message.totals().successes(), 22u);
  EXPECT_EQ(message.totals().failures(), 23u);
  EXPECT_EQ(message.totals().refused(), 24u);
  EXPECT_EQ(message.totals().late(), 25u);
  EXPECT_EQ(message.totals().transitions(), 26u);
  EXPECT_EQ(FromProto(message.totals().mean_latency()), absl::Milliseconds(1'500));
  EXPECT_THAT(Unset(message.override()), IsEmpty());
  EXPECT_EQ(message.override().mode(), v1::OVERRIDE_MODE_SHADOW);
  EXPECT_EQ(message.override().reason(), "drill");
  EXPECT_EQ(message.override().actor(), "ada");
  EXPECT_EQ(message.override().remaining().seconds(), 60);
  EXPECT_EQ(message.override().match(), "db/*");
  EXPECT_TRUE(message.override().drill());
  EXPECT_TRUE(message.override().has_create_time());
  EXPECT_EQ(message.retry_budget().balance_millis(), 30);
  EXPECT_EQ(message.retry_budget().spent(), 31u);
  EXPECT_EQ(message.retry_budget().refused(), 32u);
}

// What bounds its calls, and what they taught.
TEST(ConvertBreakerTest, TheLimitsOfABreakerAreWhole) {
  const v1::Breaker message = ToProto(SomeSnapshot(), "db/orders", "databases", kAnchor);
  EXPECT_THAT(Unset(message.rate_limit()), IsEmpty());
  EXPECT_EQ(message.rate_limit().available(), 33u);
  EXPECT_EQ(message.rate_limit().granted(), 34u);
  EXPECT_EQ(message.rate_limit().refused(), 35u);
  EXPECT_THAT(Unset(message.bulkhead()), IsEmpty());
  EXPECT_EQ(message.bulkhead().in_use(), 36u);
  EXPECT_EQ(message.bulkhead().max_concurrent(), 37u);
  EXPECT_EQ(message.bulkhead().granted(), 38u);
  EXPECT_EQ(message.bulkhead().refused(), 39u);
  EXPECT_EQ(message.bulkhead().expired(), 40u);
  EXPECT_THAT(Unset(message.idempotency()), IsEmpty());
  EXPECT_EQ(message.idempotency().keys(), 41u);
  EXPECT_EQ(message.idempotency().begun(), 42u);
  EXPECT_EQ(message.idempotency().duplicates(), 43u);
  EXPECT_EQ(message.idempotency().refused(), 44u);
  ASSERT_EQ(message.retry_estimates_size(), 1);
  EXPECT_EQ(message.retry_estimates(0).previous_outcome(), v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(message.retry_estimates(0).attempt(), 3u);
  EXPECT_EQ(message.retry_estimates(0).success_probability(), 0.25);
  EXPECT_EQ(message.hedge_delay().nanos(), 45'000'000);
}

// What there is not is absent, rather than zero.
TEST(ConvertBreakerTest, WhatABreakerHasNotIsAbsent) {
  Snapshot snapshot;
  const v1::Breaker message = ToProto(snapshot, "db/orders", "default", kAnchor);
  EXPECT_FALSE(message.has_override());
  EXPECT_FALSE(message.has_open_until());
  EXPECT_FALSE(message.has_retry_after());
  EXPECT_FALSE(message.has_last_transition());
  EXPECT_FALSE(message.totals().has_mean_latency());
  EXPECT_FALSE(message.has_rate_limit());
  EXPECT_FALSE(message.has_bulkhead());
  EXPECT_FALSE(message.has_idempotency());
  EXPECT_EQ(message.retry_estimates_size(), 0);
  EXPECT_FALSE(message.has_hedge_delay());
  snapshot.override = Override{};
  EXPECT_FALSE(ToProto(snapshot, "db/orders", "default", kAnchor).override().has_remaining());
}

}  // namespace
}  // namespace fusebox
