#ifndef FUSEBOX_SERVER_ENGINE_NAME_SET_H_
#define FUSEBOX_SERVER_ENGINE_NAME_SET_H_

#include <atomic>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Names for somebody to look at later, each kept once however often it is added. Keeps nothing, and
// costs one load, until that somebody is there. Thread-safe.
class NameSet {
 public:
  using Names = absl::flat_hash_set<std::string>;

  // From now on somebody takes what is added.
  void Open() { is_open_.store(true, std::memory_order_release); }

  void Add(absl::string_view name) {
    if (!is_open_.load(std::memory_order_acquire)) return;
    MutexLock lock(&mutex_);
    names_.emplace(name);
  }

  // All that were added since the last time.
  Names Take() {
    Names taken;
    MutexLock lock(&mutex_);
    taken.swap(names_);
    return taken;
  }

 private:
  std::atomic<bool> is_open_{false};
  Mutex mutex_;
  Names names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_NAME_SET_H_
