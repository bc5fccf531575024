#include "proto/convert/convert.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "proto/convert/bad_field.h"

namespace fusebox {
namespace {

// The longest that google.protobuf.Duration can carry: about 10,000 years.
constexpr absl::Duration kLongest = absl::Seconds(315'576'000'000);

}  // namespace

google::protobuf::Timestamp ToProto(absl::Time time) {
  const absl::Duration since_epoch = time - absl::UnixEpoch();
  absl::Duration fraction;
  google::protobuf::Timestamp message;
  message.set_seconds(absl::IDivDuration(since_epoch, absl::Seconds(1), &fraction));
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(fraction)));
  return message;
}

absl::Time FromProto(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

absl::Duration FromProto(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

google::protobuf::Duration ToProto(absl::Duration duration) {
  google::protobuf::Duration message;
  Show(duration, message);
  return message;
}

void Show(absl::Duration duration, google::protobuf::Duration& message) {
  duration = std::clamp(duration, -kLongest, kLongest);
  absl::Duration fraction;
  message.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &fraction));
  message.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(fraction)));
}

State FromProto(v1::State state) {
  switch (state) {
    case v1::STATE_OPEN:
      return State::kOpen;
    case v1::STATE_HALF_OPEN:
      return State::kHalfOpen;
    default:
      return State::kClosed;
  }
}

v1::State ToProto(State state) {
  switch (state) {
    case State::kClosed:
      return v1::STATE_CLOSED;
    case State::kOpen:
      return v1::STATE_OPEN;
    case State::kHalfOpen:
      return v1::STATE_HALF_OPEN;
  }
  return v1::STATE_UNSPECIFIED;
}

// The enums below stand in the same order as their messages' and start at one of the first two
// numbers; convert_enum_test walks through all of them.
v1::Reason ToProto(Reason reason) { return static_cast<v1::Reason>(reason); }
Reason FromProto(v1::Reason reason) {
  return v1::Reason_IsValid(reason) ? static_cast<Reason>(reason) : Reason::kNone;
}
v1::Outcome ToProto(Outcome outcome) {
  return static_cast<v1::Outcome>(static_cast<int>(outcome) + v1::OUTCOME_SUCCESS);
}
v1::FirstCall ToProto(IdempotencyKeys::Begun first) {
  switch (first) {
    case IdempotencyKeys::Begun::kInFlight:
      return v1::FIRST_CALL_IN_FLIGHT;
    case IdempotencyKeys::Begun::kSucceeded:
      return v1::FIRST_CALL_SUCCEEDED;
    case IdempotencyKeys::Begun::kUnknown:
      return v1::FIRST_CALL_UNKNOWN;
    case IdempotencyKeys::Begun::kFresh:
    case IdempotencyKeys::Begun::kFull:
      break;
  }
  return v1::FIRST_CALL_UNSPECIFIED;
}
v1::RetryReason ToProto(RetryReason reason) {
  return static_cast<v1::RetryReason>(static_cast<int>(reason) + v1::RETRY_REASON_OK);
}
v1::Counted ToProto(Counted counted) {
  return static_cast<v1::Counted>(static_cast<int>(counted) + v1::COUNTED_COUNTED);
}
v1::Cause ToProto(Cause cause) { return static_cast<v1::Cause>(cause); }
v1::Health ToProto(Health health) {
  return static_cast<v1::Health>(static_cast<int>(health) + v1::HEALTH_HEALTHY);
}
v1::OverrideMode ToProto(OverrideMode mode) {
  return static_cast<v1::OverrideMode>(static_cast<int>(mode) + v1::OVERRIDE_MODE_FORCED_OPEN);
}

std::optional<OverrideMode> FromProto(v1::OverrideMode mode) {
  if (mode < v1::OVERRIDE_MODE_FORCED_OPEN || mode > v1::OVERRIDE_MODE_SHADOW) return std::nullopt;
  return static_cast<OverrideMode>(mode - v1::OVERRIDE_MODE_FORCED_OPEN);
}

absl::StatusOr<Override> FromProto(const v1::Override& message, const WallAnchor& now) {
  const std::optional<OverrideMode> mode = FromProto(message.mode());
  if (!mode.has_value()) {
    return BadField("OVERRIDE_INVALID", "mode", absl::StrCat(message.mode()),
                    "use FORCED_OPEN, FORCED_CLOSED or SHADOW");
  }
  Override override{.mode = *mode,
                    .reason = message.reason(),
                    .actor = message.actor(),
                    .match = message.match(),
                    .drill = message.drill()};
  if (message.has_create_time()) override.began = now.TickAt(FromProto(message.create_time()));
  if (!message.has_remaining()) return override;
  const absl::Duration left = FromProto(message.remaining());
  if (left <= absl::ZeroDuration()) {
    return BadField("OVERRIDE_INVALID", "remaining", absl::FormatDuration(left),
                    "set it above 0, or leave it out for no end");
  }
  override.expires = now.tick + left;
  return override;
}

v1::Override ToProto(const Override& override, const WallAnchor& now) {
  v1::Override message;
  message.set_mode(ToProto(override.mode));
  message.set_reason(override.reason);
  message.set_actor(override.actor);
  if (override.expires != Tick::Max()) {
    *message.mutable_remaining() = ToProto(override.expires - now.tick);
  }
  message.set_match(override.match);
  message.set_drill(override.drill);
  *message.mutable_create_time() = ToProto(now.At(override.began));
  return message;
}

v1::Window ToProto(const WindowCounts& counts) {
  v1::Window window;
  window.set_calls(counts.calls);
  window.set_failures(counts.failures);
  window.set_slow(counts.slow);
  if (counts.calls > 0) {
    window.set_failure_rate(static_cast<double>(counts.failures) / counts.calls);
    window.set_slow_rate(static_cast<double>(counts.slow) / counts.calls);
  }
  return window;
}

v1::Transition ToProto(const Transition& transition, absl::string_view breaker,
                       const WallAnchor& anchor) {
  v1::Transition message;
  message.set_number(transition.number);
  message.set_breaker(std::string(breaker));
  message.set_from(ToProto(transition.from));
  message.set_to(ToProto(transition.to));
  message.set_epoch(transition.epoch);
  message.set_cause(ToProto(transition.cause));
  *message.mutable_time() = ToProto(anchor.At(transition.time));
  *message.mutable_window() = ToProto(transition.window);
  message.set_consecutive_failures(transition.consecutive_failures);
  for (const std::string& client : transition.failing_clients) {
    message.add_failing_clients(client);
  }
  if (transition.to == State::kOpen) *message.mutable_open_for() = ToProto(transition.open_for);
  return message;
}

Transition TransitionFromProto(const v1::Transition& message, const WallAnchor& anchor) {
  const bool is_known = v1::Cause_IsValid(message.cause());
  return {.number = message.number(),
          .from = FromProto(message.from()),
          .to = FromProto(message.to()),
          .cause = is_known ? static_cast<Cause>(message.cause()) : Cause::kNone,
          .epoch = message.epoch(),
          .time = anchor.TickAt(FromProto(message.time())),
          .window = {.calls = static_cast<uint32_t>(message.window().calls()),
                     .failures = static_cast<uint32_t>(message.window().failures()),
                     .slow = static_cast<uint32_t>(message.window().slow())},
          .consecutive_failures = message.consecutive_failures(),
          .failing_clients = {message.failing_clients().begin(), message.failing_clients().end()},
          .open_for = FromProto(message.open_for())};
}

namespace {

v1::Totals ShowTotals(const Totals& totals) {
  v1::Totals message;
  message.set_calls(totals.calls);
  message.set_successes(totals.successes);
  message.set_failures(totals.failures);
  message.set_refused(totals.refused);
  message.set_late(totals.late);
  message.set_transitions(totals.transitions);
  if (totals.timed_calls > 0) {
    *message.mutable_mean_latency() =
        ToProto(absl::Seconds(totals.latency_seconds / static_cast<double>(totals.timed_calls)));
  }
  return message;
}

void ShowLimits(const Snapshot& snapshot, v1::Breaker& message) {
  if (const auto& limit = snapshot.rate_limit; limit.has_value()) {
    message.mutable_rate_limit()->set_available(limit->available);
    message.mutable_rate_limit()->set_granted(limit->granted);
    message.mutable_rate_limit()->set_refused(limit->refused);
  }
  if (const auto& bulkhead = snapshot.bulkhead; bulkhead.has_value()) {
    message.mutable_bulkhead()->set_in_use(bulkhead->in_use);
    message.mutable_bulkhead()->set_max_concurrent(bulkhead->max_concurrent);
    message.mutable_bulkhead()->set_granted(bulkhead->granted);
    message.mutable_bulkhead()->set_refused(bulkhead->refused);
    message.mutable_bulkhead()->set_expired(bulkhead->expired);
  }
  message.set_waiting(snapshot.waiting);
  if (const auto& keys = snapshot.idempotency; keys.has_value()) {
    message.mutable_idempotency()->set_keys(keys->keys);
    message.mutable_idempotency()->set_begun(keys->begun);
    message.mutable_idempotency()->set_duplicates(keys->duplicates);
    message.mutable_idempotency()->set_refused(keys->refused);
  }
  message.mutable_retry_budget()->set_balance_millis(snapshot.budget_balance);
  message.mutable_retry_budget()->set_spent(snapshot.budget_spent);
  message.mutable_retry_budget()->set_refused(snapshot.budget_refused);
}

void ShowExperience(const Snapshot& snapshot, v1::Breaker& message) {
  for (const Experience::Estimate& estimate : snapshot.retry_estimates) {
    v1::RetryEstimate& shown = *message.add_retry_estimates();
    shown.set_previous_outcome(ToProto(estimate.previous));
    shown.set_attempt(estimate.attempt);
    shown.set_success_probability(estimate.probability);
  }
  if (snapshot.hedge_delay.has_value()) {
    *message.mutable_hedge_delay() = ToProto(*snapshot.hedge_delay);
  }
}

}  // namespace

v1::Breaker ToProto(const Snapshot& snapshot, absl::string_view name, absl::string_view policy,
                    const WallAnchor& anchor) {
  v1::Breaker message;
  message.set_name(std::string(name));
  message.set_policy(std::string(policy));
  message.set_state(ToProto(snapshot.state));
  message.set_epoch(snapshot.epoch);
  message.set_revision(snapshot.revision);
  if (snapshot.override.has_value()) {
    const WallAnchor taken{snapshot.taken, anchor.At(snapshot.taken)};
    *message.mutable_override() = ToProto(*snapshot.override, taken);
  }
  *message.mutable_window() = ToProto(snapshot.window);
  *message.mutable_totals() = ShowTotals(snapshot.totals);
  message.set_consecutive_failures(snapshot.consecutive_failures);
  for (const std::string& client : snapshot.failing_clients) message.add_failing_clients(client);
  if (snapshot.state == State::kOpen) {
    *message.mutable_open_until() = ToProto(anchor.At(snapshot.taken + snapshot.retry_after));
    *message.mutable_retry_after() = ToProto(snapshot.retry_after);
  }
  message.set_reopens(snapshot.reopens);
  message.set_probes(snapshot.probes);
  message.set_ramp_share(snapshot.ramp_share.fraction());
  message.set_health(ToProto(snapshot.health));
  message.set_score(snapshot.score);
  ShowLimits(snapshot, message);
  ShowExperience(snapshot, message);
  if (snapshot.last_transition.has_value()) {
    *message.mutable_last_transition() = ToProto(*snapshot.last_transition, name, anchor);
  }
  return message;
}

}  // namespace fusebox
