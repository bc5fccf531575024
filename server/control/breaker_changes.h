#ifndef FUSEBOX_SERVER_CONTROL_BREAKER_CHANGES_H_
#define FUSEBOX_SERVER_CONTROL_BREAKER_CHANGES_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/override.h"
#include "core/tick.h"
#include "fusebox/v1/admin.pb.h"
#include "server/control/book.h"
#include "server/engine/engine.h"

namespace fusebox {

// Changes of overrides in a draft; a change that fails has changed nothing. Errors are those of
// AdminService's methods of the same names.
absl::StatusOr<Override> ImposeOverride(const v1::OverrideBreakerRequest& request,
                                        const Author& author, const ControlLimits& limits,
                                        Draft& draft);
absl::StatusOr<Override> LiftOverride(const v1::ClearOverrideRequest& request, const Author& author,
                                      Draft& draft);

// Forgets those whose time is over, as the engine does by itself.
void DropExpired(Tick now, Draft& draft);

// Whether `actor` can be shown to people. The error is INVALID_ARGUMENT with reason ACTOR_INVALID.
absl::Status CheckActor(absl::string_view actor);

// Who does something to a breaker, and why, if both can be shown to people. The error is
// INVALID_ARGUMENT with reason REASON_INVALID or ACTOR_INVALID.
absl::StatusOr<Deed> MakeDeed(absl::string_view reason, const Author& author);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_CONTROL_BREAKER_CHANGES_H_
