#include "core/bulkhead.h"

#include <algorithm>
#include <optional>

namespace fusebox {

bool Bulkhead::TryTake(const BulkheadPolicy& policy, PermitId permit, Tick now,
                       absl::Duration lease) {
  if (IsFull(policy, now)) {
    ++refused_;
    return false;
  }
  const bool has_own_end = lease < absl::InfiniteDuration();
  const Tick own_end = has_own_end ? now + lease : Tick::Max();
  leases_.Add({permit, now, own_end});
  if (has_own_end) own_ends_.emplace(own_end, permit);
  ++granted_;
  return true;
}

bool Bulkhead::Return(PermitId permit, Tick now) {
  Advance(now);
  const std::optional<Lease> ended = leases_.Remove(permit);
  if (!ended.has_value()) return false;
  ForgetOwnEnd(*ended);
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
  const Tick oldest = leases_.Oldest().taken + lease_timeout_;
  return own_ends_.empty() ? oldest : std::min(oldest, own_ends_.begin()->first);
}

void Bulkhead::Advance(Tick now) {
  for (; !own_ends_.empty() && own_ends_.begin()->first <= now; ++expired_) {
    leases_.Remove(own_ends_.begin()->second);
    own_ends_.erase(own_ends_.begin());
  }
  const auto runs_out = [this, now](const Lease& lease) {
    return lease.taken + lease_timeout_ <= now;
  };
  for (; !leases_.empty() && runs_out(leases_.Oldest()); ++expired_) {
    ForgetOwnEnd(leases_.RemoveOldest());
  }
}

void Bulkhead::ForgetOwnEnd(const Lease& lease) {
  if (lease.own_end != Tick::Max()) own_ends_.erase({lease.own_end, lease.permit});
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
