#ifndef FUSEBOX_SERVER_ENGINE_TURN_TIMER_H_
#define FUSEBOX_SERVER_ENGINE_TURN_TIMER_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <vector>

#include "absl/time/time.h"
#include "core/tick.h"
#include "server/engine/clock.h"
#include "server/engine/deadline_queue.h"

namespace fusebox {

// When somebody's turn comes who waits for a breaker, and one thread that sleeps until then. Apart
// from what else is due: that may be 20 ms late, and calls that wait for a token may not.
//
// Of the standard library and not of Abseil: Abseil's timed waits end by the wall clock.
// Thread-safe.
class TurnTimer {
 public:
  // Somebody's turn at the breaker of this slot comes at `due`, or should be looked at then.
  void Push(Tick due, Slot slot) {
    turns_.Push(due, slot);
    const std::lock_guard<std::mutex> lock(mutex_);
    Hasten(due);
  }

  // Ends the sleep at `due` if it would take longer.
  void WakeBy(Tick due) {
    const std::lock_guard<std::mutex> lock(mutex_);
    wake_by_ = std::min(wake_by_, due);
    Hasten(due);
  }

  // DeadlineQueue's.
  std::vector<Slot> TakeDue(Tick now, size_t limit) { return turns_.TakeDue(now, limit); }

  // Returns once a turn is due by `clock`, or somebody's WakeBy(), or after `longest`. For one
  // thread.
  void Sleep(const Clock& clock, absl::Duration longest) {
    std::unique_lock<std::mutex> lock(mutex_);
    const Tick latest = clock.Now() + longest;
    while (true) {
      const Tick now = clock.Now();
      sleeps_until_ = std::min({turns_.Earliest(), wake_by_, latest});
      if (sleeps_until_ <= now) break;
      hastened_ = false;
      changed_.wait_for(lock, absl::ToChronoNanoseconds(sleeps_until_ - now),
                        [this] { return hastened_; });
      if (!hastened_) break;
    }
    sleeps_until_ = Tick();
    wake_by_ = Tick::Max();
  }

 private:
  void Hasten(Tick due) {
    if (due >= sleeps_until_) return;
    hastened_ = true;
    changed_.notify_one();
  }

  DeadlineQueue turns_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hastened_ = false;
  Tick sleeps_until_;  // While it sleeps; what is due earlier ends that.
  Tick wake_by_ = Tick::Max();
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_TURN_TIMER_H_
