#ifndef FUSEBOX_BACKLOG_H_
#define FUSEBOX_BACKLOG_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>

#include "absl/status/status.h"
#include "fusebox/pipeline.h"

namespace fusebox {

// Calls to be made later, in the order in which they came; in memory. Thread-safe.
class Backlog {
 public:
  using Function = std::function<absl::Status(const CallContext&)>;

  // Keeps at most so many.
  explicit Backlog(size_t capacity) : capacity_(capacity) {}

  // False if it is full. The options are those of the call in the end, of which each try has the
  // whole timeout and none is cancelled. Its idempotency key is drawn now, if it has none: it is
  // the same however often the call is tried.
  bool Add(CallOptions options, Function function);

  // Makes the calls through the pipeline, one after the other, until one fails: that one stays the
  // first. What fails for good has to be reported as OK by its function. Returns OK when none is
  // left. Not to be called by a function of the backlog's.
  absl::Status Drain(const Pipeline& pipeline);

  size_t size() const;

 private:
  struct Call {
    CallOptions options;
    Function function;
  };

  const size_t capacity_;
  std::mutex draining_;  // Held before `mutex_`.
  mutable std::mutex mutex_;
  std::deque<Call> calls_;
};

}  // namespace fusebox

#endif  // FUSEBOX_BACKLOG_H_
