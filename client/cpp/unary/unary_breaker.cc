#include "client/cpp/unary/unary_breaker.h"

#include <algorithm>
#include <utility>

#include "client/cpp/local/held.h"
#include "proto/convert/convert.h"

namespace fusebox::internal {
namespace {

v1::BatchRecordItem ItemFor(absl::string_view breaker, const Gate::End& end) {
  v1::BatchRecordItem item;
  item.set_breaker(std::string(breaker));
  if (end.grpc_code.has_value()) {
    item.set_grpc_code(*end.grpc_code);  // Its policy is known to the server.
  } else {
    item.set_outcome(ToProto(end.outcome));
  }
  if (end.latency.has_value()) *item.mutable_latency() = ToProto(absl::Nanoseconds(*end.latency));
  if (end.retry_after.has_value()) *item.mutable_retry_after() = ToProto(*end.retry_after);
  return item;
}

// As far as an answer tells it.
Standing StandingOf(const v1::AllowResponse& answer) {
  Standing standing{.state = FromProto(answer.state()), .epoch = answer.epoch()};
  const absl::Duration retry_after = FromProto(answer.retry_after());
  const auto impose = [&standing](OverrideMode mode, absl::Duration ttl) {
    standing.override = std::make_shared<const Override>(Override{.mode = mode});
    standing.override_ttl = ttl;
  };
  if (answer.shadow_denied()) impose(OverrideMode::kShadow, absl::InfiniteDuration());
  if (answer.reason() == v1::REASON_OPEN) standing.retry_after = retry_after;
  if (answer.decision() == v1::DECISION_DENIED && answer.reason() == v1::REASON_FORCED_OPEN) {
    impose(OverrideMode::kForcedOpen, retry_after);
  }
  return standing;
}

// Not for what the breaker itself knows: state and override.
bool IsOfLimits(Reason reason) { return reason != Reason::kOpen && reason != Reason::kForcedOpen; }

}  // namespace

UnaryBreaker::UnaryBreaker(std::string name, std::shared_ptr<const RulingPolicy> policy,
                           LocalBreaker::Surroundings surroundings, Remote& remote,
                           Reporter& reporter)
    : Gate(surroundings.stopwatch),
      surroundings_(surroundings),
      own_(std::move(name), std::move(policy), std::move(surroundings)),
      remote_(remote),
      reporter_(reporter) {
  word_.store(Word(0, Way::kLookCloser, Reason::kNone, Timing::kNone));
}

Gate::Grant UnaryBreaker::LookCloser(const Ask& ask) {
  if (const std::optional<v1::AllowResponse> answer = remote_.Ask(name(), ask)) {
    return Follow(*answer, ask);
  }
  // One answer that is missing is no reason to probe beside the fleet.
  if (remote_.IsReachable() && IsStillRefused()) {
    return Refuse(own_.RetryAfter(Reason::kOpen) > absl::ZeroDuration() ? Reason::kOpen
                                                                        : Reason::kProbesBusy);
  }
  return DecideAlone(ask);
}

Gate::Grant UnaryBreaker::Follow(const v1::AllowResponse& answer, const Ask& ask) {
  own_.Push(StandingOf(answer), nullptr, 1);
  told_refusing_.store(answer.state() != v1::STATE_CLOSED && !answer.shadow_denied(),
                       std::memory_order_relaxed);
  if (answer.decision() != v1::DECISION_ALLOWED) {
    const Reason reason = FromProto(answer.reason());
    if (IsOfLimits(reason)) {
      const Tick until = Now() + FromProto(answer.retry_after());
      refused_until_[static_cast<size_t>(reason)].store(until.nanos(), std::memory_order_relaxed);
    }
    return Refuse(reason);
  }
  if (ask.IsFirst()) {
    hedge_delay_.store(absl::ToInt64Nanoseconds(FromProto(answer.hedge_delay())),
                       std::memory_order_relaxed);
  }
  auto held = std::make_unique<Held>();
  held->lent = answer.permit();
  return {.word = Word(0, Way::kPass, Reason::kNone, Timing::kAll), .held = held.release()};
}

Gate::Grant UnaryBreaker::Refuse(Reason reason) {
  decided_by_server_.fetch_add(1, std::memory_order_relaxed);
  return {.word = Word(0, Way::kRefuse, reason, Timing::kNone)};
}

bool UnaryBreaker::IsStillRefused() const {
  return surroundings_.without_server == WithoutServer::kLocal &&
         told_refusing_.load(std::memory_order_relaxed);
}

// Its end is the breaker's own, whichever of the two it came from; so it holds something.
Gate::Grant UnaryBreaker::DecideAlone(const Ask& ask) {
  Grant grant = own_.DecideAlone(ask);
  if (grant.word.way() != Way::kPass) return grant;
  if (grant.held == nullptr) grant.held = std::make_unique<Held>().release();
  grant.word = Word(grant.word.generation(), Way::kPass, Reason::kNone, Timing::kAll);
  return grant;
}

void UnaryBreaker::EndSlowly(const Grant& grant, const End& end) {
  v1::BatchRecordItem item = ItemFor(name(), end);
  if (!grant.held->lent.empty()) {
    const std::unique_ptr<Held> held(grant.held);
    item.set_permit(std::move(held->lent));
    if (end.outcome != Outcome::kIgnored) {
      decided_by_server_.fetch_add(1, std::memory_order_relaxed);
      own_.Observe(end);
    }
    return reporter_.Add(std::move(item));
  }
  own_.EndSlowly(grant, end);
  const bool says_nothing = end.outcome == Outcome::kIgnored && !end.grpc_code.has_value();
  if (says_nothing || !remote_.IsReachable()) return;
  item.set_epoch(own_.epoch());
  item.set_count(1);
  reporter_.Add(std::move(item));
}

absl::Duration UnaryBreaker::RetryAfter(Reason reason) const {
  if (!IsOfLimits(reason)) return own_.RetryAfter(reason);
  const Tick until =
      Tick::FromNanos(refused_until_[static_cast<size_t>(reason)].load(std::memory_order_relaxed));
  return std::max(until - Now(), absl::ZeroDuration());
}

absl::Status UnaryBreaker::RefusalFor(Reason reason) const {
  return surroundings_.refusal(name(), reason, RetryAfter(reason));
}

std::optional<absl::Duration> UnaryBreaker::HedgeDelay() const {
  const int64_t delay = hedge_delay_.load(std::memory_order_relaxed);
  return delay > 0 ? std::optional(absl::Nanoseconds(delay)) : std::nullopt;
}

Decisions UnaryBreaker::decisions() {
  Decisions decisions = own_.decisions();
  // Of calls that it let pass by itself, and that ended when the server was back.
  decisions.local += std::exchange(decisions.pushed, 0);
  decisions.unary = decided_by_server_.load(std::memory_order_relaxed);
  return decisions;
}

}  // namespace fusebox::internal
