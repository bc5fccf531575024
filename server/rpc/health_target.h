#ifndef FUSEBOX_SERVER_RPC_HEALTH_TARGET_H_
#define FUSEBOX_SERVER_RPC_HEALTH_TARGET_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/glob.h"
#include "server/engine/engine.h"
#include "server/identity/authorizer.h"

namespace fusebox {

// What a health check is about, by the name of the service that it gives.
//
//   ""  "liveness"  "fusebox.v1.BreakerService"    a service of the server's
//   "breaker:db/orders"                            one breaker
//   "prefix:payments"                              all breakers under a path; "prefix:" is all
struct HealthTarget {
  enum class Kind { kService, kBreaker, kPrefix };

  Kind kind = Kind::kService;
  std::string name;  // Without what says the kind.
};

HealthTarget ParseHealthTarget(absl::string_view service);

// Whether there may be such a target. The error is INVALID_ARGUMENT with reason
// BREAKER_NAME_INVALID.
absl::Status CheckHealthTarget(const HealthTarget& target);

// For who asks, in this field of the request, about what is not there: NOT_FOUND with reason
// BREAKER_NOT_FOUND or, of a service, SERVICE_NOT_FOUND.
absl::Status NoSuchTarget(const HealthTarget& target, absl::string_view field);

// Matches every breaker that the target is about. Not for services.
Glob BreakersOf(const HealthTarget& target);

// What the caller sees of the breakers under a prefix.
HealthViewer ViewerOf(const Caller& caller, const HealthTarget& prefix);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_HEALTH_TARGET_H_
