#include "core/rate_limit.h"

#include <algorithm>
#include <limits>

namespace fusebox {
namespace {

// All in units of 1 / rate ns.
using Parts = absl::int128;

Parts At(const RateLimitPolicy& policy, Tick now) { return Parts(now.nanos()) * policy.rate; }

// per / rate, which is what makes the unit: as many of them as `per` has nanoseconds.
int64_t Interval(const RateLimitPolicy& policy) { return absl::ToInt64Nanoseconds(policy.per); }

uint32_t Burst(const RateLimitPolicy& policy) {
  return policy.burst == 0 ? policy.rate : policy.burst;
}

// Below 2^62.
Parts WholeBurst(const RateLimitPolicy& policy) { return Parts(Burst(policy)) * Interval(policy); }

Parts DivideUp(Parts dividend, Parts divisor) { return (dividend + divisor - 1) / divisor; }

// How long until no more than all but one token is spent; `spent` may be more than there are.
absl::Duration UntilOneIsThere(const RateLimitPolicy& policy, Parts spent) {
  const Parts missing = spent + Interval(policy) - WholeBurst(policy);
  if (missing <= 0) return absl::ZeroDuration();
  constexpr Parts kLongest = std::numeric_limits<int64_t>::max();
  const Parts nanos = std::min(kLongest, DivideUp(missing, policy.rate));
  return absl::Nanoseconds(static_cast<int64_t>(nanos));
}

}  // namespace

RateLimit::RateLimit(const RateLimitPolicy& policy, Tick now)
    : arrival_(At(policy, now)), born_(now), exact_since_(now), latest_(now) {}

absl::int128 RateLimit::Spent(const RateLimitPolicy& policy, Tick now) const {
  return std::max(Parts(0), arrival_ - At(policy, now));
}

RateLimit::Answer RateLimit::TryTake(const RateLimitPolicy& policy, Tick now) {
  const absl::Duration wait = Wait(policy, 0, now);
  if (wait > absl::ZeroDuration()) {
    ++refused_;
    return {.retry_after = wait};
  }
  NoteTake(policy, now);
  arrival_ = std::max(arrival_, At(policy, now)) + Interval(policy);
  ++granted_;
  return {.taken = true};
}

void RateLimit::NoteTake(const RateLimitPolicy& policy, Tick now) {
  latest_ = now;
  if (now <= exact_since_) return;
  // No more than the whole burst is ever spent.
  least_spent_ = std::min(least_spent_, static_cast<int64_t>(Spent(policy, now)));
  if (least_spent_ >= Interval(policy)) return;
  exact_since_ = now;
  least_spent_ = kNothingTaken;
}

void RateLimit::GiveBack(const RateLimitPolicy& policy, Tick taken) {
  if (taken < born_ || granted_ == 0) return;
  --granted_;
  if (taken < exact_since_) return;
  arrival_ -= Interval(policy);
  // Those who took later would have found one less spent.
  if (taken >= latest_ || least_spent_ == kNothingTaken) return;
  least_spent_ -= Interval(policy);
  if (least_spent_ >= Interval(policy)) return;
  exact_since_ = latest_;
  least_spent_ = kNothingTaken;
}

absl::Duration RateLimit::Wait(const RateLimitPolicy& policy, uint32_t ahead, Tick now) const {
  return UntilOneIsThere(policy, Spent(policy, now) + Parts(ahead) * Interval(policy));
}

uint32_t RateLimit::Available(const RateLimitPolicy& policy, Tick now) const {
  const Parts left = WholeBurst(policy) - Spent(policy, now);
  return static_cast<uint32_t>(std::max(Parts(0), left) / Interval(policy));
}

void RateLimit::ChangePolicy(const RateLimitPolicy& from, const RateLimitPolicy& to, Tick now) {
  const bool same = from.rate == to.rate && from.per == to.per && Burst(from) == Burst(to);
  if (same) return;
  // At most WholeBurst() is spent.
  const Parts spent = DivideUp(Spent(from, now) * WholeBurst(to), WholeBurst(from));
  arrival_ = At(to, now) + spent;
  exact_since_ = latest_ = now;
  least_spent_ = kNothingTaken;
}

bool RateLimit::IsBlank(const RateLimitPolicy& policy, Tick now) const {
  return granted_ == 0 && refused_ == 0 && Spent(policy, now) == 0;
}

}  // namespace fusebox
