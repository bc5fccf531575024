#ifndef FUSEBOX_CLIENT_CPP_LOCAL_PUSHED_H_
#define FUSEBOX_CLIENT_CPP_LOCAL_PUSHED_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "core/guard.h"
#include "core/override.h"
#include "core/state.h"
#include "core/tick.h"

namespace fusebox::internal {

// What the server said last of a breaker, with its waits as points in this client's time.
struct Pushed {
  // Whether `standing` is older than this, and to be dropped.
  bool IsNewerThan(const Standing& standing) const {
    if (standing.epoch != epoch) return standing.epoch < epoch;
    return standing.revision < revision;
  }

  static Pushed At(const Standing& standing, Tick now) {
    Pushed pushed{.epoch = standing.epoch,
                  .revision = standing.revision,
                  .state = standing.state,
                  .hurry = !standing.healthy,
                  .hedge_delay = standing.hedge_delay};
    if (standing.state == State::kOpen) pushed.open_until = now + standing.retry_after;
    if (standing.closed_for.has_value()) {
      // It may have closed before this client's time began.
      pushed.closed_since = Tick::FromNanos(
          std::max(int64_t{0}, now.nanos() - absl::ToInt64Nanoseconds(*standing.closed_for)));
    }
    if (standing.override != nullptr) {
      pushed.override = std::make_shared<const Override>(
          Override{.mode = standing.override->mode, .expires = now + standing.override_ttl});
    }
    return pushed;
  }

  bool IsOpen(Tick now) const { return state == State::kOpen && now < open_until; }
  std::optional<OverrideMode> OverrideAt(Tick now) const {
    if (override == nullptr || now >= override->expires) return std::nullopt;
    return override->mode;
  }
  // When it says something else by itself.
  Tick NextChange(Tick now) const {
    Tick next = Tick::Max();
    if (IsOpen(now)) next = open_until;
    if (OverrideAt(now).has_value()) next = std::min(next, override->expires);
    return next;
  }

  uint64_t epoch = 0;  // 0: it has not said anything.
  uint32_t revision = 0;
  State state = State::kClosed;
  Tick open_until = {};
  std::optional<Tick> closed_since = {};  // While it ramps.
  std::shared_ptr<const Override> override = {};
  bool hurry = false;
  std::optional<absl::Duration> hedge_delay = {};
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LOCAL_PUSHED_H_
