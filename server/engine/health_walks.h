#ifndef FUSEBOX_SERVER_ENGINE_HEALTH_WALKS_H_
#define FUSEBOX_SERVER_ENGINE_HEALTH_WALKS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/health_rollup.h"
#include "core/tick.h"
#include "server/registry/registry.h"
#include "server/sync/mutex.h"

namespace fusebox {

// How many breakers feel together.
struct HealthReport {
  HealthRollup rollup = {};
  Tick since = {};  // What happened before is in it; what happened later may be.
};

// Keeps reports for a second, and lets one walk over all breakers at a time make each:
//
//   Take("payments") --> a report that is fresh, or
//                    --> a walk: go on with it, then Pause() it or Finish() it, or
//                    --> neither: others are walking; ask again in a moment
//
// A walk belongs to nobody: whoever asks goes on with the one that was paused. One that nobody
// went on with for a second is begun anew. So a report is never older than a second and the time of
// its walk, and however often it is asked for, no more than one walk a second is made of it.
//
// Bounded: no more than kMaxWalks are under way at a time, which is until they are finished or were
// paused for a second; who asks for another waits for one of these to end, in no order. Of more
// than kMaxKept keys those are dropped that nobody has asked for the longest, but none that is
// being walked for, or was asked for in the last second and waits for a report. Thread-safe.
class HealthWalks {
 public:
  static constexpr absl::Duration kMaxAge = absl::Seconds(1);
  static constexpr size_t kMaxKept = 1'000;
  static constexpr size_t kMaxWalks = 4;

  struct Walk {
    Slot next = 0;  // All before it were looked at.
    HealthReport report = {};
  };
  struct Turn {
    std::shared_ptr<const HealthReport> report = nullptr;
    std::optional<Walk> walk = std::nullopt;
  };

  // The error is RESOURCE_EXHAUSTED with reason TOO_MANY_HEALTH_WALKS: as many keys as are kept
  // wait for their reports.
  absl::StatusOr<Turn> Take(const std::string& key, Tick now);

  // To be called, one of them, with every walk that Take() gave.
  void Pause(const std::string& key, Walk walk, Tick now);
  std::shared_ptr<const HealthReport> Finish(const std::string& key, Walk walk, Tick now);

 private:
  struct Kept {
    std::shared_ptr<const HealthReport> report = nullptr;
    std::optional<Walk> paused = std::nullopt;
    Tick changed = {};       // When it was finished or paused, or somebody was told to wait.
    bool is_walked = false;  // Somebody goes on with its walk.
    uint64_t last_used = 0;  // By `uses_`.
  };

  static bool IsUnderWay(const Kept& kept, Tick now);
  static bool MayGo(const Kept& kept, Tick now);

  // Null: there is no room for it.
  Kept* Find(const std::string& key, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Whether a walk may be begun for the key. It then is under way.
  bool Begin(const std::string& key, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What a walk was taken from, which nobody drops meanwhile.
  Kept& Return(const std::string& key, Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  uint64_t uses_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<std::string, Kept> kept_ ABSL_GUARDED_BY(mutex_);
  // The keys of at most kMaxWalks walks: all that are under way, and some that were.
  std::vector<std::string> begun_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_HEALTH_WALKS_H_
