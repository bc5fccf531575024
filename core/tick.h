#ifndef FUSEBOX_CORE_TICK_H_
#define FUSEBOX_CORE_TICK_H_

#include <compare>
#include <cstdint>
#include <limits>

#include "absl/time/time.h"

namespace fusebox {

// A point in monotonic time: nanoseconds since an origin that means nothing by itself.
//
// A type of its own, because a wall clock's time must never reach a decision. Arithmetic
// saturates at Tick::Max(), which stands for "never". A value type; safe to share.
class Tick {
 public:
  constexpr Tick() = default;
  static constexpr Tick FromNanos(int64_t nanos) { return Tick(nanos); }
  static constexpr Tick Max() { return Tick(std::numeric_limits<int64_t>::max()); }

  constexpr int64_t nanos() const { return nanos_; }

  friend constexpr auto operator<=>(Tick, Tick) = default;

  // `duration` must not be negative.
  friend Tick operator+(Tick tick, absl::Duration duration) {
    const int64_t added = absl::ToInt64Nanoseconds(duration);
    return added > Max().nanos_ - tick.nanos_ ? Max() : Tick(tick.nanos_ + added);
  }
  Tick& operator+=(absl::Duration duration) { return *this = *this + duration; }

  friend absl::Duration operator-(Tick later, Tick earlier) {
    if (later == Max()) return absl::InfiniteDuration();
    return absl::Nanoseconds(later.nanos_ - earlier.nanos_);
  }

 private:
  explicit constexpr Tick(int64_t nanos) : nanos_(nanos) {}

  int64_t nanos_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_TICK_H_
