#include "server/registry/event_reader.h"

#include <memory>
#include <utility>

namespace fusebox {

EventReader::Page EventReader::Next(size_t limit) {
  Page page;
  const EventList events = log_->ReadAfter(read_, limit);
  for (const std::shared_ptr<const Event>& event : events.shared()) {
    const uint64_t number = event->transition.number;
    const uint64_t gap = number - read_ - 1;
    if (gap > 0 && !std::exchange(has_waited_, true)) break;
    has_waited_ = false;
    page.missed += gap;
    read_ = number;
    page.events.Add(event);
  }
  return page;
}

}  // namespace fusebox
