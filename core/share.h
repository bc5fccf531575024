#ifndef FUSEBOX_CORE_SHARE_H_
#define FUSEBOX_CORE_SHARE_H_

#include <cmath>
#include <compare>
#include <cstdint>
#include <limits>

namespace fusebox {

// A fraction in whole millionths, so that comparing it with counts is exact.
//
//   Share::FromFraction(0.3).IsReachedBy(3, 10) == true     // 3 * 10^6 >= 300,000 * 10
//
// Holds any fraction that a user may have written, also one out of range (50) or none at all
// (NaN), so that validation can name it. A value type.
class Share {
 public:
  static constexpr int64_t kOne = 1'000'000;

  constexpr Share() = default;
  static constexpr Share FromMillionths(int64_t millionths) { return Share(millionths); }

  // Rounds to the nearest millionth, but never to 0 what is not 0: 0 switches rules off.
  static Share FromFraction(double fraction) {
    if (std::isnan(fraction)) return Share(kNotANumber);
    const double scaled = std::round(fraction * kOne);
    if (scaled == 0 && fraction != 0) return Share(fraction > 0 ? 1 : -1);
    constexpr double kLimit = 9e18;
    return Share(static_cast<int64_t>(std::fmax(-kLimit, std::fmin(kLimit, scaled))));
  }

  constexpr int64_t millionths() const { return millionths_; }
  constexpr double fraction() const {
    return millionths_ == kNotANumber ? std::numeric_limits<double>::quiet_NaN()
                                      : static_cast<double>(millionths_) / kOne;
  }
  constexpr bool on() const { return millionths_ != 0; }

  // Whether `part` of `whole` is at least this share.
  constexpr bool IsReachedBy(uint64_t part, uint64_t whole) const {
    return part * kOne >= static_cast<uint64_t>(millionths_) * whole;
  }

  friend constexpr auto operator<=>(Share, Share) = default;

 private:
  static constexpr int64_t kNotANumber = std::numeric_limits<int64_t>::min();

  explicit constexpr Share(int64_t millionths) : millionths_(millionths) {}

  int64_t millionths_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_SHARE_H_
