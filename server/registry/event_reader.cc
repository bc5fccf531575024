#include "server/registry/event_reader.h"

#include <utility>

namespace fusebox {

EventReader::Page EventReader::Next(size_t limit) {
  Page page;
  for (Event& event : log_->After(read_, limit)) {
    const uint64_t gap = event.transition.number - read_ - 1;
    if (gap > 0 && !std::exchange(has_waited_, true)) break;
    has_waited_ = false;
    page.missed += gap;
    read_ = event.transition.number;
    page.events.push_back(std::move(event));
  }
  return page;
}

}  // namespace fusebox
