#include "client/cpp/local/alone.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "absl/time/time.h"

namespace fusebox::internal {
namespace {

constexpr uint32_t kLeastMinimumCalls = 5;
constexpr absl::Duration kLongestPer = absl::Hours(1);

// Rounded down, so that many clients together stay within what the fleet has; at least `least`,
// unless the whole is less.
uint32_t ShareOf(uint32_t whole, double share, uint32_t least) {
  const auto part = static_cast<uint32_t>(std::floor(whole * share));
  return std::max(part, std::min(whole, least));
}

// A rate below one call per time is one call per longer time.
RateLimitPolicy ShareOf(const RateLimitPolicy& whole, double share) {
  if (!whole.on()) return whole;
  RateLimitPolicy part = whole;
  part.burst = ShareOf(whole.burst == 0 ? whole.rate : whole.burst, share, 1);
  const double rate = whole.rate * share;
  part.rate = std::max(1u, static_cast<uint32_t>(std::floor(rate)));
  if (rate < 1) part.per = std::min(kLongestPer, whole.per / rate);
  return part;
}

}  // namespace

Policy Alone(const Policy& fleet, double share) {
  Policy alone = fleet;
  CircuitBreakerPolicy& breaker = alone.circuit_breaker;
  breaker.min_failing_clients = 1;
  breaker.minimum_calls = ShareOf(breaker.minimum_calls, share, kLeastMinimumCalls);
  alone.rate_limit = ShareOf(fleet.rate_limit, share);
  BulkheadPolicy& bulkhead = alone.bulkhead;
  bulkhead.max_concurrent = ShareOf(bulkhead.max_concurrent, share, 1);
  alone.queue.max_queue = ShareOf(alone.queue.max_queue, share, 1);
  uint32_t& least_retries = alone.retry_budget.min_retries_per_second;
  least_retries = ShareOf(least_retries, share, 1);
  return alone;
}

}  // namespace fusebox::internal
