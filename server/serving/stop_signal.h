#ifndef FUSEBOX_SERVER_SERVING_STOP_SIGNAL_H_
#define FUSEBOX_SERVER_SERVING_STOP_SIGNAL_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "absl/time/time.h"

namespace fusebox {

// Tells a thread that waits that it is time to stop.
//
// Of the standard library and not of Abseil: Abseil's timed waits end by the wall clock, and one
// that is set back by an hour would hold up every breaker for as long. Thread-safe.
class StopSignal {
 public:
  void Stop() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
  }

  // True if stopped within `timeout`, by the steady clock.
  bool WaitFor(absl::Duration timeout) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return stopped_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_STOP_SIGNAL_H_
