#include "core/health.h"

namespace fusebox {

double HealthScore(const WindowCounts& window) {
  if (window.calls == 0) return 1;
  const double calls = window.calls;
  return (calls - window.failures) / calls * (1 - window.slow / calls / 2);
}

Health JudgeHealth(State state, bool ramping, double score) {
  constexpr double kHealthyScore = 0.9;
  if (state == State::kOpen) return Health::kUnhealthy;
  if (state == State::kHalfOpen || ramping || score < kHealthyScore) return Health::kDegraded;
  return Health::kHealthy;
}

}  // namespace fusebox
