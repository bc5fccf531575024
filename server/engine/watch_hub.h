#ifndef FUSEBOX_SERVER_ENGINE_WATCH_HUB_H_
#define FUSEBOX_SERVER_ENGINE_WATCH_HUB_H_

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/glob.h"
#include "server/sync/mutex.h"

namespace fusebox {

// The names of breakers that changed and that one watcher has not yet taken.
//
// Conflated: a name is kept once however often it changes, so a watcher that is slow costs memory
// for the names and not for the changes. Thread-safe.
class ChangedNames {
 public:
  // `wake` is called by WatchHub::Deliver(), with no lock held, when a name comes after Take() had
  // found none.
  ChangedNames(Glob glob, size_t capacity, std::function<void()> wake)
      : glob_(std::move(glob)), capacity_(capacity), wake_(std::move(wake)) {}

  void Add(absl::string_view name);

  // Gives up: more changed than can be told.
  void Overrun();

  // One of the names; empty if there is none. From then on `wake` is due. The error is ABORTED with
  // reason WATCH_TOO_SLOW: more names changed than may be kept.
  absl::StatusOr<std::string> Take();

  const Glob& glob() const { return glob_; }

 private:
  const Glob glob_;
  const size_t capacity_;
  const std::function<void()> wake_;
  Mutex mutex_;
  absl::flat_hash_set<std::string> names_ ABSL_GUARDED_BY(mutex_);
  bool waiting_ ABSL_GUARDED_BY(mutex_) = false;
  bool overrun_ ABSL_GUARDED_BY(mutex_) = false;
};

// Tells every watcher which breakers change. Thread-safe.
//
// Publishing notes a name and returns; the watchers are served by whoever calls Deliver(), so that
// no caller of Allow() pays for them.
class WatchHub {
 public:
  // At most `max_watchers`, each of which may lag by `max_names` names.
  WatchHub(size_t max_watchers, size_t max_names)
      : max_watchers_(max_watchers), max_names_(max_names) {}

  // Watching ends when the result is dropped. The error is RESOURCE_EXHAUSTED with reason
  // TOO_MANY_WATCHERS.
  absl::StatusOr<std::shared_ptr<ChangedNames>> Watch(Glob glob, std::function<void()> wake);

  void Publish(absl::string_view name);

  // Passes on what was published since the last time. To be called by one thread at a time.
  void Deliver();

  size_t watchers() const { return watchers_.load(std::memory_order_relaxed); }

 private:
  std::vector<std::shared_ptr<ChangedNames>> Live();

  const size_t max_watchers_;
  const size_t max_names_;
  std::atomic<size_t> watchers_{0};  // So that Publish() costs one load when nobody watches.
  Mutex mutex_;
  std::vector<std::weak_ptr<ChangedNames>> all_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> changed_ ABSL_GUARDED_BY(mutex_);
  bool overrun_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_WATCH_HUB_H_
