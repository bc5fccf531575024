// What outlives a restart: outages and the history.
#include <algorithm>
#include <utility>

#include "server/engine/engine.h"

namespace fusebox {

std::optional<Outage> Engine::SaveOutage(absl::string_view breaker) {
  const Tick now = clock_.Now();
  Aftermath aftermath;
  LockedBreaker entry = Enter(breaker, now, aftermath);
  if (!entry) return std::nullopt;
  const uint32_t revision = entry->guard.revision();
  std::optional<Outage> outage =
      entry->guard.SaveOutage(*entry->ruling, now, numbers_, aftermath.transitions);
  Leave(*entry, revision, aftermath);
  entry.Unlock();
  Publish(breaker, aftermath);
  return outage;
}

std::vector<std::string> Engine::BreakersInOutage() {
  std::vector<std::string> names;
  for (Slot slot = 0; slot < registry_.end(); ++slot) {
    const LockedBreaker entry = registry_.At(slot);
    if (entry && entry->guard.state() != State::kClosed) names.emplace_back(entry->name());
  }
  return names;
}

absl::Status Engine::RestoreOutages(absl::Span<const NamedOutage> outages) {
  const Rules::Moment rules = rules_.Take();
  absl::Status status;
  std::vector<std::pair<Tick, Slot>> deadlines;
  deadlines.reserve(outages.size());
  for (const NamedOutage& outage : outages) {
    Aftermath aftermath;
    if (absl::Status restored = Restore(outage, rules, aftermath); !restored.ok()) {
      status = std::move(restored);
      continue;
    }
    if (aftermath.deadline != Tick::Max()) {
      deadlines.emplace_back(std::exchange(aftermath.deadline, Tick::Max()), aftermath.slot);
    }
    Publish(outage.first, aftermath);
    // It is OPEN now, and for so long.
    if (outage.second.state == State::kHalfOpen) changed_outages_.Add(outage.first);
  }
  deadlines_.Push(std::move(deadlines));
  return status;
}

absl::Status Engine::Restore(const NamedOutage& outage, const Rules::Moment& rules,
                             Aftermath& aftermath) {
  const auto& [breaker, kept] = outage;
  const Tick now = clock_.Now();
  absl::StatusOr<LockedBreaker> found = FindOrCreate(breaker, rules, now, aftermath);
  if (!found.ok()) return found.status();
  if (!aftermath.born) return absl::AlreadyExistsError(breaker);
  const LockedBreaker entry = *std::move(found);
  entry->guard.RestoreOutage(*entry->ruling, kept, now);
  counters_.CountRestored();
  Leave(*entry, entry->guard.revision(), aftermath);
  return absl::OkStatus();
}

void Engine::RestoreOverrides(const std::shared_ptr<const OverrideSet>& overrides) {
  const std::vector<OverrideSet::Shared>& all = overrides->all();
  {
    MutexLock configure(&configure_mutex_);
    for (const OverrideSet::Shared& override : all) {
      if (override->drill) drills_.Begin(override);
    }
    rules_.Set(overrides);
  }
  // The oldest first: if there are too many breakers, those that were there first stay.
  std::for_each(all.rbegin(), all.rend(), [this](const OverrideSet::Shared& override) {
    if (override->by_name) Create(override->match);
  });
}

void Engine::RestoreEvents(const std::vector<Event>& events) {
  const bool is_late = numbers_kept_free_ != 0;
  uint64_t free = numbers_kept_free_ - events.size();
  for (Event event : events) {
    if (is_late) {
      event.transition.number = ++free;
    } else {
      numbers_.GoOnAfter(event.transition.number);
    }
    events_.Append(std::move(event));
  }
}

// The numbers of a history are counted, so that none has come as far as the milliseconds of a life.
void Engine::ExpectHistory() {
  numbers_kept_free_ = life();
  numbers_.GoOnAfter(numbers_kept_free_);
  events_.GoOnAfter(numbers_kept_free_);
}

}  // namespace fusebox
