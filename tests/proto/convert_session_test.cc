// Policies as they are pushed, and where breakers stand.
#include "proto/convert/convert.h"
#include "proto/convert_fixture.h"

namespace fusebox {
namespace {

Policy WithEveryNumberChanged() {
  Policy policy;
  policy.name = "everything";
  policy.match = {"db/*", "cache/**"};
  policy.circuit_breaker = {.window_duration = absl::Seconds(11),
                            .consecutive_failures = 0,
                            .failure_rate_threshold = Share::FromFraction(0.123456),
                            .slow_call_rate_threshold = Share::FromFraction(0.9),
                            .slow_call_duration_threshold = absl::Milliseconds(1500),
                            .minimum_calls = 21,
                            .min_failing_clients = 2,
                            .open_duration = absl::Seconds(31),
                            .open_multiplier = Share::FromFraction(1.5),
                            .jitter = Share::FromFraction(0.1),
                            .max_open_duration = absl::Minutes(11),
                            .honor_retry_after = true,
                            .max_probes = 4,
                            .success_threshold = 3,
                            .probe_timeout = absl::Seconds(61),
                            .ramp_duration = absl::Seconds(5),
                            .ramp_initial = Share::FromFraction(0.2)};
  policy.classification.grpc[5] = Outcome::kFailure;
  policy.classification.http[404] = Outcome::kIgnored;
  policy.classification.http_family[4] = Outcome::kFailure;
  policy.retry_budget = {Share::FromFraction(0.3), 11, absl::Seconds(12)};
  policy.retry.max_attempts = 4;
  policy.retry.base_backoff = absl::Milliseconds(99);
  policy.retry.jitter = Share::FromFraction(0.5);
  policy.retry.explore_share = Share();
  policy.retry.base_timeout = absl::Seconds(2);
  policy.hedge = {.percentile = Share::FromFraction(0.99), .delay = {}, .min_samples = 7};
  policy.rate_limit = {.rate = 9, .per = absl::Minutes(1), .burst = 3};
  policy.bulkhead = {.max_concurrent = 8, .lease_timeout = absl::Seconds(59)};
  policy.queue = {.max_wait = absl::Seconds(1), .max_queue = 0};
  policy.idempotency = {.ttl = absl::Hours(1), .max_keys = 5};
  return policy;
}

// Who decides by a pushed policy decides by the server's numbers, whatever its own defaults are.
TEST(ShowPolicyTest, ComesBackAsTheSamePolicy) {
  Policy by_calls = WithEveryNumberChanged();
  by_calls.circuit_breaker.window_calls = 50;
  by_calls.circuit_breaker.window_duration = CircuitBreakerPolicy().window_duration;
  Policy shared = WithEveryNumberChanged();
  shared.retry_budget = {};
  shared.shared_retry_budget = "all";
  for (const Policy& policy : {Policy(), WithEveryNumberChanged(), by_calls, shared}) {
    std::vector<FieldError> errors;
    EXPECT_EQ(FromProto(ToProto(policy), errors), policy);
    EXPECT_TRUE(errors.empty()) << errors[0].message;
  }
}

// Also numbers that the schema would have replaced by others, had they been left out.
TEST(ShowPolicyTest, SaysEveryNumber) {
  Policy policy;
  policy.circuit_breaker.open_duration = absl::Minutes(20);
  policy.circuit_breaker.max_open_duration = absl::Minutes(20);
  const v1::Policy message = ToProto(policy);
  EXPECT_EQ(message.circuit_breaker().max_open_duration().seconds(), 1200);
  EXPECT_TRUE(message.circuit_breaker().has_minimum_calls());
  EXPECT_TRUE(message.retry().has_max_attempts());
  EXPECT_TRUE(message.rate_limit().has_rate());
}

TEST(ShowStandingTest, SaysOnlyWhatIsSo) {
  const v1::BreakerState closed = ToProto(Standing{.epoch = 7, .revision = 3});
  EXPECT_EQ(closed.epoch(), 7u);
  EXPECT_EQ(closed.revision(), 3u);
  EXPECT_EQ(closed.state(), v1::STATE_CLOSED);
  EXPECT_FALSE(closed.has_retry_after() || closed.has_closed_for() || closed.has_override_ttl() ||
               closed.has_hedge_delay() || closed.hurry());
  EXPECT_EQ(closed.override(), v1::OVERRIDE_MODE_UNSPECIFIED);

  const v1::BreakerState open = ToProto(
      Standing{.state = State::kOpen,
               .retry_after = absl::Milliseconds(1500),
               .override = std::make_shared<Override>(Override{.mode = OverrideMode::kShadow}),
               .override_ttl = absl::InfiniteDuration(),
               .healthy = false});
  EXPECT_EQ(FromProto(open.retry_after()), absl::Milliseconds(1500));
  EXPECT_EQ(open.override(), v1::OVERRIDE_MODE_SHADOW);
  EXPECT_FALSE(open.has_override_ttl());
  EXPECT_TRUE(open.hurry());

  const v1::BreakerState ramping =
      ToProto(Standing{.closed_for = absl::Seconds(2), .hedge_delay = absl::Milliseconds(30)});
  EXPECT_EQ(FromProto(ramping.closed_for()), absl::Seconds(2));
  EXPECT_EQ(FromProto(ramping.hedge_delay()), absl::Milliseconds(30));
}

// A tally as it was told is the tally that counts.
TEST(ReadTallyTest, ReadsEveryCount) {
  const auto row = FromProto(Parse<v1::Tally>(R"(
      epoch: 9 successes: 10 failures: 2 timeouts: 3 rate_limited: 1 caller_errors: 4 slow: 5
      trailing_failures: 2 timed: 20 latency { seconds: 7 } latency_samples { nanos: 5000000 }
      retry_after { seconds: 100000 }
      retries { previous_outcome: OUTCOME_TIMEOUT attempt: 2 succeeded: 1 failed: 2 }
      refusals { reason: REASON_OPEN calls: 8 })"));
  ASSERT_TRUE(row.ok()) << row.status();
  const Tally tally = row->View("web-1");
  EXPECT_EQ(tally.epoch, 9u);
  EXPECT_EQ(tally.outcomes.Calls(), 20u);
  EXPECT_EQ(tally.outcomes.Succeeded(), 14u);
  EXPECT_EQ(tally.outcomes.timeouts, 3u);
  EXPECT_EQ(tally.outcomes.rate_limited, 1u);
  EXPECT_EQ(tally.outcomes.slow, 5u);
  EXPECT_EQ(tally.outcomes.trailing_failures, 2u);
  EXPECT_EQ(tally.outcomes.client, "web-1");
  EXPECT_EQ(tally.outcomes.retry_after, absl::Hours(24));  // At most.
  EXPECT_EQ(tally.timed, 20u);
  EXPECT_EQ(tally.latency, absl::Seconds(7));
  ASSERT_EQ(tally.latency_samples.size(), 1u);
  EXPECT_EQ(tally.latency_samples[0], absl::Milliseconds(5));
  ASSERT_EQ(tally.retries.size(), 1u);
  EXPECT_EQ(tally.retries[0].previous, Outcome::kTimeout);
  EXPECT_EQ(tally.FirstSuccesses(), 13u);
  EXPECT_EQ(tally.FirstFailures(), 4u);
  ASSERT_EQ(tally.refusals.size(), 1u);
  EXPECT_EQ(tally.refusals[0].reason, Reason::kOpen);
}

}  // namespace
}  // namespace fusebox
