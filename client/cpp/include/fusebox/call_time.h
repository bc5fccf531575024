#ifndef FUSEBOX_CALL_TIME_H_
#define FUSEBOX_CALL_TIME_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <mutex>

#include "absl/time/time.h"

namespace fusebox {

// The clock of a pipeline, and its way to wait; for tests to put another in its place. Thread-safe.
class CallTime {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  virtual ~CallTime() = default;

  // Nanoseconds since an origin that means nothing; never less than before.
  virtual int64_t NowNanos() const = 0;

  // Waits until `is_over()`, which is asked with `lock` held whenever `changed` is notified, or
  // until that time. True if it is over.
  virtual bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                         int64_t nanos, const std::function<bool()>& is_over) const = 0;

  // This long after now; kNever for what is too long to be told from it.
  int64_t NanosAfter(absl::Duration duration) const;

  // The machine's monotonic clock.
  static const CallTime& OfMachine();
};

}  // namespace fusebox

#endif  // FUSEBOX_CALL_TIME_H_
