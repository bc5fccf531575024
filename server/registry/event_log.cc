#include "server/registry/event_log.h"

#include <algorithm>
#include <utility>

namespace fusebox {

void EventLog::Append(Event event) {
  const uint64_t number = event.transition.number;
  MutexLock lock(&mutex_);
  last_ = std::max(last_, number);
  Event& place = ring_[number % ring_.size()];
  if (place.transition.number > number) return;  // Overtaken by a whole round.
  place = std::move(event);
}

void EventLog::GoOnAfter(uint64_t number) {
  MutexLock lock(&mutex_);
  last_ = number;
}

std::vector<Event> EventLog::After(uint64_t number, size_t limit) const {
  MutexLock lock(&mutex_);
  const uint64_t oldest = last_ < ring_.size() ? 1 : last_ - ring_.size() + 1;
  std::vector<Event> events;
  for (uint64_t n = std::max(oldest, number + 1); n <= last_ && events.size() < limit; ++n) {
    const Event& event = ring_[n % ring_.size()];
    if (event.transition.number == n) events.push_back(event);
  }
  return events;
}

std::vector<Event> EventLog::Before(uint64_t number, size_t limit) const {
  MutexLock lock(&mutex_);
  const uint64_t oldest = last_ < ring_.size() ? 1 : last_ - ring_.size() + 1;
  std::vector<Event> events;
  for (uint64_t n = std::min(last_ + 1, number); n > oldest && events.size() < limit; --n) {
    const Event& event = ring_[(n - 1) % ring_.size()];
    if (event.transition.number == n - 1) events.push_back(event);
  }
  return events;
}

uint64_t EventLog::last_number() const {
  MutexLock lock(&mutex_);
  return last_;
}

}  // namespace fusebox
