#ifndef FUSEBOX_SERVER_REGISTRY_EVENT_READER_H_
#define FUSEBOX_SERVER_REGISTRY_EVENT_READER_H_

#include <cstddef>
#include <cstdint>

#include "server/registry/event_log.h"

namespace fusebox {

// Reads every transition of an EventLog once, in order, and knows how many it missed.
//
//   EventReader reader(log);
//   ... every 20 ms ...
//   const EventReader::Page page = reader.Next(/*limit=*/100);
//
// An event that is still on its way is waited for until the next call. To be used by one thread.
class EventReader {
 public:
  struct Page {
    EventList events;
    uint64_t missed = 0;  // How many were pushed out of the ring before they were read.
  };

  // Begins behind the event with number `after`. `log` must outlive this.
  explicit EventReader(const EventLog& log, uint64_t after = 0) : log_(&log), read_(after) {}

  // What follows, at most `limit`.
  Page Next(size_t limit);

 private:
  const EventLog* log_;
  uint64_t read_;            // The number of the last transition that was read or missed.
  bool has_waited_ = false;  // For the one after it.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_REGISTRY_EVENT_READER_H_
