#ifndef FUSEBOX_CLIENT_CLOCK_H_
#define FUSEBOX_CLIENT_CLOCK_H_

#include <cstdint>

namespace fusebox {

// Monotonic time, for tests to put another in its place. Thread-safe.
class ClientClock {
 public:
  virtual ~ClientClock() = default;

  // Nanoseconds since an origin that means nothing; never less than before.
  virtual int64_t NowNanos() const = 0;

  // The machine's: CLOCK_BOOTTIME, which goes on while it is suspended.
  static const ClientClock& OfMachine();
};

}  // namespace fusebox

#endif  // FUSEBOX_CLIENT_CLOCK_H_
