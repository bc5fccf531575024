#include "fusebox/client_clock.h"

#include <ctime>

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
  static auto& clock = *new MachineClock;  // Never destroyed: threads may outlive all else.
  return clock;
}

}  // namespace fusebox
