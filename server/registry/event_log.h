#ifndef FUSEBOX_SERVER_REGISTRY_EVENT_LOG_H_
#define FUSEBOX_SERVER_REGISTRY_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/registry/event.h"
#include "server/sync/mutex.h"

namespace fusebox {

// The last events of a server, by their numbers. A ring: the newest push the oldest out.
// Numbers are taken under the breakers' locks and events appended after, so they may arrive a
// little out of order; a gap is an event still on its way. Thread-safe.
class EventLog {
 public:
  explicit EventLog(size_t capacity) : ring_(capacity) {}

  void Append(Event event);

  // Events up to this number are missing and not on their way. To be called before the first.
  void GoOnAfter(uint64_t number);

  // The events with numbers above `number`, in order, at most `limit`.
  std::vector<Event> After(uint64_t number, size_t limit) const;

  // The events with numbers below `number`, the highest first, at most `limit`.
  std::vector<Event> Before(uint64_t number, size_t limit) const;

  // The highest number appended; 0 before the first.
  uint64_t last_number() const;

 private:
  mutable Mutex mutex_;
  std::vector<Event> ring_ ABSL_GUARDED_BY(mutex_);  // Number n stands at n % size.
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_REGISTRY_EVENT_LOG_H_
