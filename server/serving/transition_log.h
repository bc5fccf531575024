#ifndef FUSEBOX_SERVER_SERVING_TRANSITION_LOG_H_
#define FUSEBOX_SERVER_SERVING_TRANSITION_LOG_H_

#include <cstdint>

#include "server/registry/event_log.h"
#include "server/registry/event_reader.h"

namespace fusebox {

// Writes transitions to the log, a line each, from the ring: whoever trips a breaker does not wait
// for a file. To be used by one thread.
class TransitionLog {
 public:
  // Begins behind the event with number `after`. `events` must outlive this.
  TransitionLog(const EventLog& events, uint64_t after) : reader_(events, after) {}

  // Writes what came since the last time, at most a hundred; the rest of a flood the next times. If
  // it outran the ring, says how many it lost.
  void Write();

 private:
  EventReader reader_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_TRANSITION_LOG_H_
