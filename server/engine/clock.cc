#include "server/engine/clock.h"

#include <ctime>

#include "absl/time/clock.h"

namespace fusebox {

Tick SystemClock::Now() const {
  timespec now;
  // Cannot fail: Linux has had CLOCK_BOOTTIME since 2.6.39.
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Tick::FromNanos(int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

absl::Time SystemClock::WallNow() const { return absl::Now(); }

}  // namespace fusebox
