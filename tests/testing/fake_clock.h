#ifndef FUSEBOX_TESTS_TESTING_FAKE_CLOCK_H_
#define FUSEBOX_TESTS_TESTING_FAKE_CLOCK_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "core/tick.h"
#include "server/engine/clock.h"

namespace fusebox {

// A clock that stands still until it is told to go on.
//
//   FakeClock clock;
//   Engine engine({}, clock, /*life=*/1);
//   clock.Advance(absl::Seconds(30));   // Both times go on.
//   clock.JumpWall(-absl::Hours(1));    // As when somebody sets the wall clock back.
//   clock.TickWithEachLook();           // From now on no two looks see the same time.
//   clock.Reboot();                     // For the next life of a server: this one must have ended.
//
// Thread-safe.
class FakeClock : public Clock {
 public:
  // Far from 0, so that code which takes 0 for "never" shows.
  explicit FakeClock(Tick now = Tick::FromNanos(1'000'000'000'000),
                     absl::Time wall = absl::FromUnixSeconds(1'700'000'000))
      : nanos_(now.nanos()), wall_nanos_(absl::ToUnixNanos(wall)) {}

  Tick Now() const override {
    const int64_t step = step_.load(std::memory_order_relaxed);
    return Tick::FromNanos(nanos_.fetch_add(step, std::memory_order_acq_rel) + step);
  }
  absl::Time WallNow() const override {
    return absl::FromUnixNanos(wall_nanos_.load(std::memory_order_acquire));
  }

  std::string BootId() const override { return "boot " + std::to_string(boot_.load()); }

  // The machine was off for a while and starts anew: monotonic time begins near 0 again.
  void Reboot(absl::Duration off = absl::Minutes(1)) {
    boot_.fetch_add(1);
    nanos_.store(kUptimeNanos, std::memory_order_release);
    JumpWall(off);
  }

  // Monotonic time goes on by a nanosecond with each look at it.
  void TickWithEachLook() { step_.store(1); }

  // `step` must not be negative.
  void Advance(absl::Duration step) {
    nanos_.fetch_add(absl::ToInt64Nanoseconds(step), std::memory_order_acq_rel);
    JumpWall(step);
  }
  void JumpWall(absl::Duration step) {
    wall_nanos_.fetch_add(absl::ToInt64Nanoseconds(step), std::memory_order_acq_rel);
  }

 private:
  static constexpr int64_t kUptimeNanos = 5'000'000'000;

  std::atomic<int> boot_{1};
  std::atomic<int64_t> step_{0};
  mutable std::atomic<int64_t> nanos_;
  std::atomic<int64_t> wall_nanos_;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_TESTING_FAKE_CLOCK_H_
