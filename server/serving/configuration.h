#ifndef FUSEBOX_SERVER_SERVING_CONFIGURATION_H_
#define FUSEBOX_SERVER_SERVING_CONFIGURATION_H_

#include <vector>

#include "absl/status/statusor.h"
#include "core/policy.h"
#include "server/control/control.h"
#include "server/engine/engine.h"
#include "server/options/options.h"

namespace fusebox {

// What the options say to the engine.
struct EngineConfiguration {
  EngineOptions bounds;
  ControlLimits limits;
  std::vector<Policy> policies;
  std::vector<NamedBudget> budgets;
};

// Checks what ParseOptions() leaves to core: numbers, names, and that it is clear which policy
// rules which breaker. The error is INVALID_ARGUMENT with a line for each problem, which names the
// place in the file; if only PolicySet::Make() finds one, with its reason.
absl::StatusOr<EngineConfiguration> ConfigureEngine(const Options& options);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_CONFIGURATION_H_
