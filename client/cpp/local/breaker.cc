#include "fusebox/breaker.h"

#include <algorithm>

namespace fusebox {

namespace {

internal::Gate::Ask AskFor(const Attempt& attempt) {
  return {.attempt = attempt.number, .previous_failure = attempt.previous, .hedge = attempt.hedge};
}

}  // namespace

void Breaker::Expect(const Attempt& attempt) const { gate_->Expect(AskFor(attempt)); }

Breaker::Permit Breaker::AllowSlowly(internal::Gate& gate, const Attempt& attempt) {
  const internal::Gate::Grant grant = gate.LookCloser(AskFor(attempt));
  return Permit(gate, grant, gate.Begin(grant.word));
}

absl::Duration Breaker::Permit::retry_after() const {
  if (allowed() || gate_ == nullptr) return absl::ZeroDuration();
  return gate_->RetryAfter(reason());
}

absl::Status Breaker::Permit::status() const {
  return allowed() || gate_ == nullptr ? absl::OkStatus() : gate_->RefusalFor(reason());
}

void Breaker::Permit::RecordSlowly(internal::Gate::End end) {
  if (!allowed()) return;
  internal::Gate* const gate = std::exchange(gate_, nullptr);
  const internal::Gate::Grant grant = std::exchange(grant_, {.word = grant_.word});
  if (gate == nullptr) return;
  if (grant.held == nullptr && end.outcome == Outcome::kIgnored) return;
  if (begun_ != internal::Gate::kUntimed) {
    const internal::Stopwatch& stopwatch = gate->stopwatch();
    end.latency = stopwatch.NanosBetween(begun_, stopwatch.Read());
  }
  constexpr uint64_t kDay = 86'400'000'000'000;
  if (end.latency.has_value()) end.latency = std::min(*end.latency, kDay);
  if (end.retry_after.has_value()) {
    end.retry_after = std::clamp(*end.retry_after, absl::ZeroDuration(), absl::Hours(24));
  }
  gate->EndSlowly(grant, end);
}

void Breaker::Permit::RecordStatus(const absl::Status& status, absl::Duration retry_after) {
  if (gate_ == nullptr) return;
  internal::Gate::End end{.outcome = gate_->Classify(status),
                          .grpc_code = static_cast<int>(status.code())};
  if (retry_after > absl::ZeroDuration()) end.retry_after = retry_after;
  RecordSlowly(end);
}

}  // namespace fusebox
