#ifndef FUSEBOX_SERVER_ENGINE_DRILL_TALLIES_H_
#define FUSEBOX_SERVER_ENGINE_DRILL_TALLIES_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/override.h"
#include "core/tick.h"
#include "server/registry/event.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Counts whose calls the drills under way refuse, and which fallbacks were granted instead. Of the
// first 1,000 clients of a drill by name, of further ones together; of the first 1,000 fallbacks.
// Thread-safe.
//
//   tallies.Begin(drill);  // Before anyone may be refused by it.
//   tallies.Count(drill, "checkout");
//   tallies.End(*drill, now)->refused  // 1
class DrillTallies {
 public:
  // Counts for it from now on.
  void Begin(std::shared_ptr<const Override> drill);

  // A refused call. Does nothing for a drill that has not begun or has ended: who was refused by it
  // may come here late.
  void Count(const Override& drill, absl::string_view client);

  // A call that the drill refused was granted by another breaker, its fallback.
  void CountFallback(const Override& drill, absl::string_view granted);

  // What was counted since its begin, or since the server's start if that was later; forgets it.
  std::shared_ptr<const DrillReport> End(const Override& drill, Tick now);

 private:
  struct Tally {
    std::shared_ptr<const Override> drill;  // Keeps the address from being another's.
    absl::flat_hash_map<std::string, uint64_t> clients;
    uint64_t refused = 0;
    uint64_t refused_to_others = 0;
    absl::flat_hash_map<std::string, uint64_t> fallbacks;
  };

  Mutex mutex_;
  absl::flat_hash_map<const Override*, Tally> tallies_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_DRILL_TALLIES_H_
