#ifndef FUSEBOX_SERVER_RECORDS_RECORDS_H_
#define FUSEBOX_SERVER_RECORDS_RECORDS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/override.h"
#include "core/recovery.h"
#include "proto/convert/convert.h"
#include "server/engine/clock.h"
#include "server/registry/event.h"

namespace fusebox {

// What the rows of a store mean.
//
//   kServer       "server"                  ServerRecord
//   kPolicies     the name                  fusebox.v1.Policy
//   kRetryBudgets the name                  fusebox.v1.RetryBudget
//   kOverrides    its `match`               OverrideRecord
//   kBreakers     the name                  OutageRecord
//   kTransitions  the number, big-endian    fusebox.v1.Transition
//
// Pure functions, safe from any thread. What cannot be read is DATA_LOSS (reason STORE_CORRUPT):
// its checksum was right, so another program wrote it.

// A moment on the monotonic clock of a start of the machine.
struct BootTime {
  std::string boot_id = {};  // Empty: of none.
  Tick tick = {};
};

// The moment at which rows are written or read.
struct RecordTime {
  static RecordTime Now(const Clock& clock) {
    return {{.tick = clock.Now(), .wall = clock.WallNow()}, clock.BootId()};
  }
  BootTime boot_time() const { return {boot_id, anchor.tick}; }

  WallAnchor anchor;
  std::string boot_id = {};
  BootTime earlier = {};  // How far the clock of an earlier boot is known to have come.
};

// What is kept of the server itself.
struct ServerState {
  uint64_t life = 0;
  BootTime seen = {};
};

// Numbers in the order of their bytes.
std::string TransitionKey(uint64_t number);
std::string EncodeTransition(const Event& event, const RecordTime& now);
absl::StatusOr<Event> DecodeTransition(absl::string_view bytes, const RecordTime& now);

std::string EncodeOutage(const Outage& outage, absl::string_view breaker, const RecordTime& now);

// With the wait that is left of it: in the boot that wrote it, until the moment that was meant, as
// its clock went on; in another boot, which cannot know how long the machine was off, as much as
// was left when it was last seen on.
absl::StatusOr<Outage> DecodeOutage(absl::string_view bytes, const RecordTime& now);

std::string EncodeOverride(const Override& override, const RecordTime& now);

// With the time that is left of it, as of an outage.
absl::StatusOr<Override> DecodeOverride(absl::string_view bytes, const RecordTime& now);

std::string EncodeServer(const ServerState& state);
absl::StatusOr<ServerState> DecodeServer(absl::string_view bytes);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RECORDS_RECORDS_H_
