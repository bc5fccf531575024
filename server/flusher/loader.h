#ifndef FUSEBOX_SERVER_FLUSHER_LOADER_H_
#define FUSEBOX_SERVER_FLUSHER_LOADER_H_

#include <cstdint>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/recovery.h"
#include "server/control/control.h"
#include "server/engine/engine.h"
#include "server/flusher/outage_decoder.h"
#include "server/records/records.h"
#include "server/store/store.h"

namespace fusebox {

// What an earlier life left behind.
struct Kept {
  uint64_t life = 0;   // Its number; 0: there was none.
  BootTime seen = {};  // How far the clock came in which all times of the rows are.
  Book book = {};
  Outages outages = {};
  std::vector<Event> events = {};  // In the order of their numbers.
};

// Reads all of it. Errors are the store's, and FAILED_PRECONDITION (reason STORE_TOO_NEW) if a row
// is sound and yet makes no sense, so that another program wrote it.
absl::StatusOr<Kept> ReadKept(Store& store, const RecordTime& now);

// Goes on with it: history, policies, outages and overrides, each as the engine's Restore…() do.
// Returns whether every breaker is as it was kept: one that was used already is not, nor is one too
// many for --max-breakers. Policies that do not go together with the file's are an error and change
// nothing.
absl::StatusOr<bool> GoOnWith(const Kept& kept, Control& control, Engine& engine);

// Shows all rows of what is true now, and appends the numbers of the events among them.
void ShowEverything(const Control& control, Engine& engine, const ServerState& server,
                    const RecordTime& now, Store::Show show, std::deque<uint64_t>& events);

void PutServer(const ServerState& server, Changes& changes);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_FLUSHER_LOADER_H_
