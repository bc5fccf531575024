#ifndef FUSEBOX_INTERNAL_STOPWATCH_H_
#define FUSEBOX_INTERNAL_STOPWATCH_H_

#include <cstdint>

#include "fusebox/client_clock.h"

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace fusebox::internal {

// Times calls in a few nanoseconds, where reading a clock of the machine takes twenty: by the
// processor's counter, where that counts evenly, and else by the clock. The readings of one
// stopwatch are in units of its own. Immutable, so safe to share.
class Stopwatch {
 public:
  // By the clock alone, which outlives it.
  explicit Stopwatch(const ClientClock& clock) : clock_(&clock) {}

  // By the processor's counter, if that can be; the machine's clock otherwise. Takes 2 ms, once per
  // process.
  static const Stopwatch& OfMachine();

  uint64_t Read() const {
#if defined(__x86_64__)
    if (nanos_per_unit_ != 1) return __rdtsc();
#endif
    return static_cast<uint64_t>(clock_->NowNanos());
  }

  // How long it was between two readings. One that seems to be the earlier took no time: counters
  // of two processors may be apart by a little.
  uint64_t NanosBetween(uint64_t begin, uint64_t end) const {
    if (end <= begin) return 0;
    return static_cast<uint64_t>(static_cast<double>(end - begin) * nanos_per_unit_);
  }
  // So many units take at least so many nanoseconds.
  uint64_t UnitsIn(uint64_t nanos) const {
    return static_cast<uint64_t>(static_cast<double>(nanos) / nanos_per_unit_);
  }

 private:
  Stopwatch(const ClientClock& clock, double nanos_per_unit)
      : clock_(&clock), nanos_per_unit_(nanos_per_unit) {}

  const ClientClock* clock_;
  double nanos_per_unit_ = 1;  // 1: of the clock.
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_INTERNAL_STOPWATCH_H_
