#include "server/registry/event_log.h"

#include <algorithm>
#include <utility>

namespace fusebox {

namespace {

// How many numbers a reader looks at before it lets writers pass.
constexpr uint64_t kAtATime = 256;

std::vector<Event> Copy(const EventList& shared) {
  std::vector<Event> events;
  events.reserve(shared.size());
  for (const Event& event : shared) events.push_back(event);
  return events;
}

}  // namespace

void EventLog::Append(Event event) {
  const uint64_t number = event.transition.number;
  // The event that this one pushes out is destroyed with it, behind the lock.
  auto shared = std::make_shared<const Event>(std::move(event));
  MutexLock lock(&mutex_);
  last_ = std::max(last_, number);
  std::shared_ptr<const Event>& place = ring_[number % ring_.size()];
  // Overtaken by a whole round.
  if (place != nullptr && place->transition.number > number) return;
  if (place == nullptr) ++size_;
  place.swap(shared);
}

uint64_t EventLog::OldestNumber() const {
  return last_ < ring_.size() ? 1 : last_ - ring_.size() + 1;
}

void EventLog::AddTo(EventList& events, uint64_t number) const {
  const std::shared_ptr<const Event>& event = ring_[number % ring_.size()];
  if (event != nullptr && event->transition.number == number) events.Add(event);
}

// Ends with what was the last when it began: writers may be faster than it.
EventList EventLog::ReadAfter(uint64_t number, size_t limit) const {
  EventList events;
  const uint64_t last = last_number();
  while (number < last && events.size() < limit) {
    MutexLock lock(&mutex_);
    number = std::max(number, OldestNumber() - 1);
    const uint64_t end = std::min(last, number + kAtATime);
    while (number < end && events.size() < limit) AddTo(events, ++number);
  }
  return events;
}

EventList EventLog::ReadBefore(uint64_t number, size_t limit) const {
  EventList events;
  number = std::min(last_number() + 1, number);
  bool is_at_end = false;
  while (!is_at_end && events.size() < limit) {
    MutexLock lock(&mutex_);
    const uint64_t oldest = OldestNumber();
    for (uint64_t i = 0; i < kAtATime && number > oldest && events.size() < limit; ++i) {
      AddTo(events, --number);
    }
    is_at_end = number <= oldest;
  }
  return events;
}

size_t EventLog::size() const {
  MutexLock lock(&mutex_);
  return size_;
}

size_t EventLog::capacity() const {
  MutexLock lock(&mutex_);
  return ring_.size();
}

void EventLog::GoOnAfter(uint64_t number) {
  MutexLock lock(&mutex_);
  last_ = number;
}

std::vector<Event> EventLog::After(uint64_t number, size_t limit) const {
  return Copy(ReadAfter(number, limit));
}

std::vector<Event> EventLog::Before(uint64_t number, size_t limit) const {
  return Copy(ReadBefore(number, limit));
}

uint64_t EventLog::last_number() const {
  MutexLock lock(&mutex_);
  return last_;
}

}  // namespace fusebox
