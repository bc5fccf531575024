#include "server/registry/event_reader.h"

#include <utility>

namespace fusebox {

EventReader::Page EventReader::Next(size_t limit) {
  Page page;
  const EventList events = log_->ReadAfter(read_, limit);
  for (size_t i = 0; i < events.size(); ++i) {
    const uint64_t number = events[i]->transition.number;
    const uint64_t gap = number - read_ - 1;
    if (gap > 0 && !std::exchange(has_waited_, true)) break;
    has_waited_ = false;
    page.missed += gap;
    read_ = number;
    page.events.Add(events[i]);
  }
  return page;
}

}  // namespace fusebox
