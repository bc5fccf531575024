#include "core/limits.h"

#include <algorithm>

namespace fusebox {
namespace {

bool UsesKey(const Policy& policy, const Question& question) {
  return policy.idempotency.on() && !question.idempotency_key.empty();
}

// Without a bulkhead, a holder of a key is lost as soon as one of a probe is.
absl::Duration KeyLease(const Policy& policy, const Question& question) {
  return std::min(question.lease, policy.bulkhead.on() ? policy.bulkhead.lease_timeout
                                                       : policy.circuit_breaker.probe_timeout);
}

}  // namespace

std::optional<RateLimitStatus> Limits::RateLimitAt(const RateLimitPolicy& policy, Tick now) const {
  if (!policy.on()) return std::nullopt;
  const RateLimit blank(policy, now);
  const RateLimit& limit = rate_limit() == nullptr ? blank : *rate_limit();
  return RateLimitStatus{.available = limit.Available(policy, now),
                         .granted = limit.granted(),
                         .refused = limit.refused()};
}

std::optional<BulkheadStatus> Limits::BulkheadAt(const BulkheadPolicy& policy, Tick now) {
  if (!policy.on()) return std::nullopt;
  BulkheadStatus status{.max_concurrent = policy.max_concurrent};
  if (bulkhead() == nullptr) return status;
  bulkhead()->Advance(now);
  status.in_use = static_cast<uint32_t>(bulkhead()->InUse());
  status.granted = bulkhead()->granted();
  status.refused = bulkhead()->refused();
  status.expired = bulkhead()->expired();
  return status;
}

std::optional<IdempotencyStatus> Limits::IdempotencyAt(const IdempotencyPolicy& policy, Tick now) {
  if (!policy.on()) return std::nullopt;
  if (keys() == nullptr) return IdempotencyStatus();
  keys()->Advance(now);
  return IdempotencyStatus{.keys = static_cast<uint32_t>(keys()->size()),
                           .begun = keys()->begun(),
                           .duplicates = keys()->duplicates(),
                           .refused = keys()->refused()};
}

bool Limits::Concern(const Policy& policy, const Question& question) {
  return policy.bulkhead.on() || policy.rate_limit.on() || UsesKey(policy, question) ||
         (question.IsExtra() && HasPrivateBudget(policy));
}

absl::Duration LeaseOf(const Policy& policy, const Question& question) {
  if (policy.bulkhead.on() || UsesKey(policy, question)) return KeyLease(policy, question);
  return absl::ZeroDuration();
}

std::optional<Refusal> Limits::Take(const Policy& policy, const Question& question, PermitId permit,
                                    Tick now) {
  if (auto refusal = TakeKey(policy, question, permit, now)) return refusal;
  if (auto refusal = TakeRoom(policy, question, permit, now)) {
    if (keys() != nullptr) keys()->GiveBack(permit, now);
    return refusal;
  }
  auto refusal = TakeRetry(policy, question, now);
  if (refusal.has_value()) GiveBack(policy, permit, now, now);
  return refusal;
}

// A place and a token, or none of them.
std::optional<Refusal> Limits::TakeRoom(const Policy& policy, const Question& question,
                                        PermitId permit, Tick now) {
  if (auto refusal = QueueUp(policy, question, now)) return refusal;
  if (auto refusal = TakePlace(policy, question, permit, now)) return refusal;
  auto refusal = TakeToken(policy, now);
  if (refusal.has_value() && bulkhead() != nullptr) bulkhead()->GiveBack(permit, now);
  return refusal;
}

// Which part has nothing for a further call just now.
std::optional<Reason> Limits::WhatLacks(const Policy& policy, Tick now) {
  const bool full =
      policy.bulkhead.on() && bulkhead() != nullptr && bulkhead()->IsFull(policy.bulkhead, now);
  if (full) return Reason::kBulkhead;
  const bool drained = policy.rate_limit.on() && rate_limit() != nullptr &&
                       rate_limit()->Wait(policy.rate_limit, 0, now) > absl::ZeroDuration();
  if (drained) return Reason::kRateLimit;
  return std::nullopt;
}

// Nothing, if it may take at once, or be refused by the part that lacks.
std::optional<Refusal> Limits::QueueUp(const Policy& policy, const Question& question, Tick now) {
  const bool scarce = policy.bulkhead.on() || policy.rate_limit.on();
  const bool behind = scarce && !question.in_turn && waiting() > 0;
  if (!behind && !question.wait.has_value()) return std::nullopt;
  std::optional<Reason> lacks = WhatLacks(policy, now);
  if (!behind && !lacks.has_value()) return std::nullopt;
  if (!lacks.has_value()) lacks = policy.bulkhead.on() ? Reason::kBulkhead : Reason::kRateLimit;
  if (Enqueue(policy, question, now)) return Refusal{.reason = *lacks, .waits = true};
  return RefuseFor(policy, *lacks, now);
}

// Who could not have a token in time need not wait for it.
bool Limits::Enqueue(const Policy& policy, const Question& question, Tick now) {
  if (!question.wait.has_value()) return false;
  const absl::Duration longest = std::min(question.wait->longest, policy.queue.max_wait);
  if (longest <= absl::ZeroDuration()) return false;
  if (policy.rate_limit.on() && rate_limit() != nullptr) {
    const auto ahead = static_cast<uint32_t>(waiting());
    if (rate_limit()->Wait(policy.rate_limit, ahead, now) > longest) return false;
  }
  return EnsureWaiters().Enqueue(question, now + longest, policy.queue.max_queue);
}

Refusal Limits::RefuseFor(const Policy& policy, Reason reason, Tick now) {
  if (reason == Reason::kBulkhead) {
    EnsureBulkhead(policy).CountRefusal();
    return {.reason = reason, .retry_after = bulkhead()->RetryAfter(now)};
  }
  EnsureRateLimit(policy, now).CountRefusal();
  const auto ahead = static_cast<uint32_t>(waiting());
  return {.reason = reason, .retry_after = rate_limit()->Wait(policy.rate_limit, ahead, now)};
}

std::optional<Waiters::Left> Limits::NextToAsk(const Policy& policy, bool settled, Tick now) {
  if (waiting() == 0) return std::nullopt;
  // Who is the first is served, if that is possible, even if it is late.
  const bool can = settled || !WhatLacks(policy, now).has_value();
  return can ? waiters()->TakeNext() : waiters()->TakeExpired(now);
}

Tick Limits::NextTurn(const Policy& policy, bool settled, Tick now) {
  if (waiting() == 0) return Tick::Max();
  const std::optional<Reason> lacks = settled ? std::nullopt : WhatLacks(policy, now);
  if (!lacks.has_value()) return now;
  const Tick deadline = waiters()->NextDeadline();
  if (*lacks == Reason::kBulkhead) return std::min(deadline, bulkhead()->NextDeadline());
  return std::min(deadline, now + rate_limit()->Wait(policy.rate_limit, 0, now));
}

std::optional<Waiters::Left> Limits::TakeAnyWaiter() {
  if (waiters() == nullptr) return std::nullopt;
  return waiters()->TakeExpired(Tick::Max());
}

void Limits::GiveBack(const Policy& policy, PermitId permit, Tick taken, Tick now) {
  if (policy.rate_limit.on() && rate_limit() != nullptr) {
    rate_limit()->GiveBack(policy.rate_limit, taken);
  }
  if (bulkhead() != nullptr) bulkhead()->GiveBack(permit, now);
  if (keys() != nullptr) keys()->GiveBack(permit, now);
}

std::optional<Refusal> Limits::TakeKey(const Policy& policy, const Question& question,
                                       PermitId permit, Tick now) {
  if (!UsesKey(policy, question)) return std::nullopt;
  const IdempotencyKeys::Begun begun =
      EnsureKeys().Begin(policy.idempotency, question.idempotency_key, permit,
                         KeyLease(policy, question), question.retry_unknown, now);
  switch (begun) {
    case IdempotencyKeys::Begun::kFresh:
      return std::nullopt;
    case IdempotencyKeys::Begun::kFull:
      return Refusal{.reason = Reason::kKeysFull, .retry_after = absl::Milliseconds(100)};
    case IdempotencyKeys::Begun::kInFlight:
    case IdempotencyKeys::Begun::kSucceeded:
    case IdempotencyKeys::Begun::kUnknown:
      break;
  }
  return Refusal{.reason = Reason::kDuplicate, .first = begun};
}

std::optional<IdempotencyKeys::Begun> Limits::RefuseDuplicate(const Policy& policy,
                                                              const Question& question, Tick now) {
  if (keys() == nullptr || !UsesKey(policy, question)) return std::nullopt;
  return keys()->RefuseDuplicate(question.idempotency_key, question.retry_unknown, now);
}

std::optional<Refusal> Limits::TakePlace(const Policy& policy, const Question& question,
                                         PermitId permit, Tick now) {
  if (!policy.bulkhead.on()) return std::nullopt;
  if (EnsureBulkhead(policy).TryTake(policy.bulkhead, permit, now, question.lease)) {
    return std::nullopt;
  }
  return Refusal{.reason = Reason::kBulkhead, .retry_after = bulkhead()->RetryAfter(now)};
}

std::optional<Refusal> Limits::TakeToken(const Policy& policy, Tick now) {
  if (!policy.rate_limit.on()) return std::nullopt;
  const RateLimit::Answer answer = EnsureRateLimit(policy, now).TryTake(policy.rate_limit, now);
  if (answer.taken) return std::nullopt;
  return Refusal{.reason = Reason::kRateLimit, .retry_after = answer.retry_after};
}

std::optional<Refusal> Limits::TakeRetry(const Policy& policy, const Question& question, Tick now) {
  if (!question.IsExtra() || !HasPrivateBudget(policy)) return std::nullopt;
  if (EnsureBudget(policy, now).TryWithdraw(policy.retry_budget, now)) return std::nullopt;
  return Refusal{.reason = Reason::kRetryBudget,
                 .retry_after = RetryBudget::RetryAfter(policy.retry_budget)};
}

void Limits::End(const Policy& policy, PermitId permit, Outcome outcome, bool unsent, Tick now) {
  FreePlace(permit, now);
  if (keys() == nullptr) return;
  if (unsent && !IsSuccess(outcome)) {
    keys()->GiveBack(permit, now);
  } else {
    keys()->End(policy.idempotency, permit, outcome, now);
  }
}

void Limits::FreePlace(PermitId permit, Tick now) {
  if (bulkhead() != nullptr) bulkhead()->Return(permit, now);
}

void Limits::Earn(const Policy& policy, uint32_t calls, Tick now) {
  if (HasPrivateBudget(policy)) EnsureBudget(policy, now).Deposit(policy.retry_budget, calls, now);
}

bool Limits::HoldsRetry(const Policy& policy, Tick now) {
  if (!HasPrivateBudget(policy)) return true;
  RetryBudget blank(policy.retry_budget, now);
  RetryBudget& budget = budget_ != nullptr ? *budget_ : blank;
  return budget.Balance(policy.retry_budget, now) >= RetryBudget::kOneRetry;
}

Limits::Switched& Limits::EnsureSwitched() {
  if (switched_ == nullptr) switched_ = std::make_unique<Switched>();
  return *switched_;
}

IdempotencyKeys& Limits::EnsureKeys() {
  auto& part = EnsureSwitched().keys;
  if (part == nullptr) part = std::make_unique<IdempotencyKeys>();
  return *part;
}

Bulkhead& Limits::EnsureBulkhead(const Policy& policy) {
  auto& part = EnsureSwitched().bulkhead;
  if (!part.has_value()) part.emplace(policy.bulkhead);
  return *part;
}

RateLimit& Limits::EnsureRateLimit(const Policy& policy, Tick now) {
  auto& part = EnsureSwitched().rate_limit;
  if (!part.has_value()) part.emplace(policy.rate_limit, now);
  return *part;
}

Waiters& Limits::EnsureWaiters() {
  auto& part = EnsureSwitched().waiters;
  if (part == nullptr) part = std::make_unique<Waiters>();
  return *part;
}

RetryBudget& Limits::EnsureBudget(const Policy& policy, Tick now) {
  if (budget_ == nullptr) budget_ = std::make_unique<RetryBudget>(policy.retry_budget, now);
  return *budget_;
}

void Limits::Reset() {
  budget_.reset();
  if (switched_ != nullptr) switched_->rate_limit.reset();
  DropSwitchedIfEmpty();
}

// What is switched off is forgotten with what it holds: nobody asks it any more.
void Limits::ChangePolicy(const Policy& from, const Policy& to, Tick now) {
  if (budget_ != nullptr) budget_->ChangePolicy(from.retry_budget, to.retry_budget, now);
  if (switched_ == nullptr) return;
  if (!to.idempotency.on()) switched_->keys.reset();
  if (!to.bulkhead.on()) switched_->bulkhead.reset();
  if (!to.rate_limit.on()) switched_->rate_limit.reset();
  if (bulkhead() != nullptr) bulkhead()->ChangePolicy(to.bulkhead, now);
  if (rate_limit() != nullptr) rate_limit()->ChangePolicy(from.rate_limit, to.rate_limit, now);
  DropSwitchedIfEmpty();
}

bool Limits::Trim(const Policy& policy, Tick now) {
  const bool trimmed = TrimSwitched(policy, now);
  if (budget_ == nullptr || waiting() > 0 || !budget_->IsBlank(policy.retry_budget, now)) {
    return trimmed;
  }
  budget_.reset();
  return true;
}

bool Limits::TrimSwitched(const Policy& policy, Tick now) {
  if (switched_ == nullptr) return false;
  bool trimmed = false;
  const auto drop = [&trimmed](auto& part) {
    part.reset();
    trimmed = true;
  };
  Switched& parts = *switched_;
  if (parts.keys != nullptr) {
    parts.keys->Advance(now);
    if (parts.keys->IsBlank()) drop(parts.keys);
  }
  if (parts.bulkhead.has_value()) {
    parts.bulkhead->Advance(now);
    if (parts.bulkhead->IsBlank()) drop(parts.bulkhead);
  }
  if (parts.waiters != nullptr && parts.waiters->empty()) drop(parts.waiters);
  const bool waits = parts.waiters != nullptr;
  if (parts.rate_limit.has_value() && !waits && parts.rate_limit->IsBlank(policy.rate_limit, now)) {
    drop(parts.rate_limit);
  }
  DropSwitchedIfEmpty();
  return trimmed;
}

void Limits::DropSwitchedIfEmpty() {
  if (switched_ != nullptr && switched_->IsEmpty()) switched_.reset();
}

bool Limits::IsHolding(const Policy& policy, Tick now) {
  if (waiting() > 0) return true;
  if (bulkhead() != nullptr) bulkhead()->Advance(now);
  if (bulkhead() != nullptr && bulkhead()->InUse() > 0) return true;
  if (keys() != nullptr) keys()->Advance(now);
  if (keys() != nullptr && keys()->size() > 0) return true;
  if (rate_limit() != nullptr && policy.rate_limit.on() &&
      !rate_limit()->IsFull(policy.rate_limit, now)) {
    return true;
  }
  RetryBudget unspent(policy.retry_budget, now);
  return budget_ != nullptr &&
         budget_->Balance(policy.retry_budget, now) < unspent.Balance(policy.retry_budget, now);
}

}  // namespace fusebox
