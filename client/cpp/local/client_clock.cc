#include "fusebox/client_clock.h"

#include <time.h>

namespace fusebox {
namespace {

class MachineClock : public ClientClock {
 public:
  int64_t NowNanos() const override {
    timespec now = {};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
  }
};

}  // namespace

const ClientClock& ClientClock::OfMachine() {
  static const MachineClock clock;
  return clock;
}

}  // namespace fusebox
