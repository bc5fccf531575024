#include "core/bulkhead.h"

#include <algorithm>
#include <cassert>

namespace fusebox {

bool Bulkhead::TryTake(const BulkheadPolicy& policy, PermitId permit, Tick now,
                       absl::Duration lease) {
  assert(leases_.empty() || leases_.rbegin()->first < permit);
  const bool has_its_own = lease < absl::InfiniteDuration();
  const Tick ends_early = has_its_own ? now + lease : Tick::Max();
  if (IsFull(policy, now) || !leases_.try_emplace(permit, Lease{now, ends_early}).second) {
    ++refused_;
    return false;
  }
  if (has_its_own) short_.emplace(ends_early, permit);
  ++granted_;
  return true;
}

bool Bulkhead::Return(PermitId permit, Tick now) {
  Advance(now);
  const auto lease = leases_.find(permit);
  if (lease == leases_.end()) return false;
  Free(lease);
  return true;
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
  const Tick oldest = leases_.begin()->second.taken + lease_timeout_;
  return short_.empty() ? oldest : std::min(oldest, short_.begin()->first);
}

void Bulkhead::Advance(Tick now) {
  for (; !short_.empty() && short_.begin()->first <= now; ++expired_) {
    const auto& [end, permit] = *short_.begin();
    Free(leases_.find(permit));
  }
  const auto runs_out = [this, now](const Lease& lease) {
    return lease.taken + lease_timeout_ <= now;
  };
  for (; !leases_.empty() && runs_out(leases_.begin()->second); ++expired_) Free(leases_.begin());
}

void Bulkhead::Free(Leases::iterator lease) {
  const Tick ends_early = lease->second.ends_early;
  if (ends_early != Tick::Max()) short_.erase({ends_early, lease->first});
  leases_.erase(lease);
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
