#include "fusebox/call_time.h"

#include <chrono>

namespace fusebox {
namespace {

class MachineTime final : public CallTime {
 public:
  int64_t NowNanos() const override {
    return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable& changed,
                 int64_t nanos, const std::function<bool()>& is_over) const override {
    if (nanos == kNever) {
      changed.wait(lock, is_over);
      return true;
    }
    const std::chrono::steady_clock::time_point until{std::chrono::nanoseconds(nanos)};
    return changed.wait_until(lock, until, is_over);
  }
};

}  // namespace

int64_t CallTime::NanosAfter(absl::Duration duration) const {
  const int64_t now = NowNanos();
  const int64_t nanos = absl::ToInt64Nanoseconds(duration);
  if (nanos > 0 && now > kNever - nanos) return kNever;
  return nanos < 0 ? now : now + nanos;
}

const CallTime& CallTime::OfMachine() {
  static const auto& time = *new MachineTime;
  return time;
}

}  // namespace fusebox
