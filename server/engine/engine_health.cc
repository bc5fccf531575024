// How breakers feel, one and many.
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/engine/engine.h"

namespace fusebox {

absl::StatusOr<Condition> Engine::ConditionOf(absl::string_view breaker) {
  const Tick now = clock_.Now();
  Aftermath aftermath;
  LockedBreaker entry = Enter(breaker, now, aftermath);
  if (!entry) return NoSuchBreaker(breaker);
  const uint32_t revision = entry->guard.revision();
  const Condition condition =
      entry->guard.TakeCondition(*entry->ruling, now, numbers_, aftermath.transitions);
  Leave(*entry, revision, aftermath);
  entry.Unlock();
  Publish(breaker, aftermath);
  return condition;
}

absl::StatusOr<std::shared_ptr<const HealthReport>> Engine::HealthOf(absl::string_view prefix,
                                                                     const HealthViewer& viewer) {
  constexpr Slot kSlotsAtOnce = 2048;  // Then others may use the thread.
  const std::string key = absl::StrCat(viewer.id, " ", prefix);
  const Tick now = clock_.Now();
  absl::StatusOr<HealthWalks::Turn> turn = health_walks_.Take(key, now);
  if (!turn.ok()) return turn.status();
  if (!turn->walk.has_value()) return std::move(turn->report);
  HealthWalks::Walk& walk = *turn->walk;
  std::string name;  // Here, so that not each needs memory of its own.
  for (Slot looks = 0; looks < kSlotsAtOnce && !IsListed(walk.next); ++looks) {
    const Slot slot = walk.next++;
    if (const std::optional<Condition> condition = ConditionAt(slot, prefix, now, name)) {
      if (viewer.may_see != nullptr && !viewer.may_see(name)) continue;
      walk.report.rollup.Add(name, *condition);
    }
  }
  if (IsListed(walk.next)) return health_walks_.Finish(key, std::move(walk), now);
  health_walks_.Pause(key, std::move(walk), now);
  return nullptr;
}

// Under the policy that it has: the sweep sees to it that this is no older than five seconds.
std::optional<Condition> Engine::ConditionAt(Slot slot, absl::string_view prefix, Tick now,
                                             std::string& name) {
  Aftermath aftermath;
  Condition condition;
  {
    const LockedBreaker entry = registry_.At(slot);
    if (!entry || !IsUnder(prefix, entry->name())) return std::nullopt;
    name.assign(entry->name().data(), entry->name().size());
    const uint32_t revision = entry->guard.revision();
    condition = entry->guard.TakeCondition(*entry->ruling, now, numbers_, aftermath.transitions);
    Leave(*entry, revision, aftermath);
  }
  Publish(name, aftermath);
  return condition;
}

}  // namespace fusebox
