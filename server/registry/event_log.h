#ifndef FUSEBOX_SERVER_REGISTRY_EVENT_LOG_H_
#define FUSEBOX_SERVER_REGISTRY_EVENT_LOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/registry/event.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Events that are shared with the log: they cost no copy, and stay when the log forgets them.
//
//   for (const Event& event : log.ReadAfter(7, 100)) ...
class EventList {
 public:
  class Iterator {
   public:
    explicit Iterator(const std::shared_ptr<const Event>* at) : at_(at) {}
    const Event& operator*() const { return **at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const std::shared_ptr<const Event>* at_;
  };

  void Add(std::shared_ptr<const Event> event) { events_.push_back(std::move(event)); }

  Iterator begin() const { return Iterator(events_.data()); }
  Iterator end() const { return Iterator(events_.data() + events_.size()); }
  size_t size() const { return events_.size(); }
  bool empty() const { return events_.empty(); }
  const std::shared_ptr<const Event>& operator[](size_t i) const { return events_[i]; }
  const std::vector<std::shared_ptr<const Event>>& shared() const { return events_; }

 private:
  std::vector<std::shared_ptr<const Event>> events_;
};

// The last events of a server, by their numbers. A ring: the newest push the oldest out.
// Numbers are taken under the breakers' locks and events appended after, so they may arrive a
// little out of order; a gap is an event still on its way. Thread-safe.
//
// Every transition is appended, so readers hold the lock for some pointers at a time only; what
// copies whole events does so without it.
class EventLog {
 public:
  explicit EventLog(size_t capacity) : ring_(capacity) {}

  void Append(Event event);

  // Events up to this number are missing and not on their way. To be called before the first.
  void GoOnAfter(uint64_t number);

  // The events with numbers above `number`, in order, at most `limit`.
  EventList ReadAfter(uint64_t number, size_t limit) const;
  std::vector<Event> After(uint64_t number, size_t limit) const;

  // The events with numbers below `number`, the highest first, at most `limit`.
  EventList ReadBefore(uint64_t number, size_t limit) const;
  std::vector<Event> Before(uint64_t number, size_t limit) const;

  // The highest number appended; 0 before the first.
  uint64_t last_number() const;

  // How many it holds, and how many it may hold.
  size_t size() const;
  size_t capacity() const;

 private:
  uint64_t OldestNumber() const ABSL_SHARED_LOCKS_REQUIRED(mutex_);
  // Adds the event with this number, if it is there.
  void AddTo(EventList& events, uint64_t number) const ABSL_SHARED_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  // Number n stands at n % size; null before the first.
  std::vector<std::shared_ptr<const Event>> ring_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t size_ ABSL_GUARDED_BY(mutex_) = 0;  // Places of the ring that are taken.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_REGISTRY_EVENT_LOG_H_
