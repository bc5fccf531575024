#include "server/registry/event_log.h"

#include <algorithm>

namespace fusebox {

void EventLog::Append(absl::string_view breaker, const Transition& transition) {
  MutexLock lock(&mutex_);
  last_ = std::max(last_, transition.number);
  Event& place = ring_[transition.number % ring_.size()];
  if (place.transition.number > transition.number) return;  // Overtaken by a whole round.
  place = {std::string(breaker), transition};
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

uint64_t EventLog::last_number() const {
  MutexLock lock(&mutex_);
  return last_;
}

}  // namespace fusebox
