#include "core/bulkhead.h"

#include <algorithm>

namespace fusebox {

bool Bulkhead::TryTake(const BulkheadPolicy& policy, PermitId permit, Tick now,
                       absl::Duration lease) {
  const bool is_short = lease < policy.lease_timeout;
  const Tick ends_early = is_short ? now + lease : Tick::Max();
  if (IsFull(policy, now) || !leases_.Add(permit, {now, ends_early})) {
    ++refused_;
    return false;
  }
  if (is_short) short_.emplace(ends_early, permit.epoch, permit.number);
  ++granted_;
  return true;
}

bool Bulkhead::Return(PermitId permit, Tick now) {
  Advance(now);
  const Lease* lease = leases_.Find(permit);
  if (lease == nullptr) return false;
  short_.erase({lease->ends_early, permit.epoch, permit.number});
  return leases_.Remove(permit);
}

bool Bulkhead::GiveBack(PermitId permit, Tick now) {
  if (!Return(permit, now)) return false;
  --granted_;
  return true;
}

bool Bulkhead::IsFull(const BulkheadPolicy& policy, Tick now) {
  Advance(now);
  return leases_.size() >= policy.max_concurrent;
}

Tick Bulkhead::NextDeadline() const {
  if (leases_.empty()) return Tick::Max();
  const Tick oldest = leases_.front().value.taken + lease_timeout_;
  return short_.empty() ? oldest : std::min(oldest, std::get<0>(*short_.begin()));
}

void Bulkhead::Advance(Tick now) {
  while (!short_.empty() && std::get<0>(*short_.begin()) <= now) {
    const auto [end, epoch, number] = *short_.begin();
    Expire({epoch, number});
  }
  while (!leases_.empty() && leases_.front().value.taken + lease_timeout_ <= now) {
    Expire(leases_.front().id);
  }
}

void Bulkhead::Expire(PermitId permit) {
  short_.erase({leases_.Find(permit)->ends_early, permit.epoch, permit.number});
  leases_.Remove(permit);
  ++expired_;
}

absl::Duration Bulkhead::RetryAfter(Tick now) const {
  constexpr absl::Duration kSoon = absl::Milliseconds(100);
  return std::min(kSoon, NextDeadline() - now);
}

void Bulkhead::ChangePolicy(const BulkheadPolicy& to, Tick now) {
  Advance(now);
  lease_timeout_ = to.lease_timeout;
}

}  // namespace fusebox
