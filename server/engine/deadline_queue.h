#ifndef FUSEBOX_SERVER_ENGINE_DEADLINE_QUEUE_H_
#define FUSEBOX_SERVER_ENGINE_DEADLINE_QUEUE_H_

#include <queue>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "core/tick.h"
#include "server/registry/registry.h"

namespace fusebox {

// Which breaker has something due next. Entries are hints: whoever takes one looks at the breaker
// and puts it back for later if it was early. Thread-safe.
class DeadlineQueue {
 public:
  void Push(Tick deadline, Slot slot) {
    absl::MutexLock lock(&mutex_);
    queue_.emplace(deadline, slot);
  }

  // Takes the slots that are due by `now`, at most `limit`.
  std::vector<Slot> TakeDue(Tick now, size_t limit) {
    std::vector<Slot> due;
    absl::MutexLock lock(&mutex_);
    while (!queue_.empty() && queue_.top().first <= now && due.size() < limit) {
      due.push_back(queue_.top().second);
      queue_.pop();
    }
    return due;
  }

 private:
  using Item = std::pair<Tick, Slot>;
  absl::Mutex mutex_;
  std::priority_queue<Item, std::vector<Item>, std::greater<Item>> queue_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_DEADLINE_QUEUE_H_
