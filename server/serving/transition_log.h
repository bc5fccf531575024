#ifndef FUSEBOX_SERVER_SERVING_TRANSITION_LOG_H_
#define FUSEBOX_SERVER_SERVING_TRANSITION_LOG_H_

#include <cstdint>

#include "server/registry/event_log.h"

namespace fusebox {

// Writes transitions to the log, a line each, from the ring: whoever trips a breaker does not wait
// for a file. To be used by one thread.
class TransitionLog {
 public:
  // `events` must outlive this.
  explicit TransitionLog(const EventLog& events) : events_(events) {}

  // Writes what came since the last time; of a flood the first hundred, and how many more.
  void Write();

 private:
  const EventLog& events_;
  uint64_t written_ = 0;  // The number of the last transition that was dealt with.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_TRANSITION_LOG_H_
