#ifndef FUSEBOX_SERVER_REGISTRY_EVENT_H_
#define FUSEBOX_SERVER_REGISTRY_EVENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "core/override.h"
#include "core/transition.h"

namespace fusebox {

// What a drill showed: whose calls it refused, and which breakers granted them instead.
struct DrillReport {
  absl::Duration lasted = {};
  uint64_t refused = 0;
  std::vector<std::pair<std::string, uint64_t>> clients = {};    // The most first.
  uint64_t refused_to_others = 0;                                // Clients beyond those.
  std::vector<std::pair<std::string, uint64_t>> fallbacks = {};  // The most first.
};

// One thing that happened: a breaker's change of state, or what an operator did. Of what happens to
// overrides, `transition` holds number, cause and time, and nothing else.
struct Event {
  std::string breaker;  // Or what an override is for, which may be a glob.
  Transition transition;
  std::string policy = {};  // That ruled the breaker.
  std::string actor = {};   // Who did it; empty if it happened by itself.
  std::string reason = {};
  std::string trace_id = {};                      // Of the call that did it; empty if it said none.
  std::shared_ptr<const Override> override = {};  // That began or ended.
  std::shared_ptr<const DrillReport> drill_report = {};  // If that was a drill, and ended.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_REGISTRY_EVENT_H_
