#ifndef FUSEBOX_SERVER_ENGINE_DEADLINE_QUEUE_H_
#define FUSEBOX_SERVER_ENGINE_DEADLINE_QUEUE_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "core/tick.h"
#include "server/registry/registry.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Which breaker has something due next. Entries are hints: whoever takes one looks at the breaker
// and puts it back for later if it was early. A slot stands in it once, at the earliest of the
// times that it was put in for, so the queue is bounded by the slots. Thread-safe.
class DeadlineQueue {
 public:
  // Makes room for so many more.
  void Reserve(size_t slots) {
    MutexLock lock(&mutex_);
    deadlines_.reserve(deadlines_.size() + slots);
  }

  void Push(Tick deadline, Slot slot) {
    MutexLock lock(&mutex_);
    Insert({deadline, slot});
  }

  // As Push() of each, with less waiting for one another among those who have many.
  void Push(std::vector<std::pair<Tick, Slot>> deadlines) {
    constexpr size_t kAtOnce = 256;  // So that nobody waits for long.
    std::sort(deadlines.begin(), deadlines.end());
    for (size_t begin = 0; begin < deadlines.size(); begin += kAtOnce) {
      MutexLock lock(&mutex_);
      const size_t end = std::min(deadlines.size(), begin + kAtOnce);
      for (size_t i = begin; i < end; ++i) Insert(deadlines[i]);
    }
  }

  // Takes the slots that are due by `now`, at most `limit`, the earliest first.
  std::vector<Slot> TakeDue(Tick now, size_t limit) {
    std::vector<Slot> due;
    MutexLock lock(&mutex_);
    while (!queue_.empty() && queue_.begin()->first <= now && due.size() < limit) {
      due.push_back(queue_.begin()->second);
      deadlines_.erase(due.back());
      queue_.erase(queue_.begin());
    }
    return due;
  }

  // When the first of them is due; Tick::Max() if there is none.
  Tick Earliest() const {
    MutexLock lock(&mutex_);
    return queue_.empty() ? Tick::Max() : queue_.begin()->first;
  }

  size_t size() const {
    MutexLock lock(&mutex_);
    return queue_.size();
  }

 private:
  void Insert(const std::pair<Tick, Slot>& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto& [deadline, slot] = entry;
    const auto [place, is_new] = deadlines_.try_emplace(slot, deadline);
    if (!is_new) {
      if (place->second <= deadline) return;
      queue_.erase({place->second, slot});
      place->second = deadline;
    }
    queue_.insert(queue_.end(), entry);  // Most often it is the last.
  }

  mutable Mutex mutex_;
  absl::btree_set<std::pair<Tick, Slot>> queue_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Slot, Tick> deadlines_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_DEADLINE_QUEUE_H_
