#ifndef FUSEBOX_SERVER_ENGINE_BATCH_MEMORY_H_
#define FUSEBOX_SERVER_ENGINE_BATCH_MEMORY_H_

#include <cstddef>
#include <deque>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/tick.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Remembers the ids of batches for 60 s, so that one sent again counts once. At most `capacity`
// ids; beyond that new batches are refused rather than old ones forgotten. Thread-safe.
class BatchMemory {
 public:
  explicit BatchMemory(size_t capacity) : capacity_(capacity) {}

  // True if the id is new: whoever is told so counts the batch and calls Finish(). False if it was
  // counted. Errors: UNAVAILABLE (reason BATCH_RUNNING) between the two; RESOURCE_EXHAUSTED (reason
  // TOO_MANY_BATCHES).
  absl::StatusOr<bool> Remember(absl::string_view id, Tick now);

  // All of the batch is counted. Nothing if its id was forgotten meanwhile.
  void Finish(absl::string_view id);

 private:
  struct Remembered {
    Tick until;
    std::string id;
  };

  const size_t capacity_;
  Mutex mutex_;
  absl::flat_hash_map<std::string, bool> ids_ ABSL_GUARDED_BY(mutex_);  // True: finished.
  std::deque<Remembered> in_order_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_BATCH_MEMORY_H_
