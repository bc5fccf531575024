#ifndef FUSEBOX_CORE_HEALTH_H_
#define FUSEBOX_CORE_HEALTH_H_

#include <cstdint>

#include "core/outcome_window.h"
#include "core/transition.h"

namespace fusebox {

enum class Health : uint8_t { kHealthy, kDegraded, kUnhealthy };

// How a breaker feels at one moment.
struct Condition {
  State state = State::kClosed;
  Health health = Health::kHealthy;
  double score = 1;

  friend bool operator==(const Condition&, const Condition&) = default;
};

// Success rate x (1 - slow rate / 2), from 0 to 1; 1 without calls.
double HealthScore(const WindowCounts& window);

// UNHEALTHY when open; DEGRADED when half-open, ramping or with a score below 0.9; else HEALTHY.
Health JudgeHealth(State state, bool ramping, double score);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_HEALTH_H_
