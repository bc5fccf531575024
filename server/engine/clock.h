#ifndef FUSEBOX_SERVER_ENGINE_CLOCK_H_
#define FUSEBOX_SERVER_ENGINE_CLOCK_H_

#include "absl/time/time.h"
#include "core/tick.h"

namespace fusebox {

// The only way to the time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Monotonic, counts suspend. Every decision is made by it.
  virtual Tick Now() const = 0;
  // The wall clock, to show to people and for nothing else.
  virtual absl::Time WallNow() const = 0;
};

// The machine's clocks: CLOCK_BOOTTIME and the wall clock.
class SystemClock : public Clock {
 public:
  Tick Now() const override;
  absl::Time WallNow() const override;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_CLOCK_H_
