#ifndef FUSEBOX_SERVER_ENGINE_CLOCK_H_
#define FUSEBOX_SERVER_ENGINE_CLOCK_H_

#include <string>

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
  // Which start of the machine Now() counts from: times of two boots have nothing to do with each
  // other. Empty if unknown, which is no other's.
  virtual std::string BootId() const = 0;
};

// The machine's clocks: CLOCK_BOOTTIME, the wall clock and the kernel's boot_id.
class SystemClock : public Clock {
 public:
  Tick Now() const override;
  absl::Time WallNow() const override;
  std::string BootId() const override;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_CLOCK_H_
