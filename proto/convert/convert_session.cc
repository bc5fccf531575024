// What sessions push and report.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "proto/convert/bad_field.h"
#include "proto/convert/convert.h"
#include "proto/convert/max_call_time.h"

namespace fusebox {
namespace {

constexpr uint64_t kMaxCalls = 1'000'000;
constexpr int kMaxLatencySamples = 32;
constexpr int kMaxRetryKinds = 9;  // Three outcomes at attempts 2, 3, and 4 or more.
constexpr int kMaxReasons = v1::Reason_ARRAYSIZE - 1;

absl::Status CheckAtMost(absl::string_view field, uint64_t value, uint64_t most,
                         absl::string_view of) {
  if (value <= most) return absl::OkStatus();
  return BadField("COUNT_INVALID", field, absl::StrCat(value),
                  absl::StrCat("it is at most ", of, ", ", most));
}

uint64_t Failed(const v1::Tally& message) {
  return uint64_t{message.failures()} + message.timeouts() + message.rate_limited();
}

uint64_t Succeeded(const v1::Tally& message) {
  return uint64_t{message.successes()} + message.caller_errors();
}

absl::Status CheckCounts(const v1::Tally& message) {
  const uint64_t calls = Succeeded(message) + Failed(message);
  const uint64_t run = uint64_t{message.failures()} + message.timeouts();
  // In nearly every row nothing is wrong.
  if (calls <= kMaxCalls && message.slow() <= calls && message.timed() <= calls &&
      message.trailing_failures() <= run && message.latency_samples_size() <= kMaxLatencySamples) {
    return absl::OkStatus();
  }
  absl::Status status = CheckAtMost("calls", calls, kMaxCalls, "what one row may have");
  status.Update(CheckAtMost("slow", message.slow(), calls, "all calls"));
  status.Update(CheckAtMost("timed", message.timed(), calls, "all calls"));
  status.Update(
      CheckAtMost("trailing_failures", message.trailing_failures(), run, "failures and timeouts"));
  status.Update(CheckAtMost("latency_samples", message.latency_samples_size(), kMaxLatencySamples,
                            "what one row may have"));
  return status;
}

absl::Status CheckLatency(const v1::Tally& message) {
  const absl::Duration latency = FromProto(message.latency());
  if (latency >= absl::ZeroDuration() && latency <= kMaxCallTime * message.timed()) {
    return absl::OkStatus();
  }
  return BadField("LATENCY_INVALID", "latency", absl::FormatDuration(latency),
                  "set it between 0 and 24h for each timed call");
}

absl::Status CheckTimes(const v1::Tally& message) {
  absl::Status status = message.has_latency() ? CheckLatency(message) : absl::OkStatus();
  if (!status.ok() || (message.latency_samples_size() == 0 && !message.has_retry_after())) {
    return status;
  }
  for (const google::protobuf::Duration& sample : message.latency_samples()) {
    const absl::Duration one = FromProto(sample);
    if (one >= absl::ZeroDuration() && one <= kMaxCallTime) continue;
    return BadField("LATENCY_INVALID", "latency_samples", absl::FormatDuration(one),
                    "set each between 0 and 24h");
  }
  const absl::Duration wait = FromProto(message.retry_after());
  if (wait >= absl::ZeroDuration()) return absl::OkStatus();
  return BadField("RETRY_AFTER_INVALID", "retry_after", absl::FormatDuration(wait),
                  "set it to at least 0, or leave it out");
}

absl::Status ReadRetries(const v1::Tally& message, std::vector<Tally::Retries>& retries) {
  uint64_t succeeded = 0, failed = 0;
  absl::Status kinds =
      CheckAtMost("retries", message.retries_size(), kMaxRetryKinds, "how many kinds there are");
  if (!kinds.ok()) return kinds;
  for (const v1::RetryTally& kind : message.retries()) {
    succeeded += kind.succeeded();
    failed += kind.failed();
    // The outcomes stand in the same order.
    const auto previous = static_cast<Outcome>(kind.previous_outcome() - v1::OUTCOME_SUCCESS);
    if (!v1::Outcome_IsValid(kind.previous_outcome()) || !IsFailure(previous)) {
      return BadField("OUTCOME_INVALID", "retries.previous_outcome",
                      absl::StrCat(kind.previous_outcome()),
                      "use FAILURE, TIMEOUT or RATE_LIMITED");
    }
    if (kind.attempt() < 2) {
      return BadField("COUNT_INVALID", "retries.attempt", absl::StrCat(kind.attempt()),
                      "a retry is attempt 2 or later");
    }
    retries.push_back({previous, kind.attempt(), kind.succeeded(), kind.failed()});
  }
  absl::Status status =
      CheckAtMost("retries.succeeded", succeeded, Succeeded(message), "all that succeeded");
  status.Update(CheckAtMost("retries.failed", failed, Failed(message), "all that failed"));
  return status;
}

absl::Status ReadRefusals(const v1::Tally& message, std::vector<Tally::Refusals>& refusals) {
  absl::Status kinds =
      CheckAtMost("refusals", message.refusals_size(), kMaxReasons, "how many reasons there are");
  if (!kinds.ok()) return kinds;
  for (const v1::RefusalTally& kind : message.refusals()) {
    if (!v1::Reason_IsValid(kind.reason()) || kind.reason() == v1::REASON_UNSPECIFIED) {
      return BadField("COUNT_INVALID", "refusals.reason", absl::StrCat(kind.reason()),
                      "use a reason that Allow may give");
    }
    const absl::Status calls =
        CheckAtMost("refusals.calls", kind.calls(), kMaxCalls, "what one row may have");
    if (!calls.ok()) return calls;
    refusals.push_back({static_cast<Reason>(kind.reason()), kind.calls()});
  }
  return absl::OkStatus();
}

OutcomeCounts ReadOutcomes(const v1::Tally& message) {
  OutcomeCounts outcomes{.successes = message.successes(),
                         .caller_errors = message.caller_errors(),
                         .failures = message.failures(),
                         .timeouts = message.timeouts(),
                         .rate_limited = message.rate_limited(),
                         .slow = message.slow(),
                         .trailing_failures = message.trailing_failures()};
  if (message.has_retry_after()) {
    outcomes.retry_after = std::min(FromProto(message.retry_after()), kMaxCallTime);
  }
  return outcomes;
}

// Also of a server that is not as it should be.
absl::Duration UpToADay(const google::protobuf::Duration& duration) {
  return std::clamp(FromProto(duration), absl::ZeroDuration(), kMaxCallTime);
}

}  // namespace

absl::StatusOr<TallyRow> FromProto(const v1::Tally& message) {
  TallyRow row;
  absl::Status status = CheckCounts(message);
  status.Update(CheckTimes(message));
  if (message.retries_size() > 0) status.Update(ReadRetries(message, row.retries));
  if (message.refusals_size() > 0) status.Update(ReadRefusals(message, row.refusals));
  if (!status.ok()) return status;
  for (const google::protobuf::Duration& sample : message.latency_samples()) {
    row.latency_samples.push_back(FromProto(sample));
  }
  row.outcomes = ReadOutcomes(message);
  row.epoch = message.epoch();
  row.timed = message.timed();
  if (message.has_latency()) row.latency = FromProto(message.latency());
  return row;
}

v1::BreakerState ToProto(const Standing& standing) {
  v1::BreakerState message;
  message.set_epoch(standing.epoch);
  message.set_revision(standing.revision);
  message.set_state(ToProto(standing.state));
  if (standing.state == State::kOpen) {
    *message.mutable_retry_after() = ToProto(standing.retry_after);
  }
  if (standing.closed_for.has_value()) {
    *message.mutable_closed_for() = ToProto(*standing.closed_for);
  }
  if (standing.override != nullptr) {
    message.set_override(ToProto(standing.override->mode));
    if (standing.override_ttl != absl::InfiniteDuration()) {
      *message.mutable_override_ttl() = ToProto(standing.override_ttl);
    }
  }
  if (standing.hedge_delay.has_value()) {
    *message.mutable_hedge_delay() = ToProto(*standing.hedge_delay);
  }
  message.set_hurry(!standing.healthy);
  return message;
}

Standing FromProto(const v1::BreakerState& message) {
  Standing standing{.epoch = message.epoch(), .revision = message.revision()};
  if (message.state() == v1::STATE_OPEN) standing.state = State::kOpen;
  if (message.state() == v1::STATE_HALF_OPEN) standing.state = State::kHalfOpen;
  standing.retry_after = UpToADay(message.retry_after());
  if (message.has_closed_for()) standing.closed_for = UpToADay(message.closed_for());
  if (const std::optional<OverrideMode> mode = FromProto(message.override())) {
    standing.override = std::make_shared<const Override>(Override{.mode = *mode});
    standing.override_ttl =
        message.has_override_ttl() ? UpToADay(message.override_ttl()) : absl::InfiniteDuration();
  }
  if (message.has_hedge_delay()) standing.hedge_delay = UpToADay(message.hedge_delay());
  standing.healthy = !message.hurry();
  return standing;
}

v1::Tally ToProto(const Tally& tally) {
  v1::Tally message;
  const OutcomeCounts& outcomes = tally.outcomes;
  message.set_epoch(tally.epoch);
  message.set_successes(outcomes.successes);
  message.set_failures(outcomes.failures);
  message.set_timeouts(outcomes.timeouts);
  message.set_rate_limited(outcomes.rate_limited);
  message.set_caller_errors(outcomes.caller_errors);
  message.set_slow(outcomes.slow);
  message.set_trailing_failures(outcomes.trailing_failures);
  if (outcomes.retry_after.has_value()) {
    *message.mutable_retry_after() = ToProto(*outcomes.retry_after);
  }
  message.set_timed(tally.timed);
  if (tally.timed > 0) *message.mutable_latency() = ToProto(tally.latency);
  for (const absl::Duration sample : tally.latency_samples) {
    *message.add_latency_samples() = ToProto(sample);
  }
  for (const Tally::Retries& kind : tally.retries) {
    v1::RetryTally& row = *message.add_retries();
    row.set_previous_outcome(ToProto(kind.previous));
    row.set_attempt(kind.attempt);
    row.set_succeeded(kind.succeeded);
    row.set_failed(kind.failed);
  }
  for (const Tally::Refusals& kind : tally.refusals) {
    v1::RefusalTally& row = *message.add_refusals();
    row.set_reason(ToProto(kind.reason));
    row.set_calls(kind.calls);
  }
  return message;
}

}  // namespace fusebox
