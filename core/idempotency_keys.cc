#include "core/idempotency_keys.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/id_line.h"

namespace fusebox {
namespace {

// Whether the upstream answered that it did not do it. Who cannot be sure says TIMEOUT or IGNORED.
bool IsKnownNotDone(Outcome outcome) {
  return outcome == Outcome::kFailure || outcome == Outcome::kCallerError ||
         outcome == Outcome::kRateLimited;
}

}  // namespace

absl::Status CheckIdempotencyKey(absl::string_view key) {
  if (!key.empty() && key.size() <= kMaxIdempotencyKeyBytes) return absl::OkStatus();
  return MakeError(absl::StatusCode::kInvalidArgument, "IDEMPOTENCY_KEY_INVALID",
                   absl::StrCat("idempotency_key ", QuoteForError(key), " is ", key.size(),
                                " bytes long; use 1 to ", kMaxIdempotencyKeyBytes, " bytes"),
                   "idempotency_key");
}

void IdempotencyKeys::Enlist(Node& node, const Standing& standing) {
  node.second.standing = standing;
  OrderOf(standing.state).emplace(std::pair(standing.until, standing.serial), &node);
  if (standing.permit.has_value()) awaited_.emplace(*standing.permit, &node);
}

void IdempotencyKeys::Unlist(const Node& node) {
  const Standing& standing = node.second.standing;
  OrderOf(standing.state).erase({standing.until, standing.serial});
  if (standing.permit.has_value()) awaited_.erase(*standing.permit);
}

void IdempotencyKeys::Change(Node& node, const Standing& standing) {
  Unlist(node);
  Enlist(node, standing);
}

void IdempotencyKeys::Forget(Node& node) {
  Unlist(node);
  keys_.erase(keys_.find(node.first));
  ShrinkIfSparse(keys_);
  ShrinkIfSparse(awaited_);
}

IdempotencyKeys::Begun IdempotencyKeys::Begin(const IdempotencyPolicy& policy,
                                              absl::string_view key, PermitId permit,
                                              absl::Duration lease, bool retry_unknown, Tick now) {
  Advance(policy, now);
  const auto known = keys_.find(key);
  if (known == keys_.end()) {
    if (pending_.size() >= policy.max_keys) {
      ++refused_;
      return Begun::kFull;
    }
    Enlist(*keys_.try_emplace(key).first,
           {.permit = permit, .until = now + lease, .serial = next_serial_++});
    ++begun_;
    return Begun::kFresh;
  }
  const std::optional<Begun> first = DuplicateOf(known->second.standing.state, retry_unknown);
  if (!first.has_value()) {
    Retry(*known, permit, now + lease);
    ++begun_;
    return Begun::kFresh;
  }
  ++duplicates_;
  return *first;
}

std::optional<IdempotencyKeys::Begun> IdempotencyKeys::DuplicateOf(State first,
                                                                   bool retry_unknown) {
  switch (first) {
    case State::kInFlight:
      return Begun::kInFlight;
    case State::kSucceeded:
      return Begun::kSucceeded;
    case State::kUnknown:
      break;
  }
  if (retry_unknown) return std::nullopt;
  return Begun::kUnknown;
}

std::optional<IdempotencyKeys::Begun> IdempotencyKeys::RefuseDuplicate(
    const IdempotencyPolicy& policy, absl::string_view key, bool retry_unknown, Tick now) {
  Advance(policy, now);
  const auto known = keys_.find(key);
  if (known == keys_.end()) return std::nullopt;
  const std::optional<Begun> first = DuplicateOf(known->second.standing.state, retry_unknown);
  if (first.has_value()) ++duplicates_;
  return first;
}

void IdempotencyKeys::Retry(Node& node, PermitId permit, Tick until) {
  node.second.before = std::make_unique<Standing>(node.second.standing);
  Change(node, {.doubted = true, .permit = permit, .until = until, .serial = next_serial_++});
}

bool IdempotencyKeys::End(const IdempotencyPolicy& policy, PermitId permit, Outcome outcome,
                          Tick now) {
  Advance(policy, now);
  const auto awaited = awaited_.find(permit);
  if (awaited == awaited_.end()) return false;
  Node& node = *awaited->second;
  if (IsKnownNotDone(outcome)) {
    TakeNotDone(node, now);
  } else if (outcome == Outcome::kSuccess) {
    Settle(node, State::kSucceeded, std::nullopt, now + policy.ttl);
    ForgetSuccessesAbove(policy.max_keys);
  } else {
    Settle(node, State::kUnknown, std::nullopt, now + policy.ttl);
  }
  return true;
}

bool IdempotencyKeys::GiveBack(const IdempotencyPolicy& policy, PermitId permit, Tick now) {
  Advance(policy, now);
  const auto awaited = awaited_.find(permit);
  if (awaited == awaited_.end()) return false;
  TakeNotDone(*awaited->second, now);
  --begun_;
  return true;
}

// This try did nothing, so the key stands as it did before; but what a doubted one may have done
// before, nobody knows.
void IdempotencyKeys::TakeNotDone(Node& node, Tick now) {
  const Standing& standing = node.second.standing;
  const bool expired = standing.state == State::kUnknown;
  if (expired && standing.doubted) {
    return Settle(node, State::kUnknown, std::nullopt, standing.until);
  }
  const std::unique_ptr<Standing> before = std::move(node.second.before);
  if (before == nullptr || before->until <= now) return Forget(node);
  Change(node, *before);
}

void IdempotencyKeys::Settle(Node& node, State state, std::optional<PermitId> permit, Tick until) {
  Standing settled = node.second.standing;
  settled.state = state;
  settled.permit = permit;
  settled.until = until;
  node.second.before.reset();
  Change(node, settled);
}

void IdempotencyKeys::ForgetSuccessesAbove(uint32_t most) {
  for (; keys_.size() > most && !succeeded_.empty(); ++forgotten_) {
    Forget(*succeeded_.begin()->second);
  }
}

Tick IdempotencyKeys::NextDeadline() const {
  Tick next = Tick::Max();
  for (const Order* order : {&pending_, &succeeded_}) {
    if (!order->empty()) next = std::min(next, order->begin()->first.first);
  }
  return next;
}

void IdempotencyKeys::Advance(const IdempotencyPolicy& policy, Tick now) {
  while (!pending_.empty() && pending_.begin()->first.first <= now) {
    Node& node = *pending_.begin()->second;
    const Standing& due = node.second.standing;
    if (due.state == State::kUnknown) {
      Forget(node);
    } else {
      Settle(node, State::kUnknown, due.permit, due.until + policy.ttl);
    }
  }
  while (!succeeded_.empty() && succeeded_.begin()->first.first <= now) {
    Forget(*succeeded_.begin()->second);
  }
}

}  // namespace fusebox
