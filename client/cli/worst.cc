#include "client/cli/worst.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <utility>

namespace fusebox::cli {
namespace {

// 0 refuses calls, 1 lets only probes pass, 2 is unwell, 3 is well.
int Rank(const v1::Breaker& breaker) {
  if (breaker.override().mode() == v1::OVERRIDE_MODE_FORCED_OPEN) return 0;
  if (breaker.state() == v1::STATE_OPEN) return 0;
  if (breaker.state() == v1::STATE_HALF_OPEN) return 1;
  return breaker.health() == v1::HEALTH_HEALTHY ? 3 : 2;
}

// A NaN is neither less nor more than anything, and nothing can be sorted by it.
double Score(const v1::Breaker& breaker) {
  return std::isnan(breaker.score()) ? -std::numeric_limits<double>::infinity() : breaker.score();
}

bool IsWorse(const v1::Breaker& a, const v1::Breaker& b) {
  const int rank_a = Rank(a), rank_b = Rank(b);
  const double score_a = Score(a), score_b = Score(b);
  return std::tie(rank_a, score_a, a.name()) < std::tie(rank_b, score_b, b.name());
}

// Pointers are moved instead of breakers.
bool PointsToWorse(const v1::Breaker* a, const v1::Breaker* b) { return IsWorse(*a, *b); }

}  // namespace

void Worst::Take(const v1::ListBreakersResponse& page) {
  seen_ += page.breakers_size();
  auto& kept = *list_.mutable_breakers();
  if (!limit_.has_value()) return kept.MergeFrom(page.breakers());
  for (const v1::Breaker& breaker : page.breakers()) {
    if (kept.size() == *limit_) {
      if (!IsWorse(breaker, kept.Get(0))) continue;
      std::pop_heap(kept.pointer_begin(), kept.pointer_end(), PointsToWorse);
      kept.RemoveLast();
    }
    *kept.Add() = breaker;
    std::push_heap(kept.pointer_begin(), kept.pointer_end(), PointsToWorse);
  }
}

v1::ListBreakersResponse Worst::Finish() {
  auto& kept = *list_.mutable_breakers();
  std::sort(kept.pointer_begin(), kept.pointer_end(), PointsToWorse);
  return std::move(list_);
}

}  // namespace fusebox::cli
