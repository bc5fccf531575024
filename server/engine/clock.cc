#include "server/engine/clock.h"

#include <ctime>
#include <fstream>

#include "absl/time/clock.h"

namespace fusebox {

Tick SystemClock::Now() const {
  timespec now;
  // Cannot fail: Linux has had CLOCK_BOOTTIME since 2.6.39.
  clock_gettime(CLOCK_BOOTTIME, &now);
  return Tick::FromNanos(int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec);
}

absl::Time SystemClock::WallNow() const { return absl::Now(); }

std::string SystemClock::BootId() const {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace fusebox
