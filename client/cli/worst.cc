#include "client/cli/worst.h"

#include <algorithm>
#include <tuple>

namespace fusebox::cli {
namespace {

// 0 refuses calls, 1 lets only probes pass, 2 is unwell, 3 is well.
int Rank(const v1::Breaker& breaker) {
  if (breaker.override().mode() == v1::OVERRIDE_MODE_FORCED_OPEN) return 0;
  if (breaker.state() == v1::STATE_OPEN) return 0;
  if (breaker.state() == v1::STATE_HALF_OPEN) return 1;
  return breaker.health() == v1::HEALTH_HEALTHY ? 3 : 2;
}

bool IsWorse(const v1::Breaker& a, const v1::Breaker& b) {
  return std::make_tuple(Rank(a), a.score(), a.name()) <
         std::make_tuple(Rank(b), b.score(), b.name());
}

}  // namespace

void Worst::Take(const v1::ListBreakersResponse& page) {
  seen_ += page.breakers_size();
  auto& kept = *list_.mutable_breakers();
  kept.MergeFrom(page.breakers());
  std::sort(kept.begin(), kept.end(), IsWorse);
  const int excess = limit_.has_value() ? kept.size() - *limit_ : 0;
  if (excess > 0) kept.DeleteSubrange(*limit_, excess);
}

}  // namespace fusebox::cli
