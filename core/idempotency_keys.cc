#include "core/idempotency_keys.h"

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
  OrderOf(standing).emplace(std::pair(standing.known_until, standing.serial), &node);
  if (standing.permit.has_value()) awaited_.emplace(*standing.permit, &node);
}

void IdempotencyKeys::Unlist(const Node& node) {
  const Standing& standing = node.second.standing;
  OrderOf(standing).erase({standing.known_until, standing.serial});
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
}

IdempotencyKeys::Begun IdempotencyKeys::Standing::At(Tick now) const {
  if (succeeded) return Begun::kSucceeded;
  return now < in_flight_until ? Begun::kInFlight : Begun::kUnknown;
}

IdempotencyKeys::Begun IdempotencyKeys::Begin(const IdempotencyPolicy& policy,
                                              absl::string_view key, PermitId permit,
                                              absl::Duration lease, bool retry_unknown, Tick now) {
  Advance(now);
  const Standing in_flight{.permit = permit,
                           .in_flight_until = now + lease,
                           .known_until = now + lease + policy.ttl,
                           .serial = next_serial_++};
  const auto known = keys_.find(key);
  if (known == keys_.end()) {
    if (pending_.size() >= policy.max_keys) {
      ++refused_;
      return Begun::kFull;
    }
    Enlist(*keys_.try_emplace(key).first, in_flight);
    ++begun_;
    return Begun::kFresh;
  }
  const Begun first = known->second.standing.At(now);
  if (first == Begun::kUnknown && retry_unknown) {
    Retry(*known, in_flight);
    ++begun_;
    return Begun::kFresh;
  }
  ++duplicates_;
  return first;
}

std::optional<IdempotencyKeys::Begun> IdempotencyKeys::RefuseDuplicate(absl::string_view key,
                                                                       bool retry_unknown,
                                                                       Tick now) {
  Advance(now);
  const auto known = keys_.find(key);
  if (known == keys_.end()) return std::nullopt;
  const Begun first = known->second.standing.At(now);
  if (first == Begun::kUnknown && retry_unknown) return std::nullopt;
  ++duplicates_;
  return first;
}

void IdempotencyKeys::Retry(Node& node, Standing in_flight) {
  node.second.before = std::make_unique<Standing>(node.second.standing);
  in_flight.doubted = true;
  Change(node, in_flight);
}

bool IdempotencyKeys::End(const IdempotencyPolicy& policy, PermitId permit, Outcome outcome,
                          Tick now) {
  Advance(now);
  const auto awaited = awaited_.find(permit);
  if (awaited == awaited_.end()) return false;
  Node& node = *awaited->second;
  if (IsKnownNotDone(outcome)) {
    TakeNotDone(node, now);
  } else if (outcome == Outcome::kSuccess) {
    Settle(node, {.succeeded = true, .known_until = now + policy.ttl});
    ForgetSuccessesAbove(policy.max_keys);
  } else {
    Settle(node, {.known_until = now + policy.ttl});
  }
  return true;
}

bool IdempotencyKeys::GiveBack(PermitId permit, Tick now) {
  Advance(now);
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
  const bool expired = standing.in_flight_until <= now;
  if (expired && standing.doubted) return Settle(node, {.known_until = standing.known_until});
  const std::unique_ptr<Standing> before = std::move(node.second.before);
  if (before == nullptr || before->known_until <= now) return Forget(node);
  Change(node, *before);
}

// Nobody can end it any more.
void IdempotencyKeys::Settle(Node& node, Standing settled) {
  settled.serial = node.second.standing.serial;
  node.second.before.reset();
  Change(node, settled);
}

void IdempotencyKeys::ForgetSuccessesAbove(uint32_t most) {
  for (; keys_.size() > most && !succeeded_.empty(); ++forgotten_) {
    Forget(*succeeded_.begin()->second);
  }
}

void IdempotencyKeys::Advance(Tick now) {
  for (Order* order : {&pending_, &succeeded_}) {
    while (!order->empty() && order->begin()->first.first <= now) Forget(*order->begin()->second);
  }
}

}  // namespace fusebox
