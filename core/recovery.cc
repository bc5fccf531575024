#include "core/recovery.h"

#include <algorithm>
#include <cmath>

namespace fusebox {

absl::Duration OpenWait(const CircuitBreakerPolicy& policy, uint32_t reopens,
                        uint64_t random_bits) {
  const double longest = absl::ToDoubleNanoseconds(policy.max_open_duration);
  // Capped before the jitter is applied too, since the power may be infinite.
  const double grown = std::min(longest, absl::ToDoubleNanoseconds(policy.open_duration) *
                                             std::pow(policy.open_multiplier.fraction(), reopens));
  const double unit = static_cast<double>(random_bits >> 11) * 0x1.0p-53;  // [0, 1)
  const double spread = grown * (1 + policy.jitter.fraction() * (2 * unit - 1));
  const auto wait = absl::Nanoseconds(static_cast<int64_t>(std::llround(spread)));
  return std::clamp(wait, absl::Milliseconds(1), policy.max_open_duration);
}

Share RampShareAfter(const CircuitBreakerPolicy& policy, absl::Duration closed_for) {
  if (closed_for >= policy.ramp_duration) return Share::FromMillionths(Share::kOne);
  const double progress = absl::FDivDuration(closed_for, policy.ramp_duration);
  const int64_t start = policy.ramp_initial.millionths();
  return Share::FromMillionths(
      start + static_cast<int64_t>(static_cast<double>(Share::kOne - start) * progress));
}

}  // namespace fusebox
