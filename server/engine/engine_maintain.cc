// What happens by itself: waits end, leases expire, idle breakers are forgotten.
#include <algorithm>

#include "server/engine/engine.h"

namespace fusebox {
namespace {

// The sweep looks at every breaker once in so long.
constexpr absl::Duration kSweepPeriod = absl::Seconds(5);

// Those who watch are told of changes at once, but not more often than this.
constexpr absl::Duration kDeliveryGap = absl::Milliseconds(1);

}  // namespace

void Engine::Maintain() {
  MutexLock lock(&maintain_mutex_);
  const Tick now = clock_.Now();
  ExpireOverrides(now);
  AdvanceDue(now);
  ServeDue(now);
  Sweep(now);
  next_delivery_.store(now + kDeliveryGap, std::memory_order_relaxed);
  watch_hub_.Deliver();
}

void Engine::AdvanceDue(Tick now) {
  constexpr size_t kAtATime = 1024;
  std::vector<Slot> due;
  do {
    due = deadlines_.TakeDue(now, kAtATime);
    for (const Slot slot : due) {
      Aftermath aftermath;
      LockedBreaker entry = registry_.At(slot);
      if (!entry) continue;
      entry->queued_for = Tick::Max();
      const uint32_t revision = entry->guard.revision();
      entry->guard.Advance(*entry->ruling, now, numbers_, aftermath.transitions);
      Leave(*entry, revision, aftermath);
      const std::string name(entry->name());
      entry.Unlock();
      Publish(name, aftermath);
    }
    // Many more are due at once: watches are to keep up with them.
    if (due.size() == kAtATime) watch_hub_.Deliver();
  } while (due.size() == kAtATime);
}

// Those who wait have no other reason to be looked at. When a breaker opens that thousands wait
// for, the other breakers are looked after in between.
void Engine::ServeDue(Tick now) {
  constexpr size_t kAtATime = 64;
  for (size_t served = 0; served < kAtATime; ++served) {
    const std::vector<Slot> due = turns_.TakeDue(now, 1);
    if (due.empty()) return;
    std::string name;
    if (const LockedBreaker entry = registry_.At(due.front())) name = std::string(entry->name());
    if (!name.empty()) Refresh(name);
  }
}

// Looks at as many slots as are due by now, if all are looked at once a period.
void Engine::Sweep(Tick now) {
  const Slot end = registry_.end();
  if (sweep_cursor_ >= end) {
    if (now - sweep_started_ < kSweepPeriod) return;
    sweep_cursor_ = 0;
    sweep_started_ = now;
  }
  const double progress =
      std::clamp(absl::FDivDuration(now - sweep_started_, kSweepPeriod), 0.0, 1.0);
  const Slot goal = static_cast<Slot>(progress * end);
  for (; sweep_cursor_ < goal; ++sweep_cursor_) SweepSlot(sweep_cursor_, now);
}

void Engine::SweepSlot(Slot slot, Tick now) {
  State state = State::kClosed;
  const auto idle = [this, now, &state](BreakerEntry& entry) {
    state = entry.guard.state();
    const Transition* last = entry.guard.last_transition();
    const Tick quiet_since =
        last == nullptr ? entry.last_used : std::max(entry.last_used, last->time);
    return now - quiet_since >= options_.idle_ttl && entry.guard.IsForgettable(*entry.ruling, now);
  };
  std::string name;
  bool is_idle = false;
  {
    const LockedBreaker entry = registry_.At(slot);
    if (!entry) return;
    is_idle = idle(*entry);
    if (!is_idle) entry->guard.Trim(*entry->ruling, now);
    if (!is_idle && entry->generation == rules_.generation()) return;
    name = std::string(entry->name());
  }
  if (!is_idle) return Refresh(name);
  if (!registry_.Erase(slot, name, idle)) return;
  counters_.CountEviction(state);
  if (state != State::kClosed) changed_outages_.Add(name);
  watch_hub_.Publish(name);
}

}  // namespace fusebox
