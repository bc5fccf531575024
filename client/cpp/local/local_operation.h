#ifndef FUSEBOX_CLIENT_CPP_LOCAL_LOCAL_OPERATION_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_LOCAL_OPERATION_H_

// What the files of LocalBreaker share.

#include "client/cpp/local/held.h"
#include "client/cpp/local/local_breaker.h"

namespace fusebox::internal {

// One look at the breaker, under its lock; wakes the owner after it if need be.
class ABSL_SCOPED_LOCKABLE LocalBreaker::Operation {
 public:
  explicit Operation(LocalBreaker& breaker) ABSL_EXCLUSIVE_LOCK_FUNCTION(breaker.mutex_)
      : breaker_(breaker) {
    breaker_.mutex_.Lock();
    hurried_ = breaker_.hurries();
    deadline_ = breaker_.next_deadline();
    state_ = breaker_.state();
    now_ = breaker_.Now();
    breaker_.AddUp(now_);
  }
  ~Operation() ABSL_UNLOCK_FUNCTION() {
    breaker_.Redecide(now_);
    const bool is_urgent = breaker_.hand_.asks() || breaker_.hurries();
    if (is_urgent) breaker_.hurries_.store(true, std::memory_order_relaxed);
    const bool wakes = (is_urgent && !hurried_) || breaker_.next_deadline() < deadline_ ||
                       breaker_.state() != state_;
    breaker_.mutex_.Unlock();
    if (wakes) breaker_.surroundings_.wake();
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  Tick now() const { return now_; }

 private:
  LocalBreaker& breaker_;
  bool hurried_;
  State state_;
  Tick deadline_;
  Tick now_;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_LOCAL_OPERATION_H_
