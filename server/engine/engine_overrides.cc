// What operators impose on breakers, and do to them.
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"
#include "server/engine/engine.h"

namespace fusebox {

absl::Status Engine::SetOverride(absl::string_view match, Override override,
                                 absl::string_view trace_id) {
  const Tick now = clock_.Now();
  override.match = std::string(match);
  if (override.began == Tick()) override.began = now;
  std::shared_ptr<const Override> imposed, replaced;
  {
    MutexLock configure(&configure_mutex_);
    const std::shared_ptr<const OverrideSet> before = rules_.overrides();
    absl::StatusOr<std::shared_ptr<const OverrideSet>> after = before->With(std::move(override));
    if (!after.ok()) return after.status();
    imposed = (*after)->Find(match);
    replaced = before->Find(match);
    if (imposed->drill) drills_.Begin(imposed);
    rules_.Set(*std::move(after));
  }
  const Deed deed{imposed->actor, imposed->reason, std::string(trace_id)};
  if (replaced != nullptr && replaced->drill) {
    TellOfOverride(Cause::kOverrideCleared, replaced, deed);
  }
  TellOfOverride(Cause::kOverridden, imposed, deed);
  if (imposed->by_name) {
    Create(match);
    Refresh(match);
  }
  return absl::OkStatus();
}

absl::Status Engine::ClearOverride(absl::string_view match, const Deed& deed) {
  std::shared_ptr<const Override> cleared;
  {
    MutexLock configure(&configure_mutex_);
    cleared = rules_.overrides()->Find(match);
    if (cleared != nullptr) rules_.Set(rules_.overrides()->Without(match));
  }
  if (cleared == nullptr) return NoSuchOverride(match);
  TellOfOverride(Cause::kOverrideCleared, cleared, deed);
  if (cleared->by_name) Refresh(match);
  return absl::OkStatus();
}

void Engine::ExpireOverrides(Tick now) {
  if (rules_.overrides()->NextExpiry() > now) return;
  OverrideSet::Expiry expiry;
  {
    MutexLock configure(&configure_mutex_);
    expiry = rules_.overrides()->WithoutExpired(now);
    if (expiry.expired.empty()) return;
    rules_.Set(std::move(expiry.left));
  }
  for (const OverrideSet::Shared& override : expiry.expired) {
    TellOfOverride(Cause::kOverrideExpired, override, {});
    if (override->by_name) Refresh(override->match);
  }
}

void Engine::TellOfOverride(Cause cause, const std::shared_ptr<const Override>& override,
                            const Deed& deed) {
  const Tick now = clock_.Now();
  Event event{.breaker = override->match,
              .transition = {.number = numbers_.NextNumber(), .cause = cause, .time = now},
              .actor = deed.actor,
              .reason = deed.reason,
              .trace_id = deed.trace_id,
              .override = override};
  const bool ended = cause != Cause::kOverridden;
  if (ended && override->drill) event.drill_report = drills_.End(*override, now);
  events_.Append(std::move(event));
}

void Engine::Refresh(absl::string_view breaker) {
  const Tick now = clock_.Now();
  Aftermath aftermath;
  LockedBreaker entry = Enter(breaker, now, aftermath);
  if (!entry) return;
  const uint32_t revision = entry->guard.revision();
  entry->guard.Advance(*entry->ruling, now, numbers_, aftermath.transitions);
  Leave(*entry, revision, aftermath);
  entry.Unlock();
  Publish(breaker, aftermath);
}

void Engine::Create(absl::string_view breaker) {
  Aftermath aftermath;
  absl::StatusOr<LockedBreaker> entry = EnterOrCreate(breaker, clock_.Now(), aftermath);
  if (!entry.ok()) return;
  Leave(**entry, (*entry)->guard.revision(), aftermath);
  entry->Unlock();
  Publish(breaker, aftermath);
}

absl::Status Engine::Reset(absl::string_view breaker, const Deed& deed) {
  const Tick now = clock_.Now();
  Aftermath aftermath;
  {
    const LockedBreaker entry = Enter(breaker, now, aftermath);
    if (!entry) return NoSuchBreaker(breaker);
    const uint32_t revision = entry->guard.revision();
    entry->guard.Reset(*entry->ruling, now, numbers_, aftermath.transitions);
    Leave(*entry, revision, aftermath);
  }
  Publish(breaker, aftermath, deed);
  return absl::OkStatus();
}

absl::Status Engine::Forget(absl::string_view breaker, const Deed& deed) {
  const auto held = rules_.overrides()->Find(breaker);
  if (held != nullptr) return IsHeld(breaker, *held);
  Event event{.breaker = std::string(breaker),
              .transition = {.cause = Cause::kDeleted, .time = clock_.Now()},
              .actor = deed.actor,
              .reason = deed.reason,
              .trace_id = deed.trace_id};
  Slot slot = 0;
  {
    const LockedBreaker entry = registry_.Find(breaker);
    if (!entry) return NoSuchBreaker(breaker);
    slot = entry->slot();
  }
  EndWaitsAt(breaker);
  Aftermath aftermath{.slot = slot};
  const auto note = [this, &event, &aftermath](BreakerEntry& entry) {
    EndSomeWaits(entry, aftermath);  // Of those that have come since.
    event.transition.number = numbers_.NextNumber();
    event.transition.from = entry.guard.state();
    event.transition.epoch = entry.guard.epoch();
    event.policy = entry.ruling->policy.name;
    return true;
  };
  const bool erased = registry_.Erase(slot, breaker, note);
  if (!aftermath.turns.empty()) AnswerTurns(aftermath);
  if (!erased) return NoSuchBreaker(breaker);
  counters_.CountEviction(event.transition.from);
  changed_outages_.Add(breaker);
  events_.Append(std::move(event));
  watch_hub_.Publish(breaker);
  return absl::OkStatus();
}

absl::Status Engine::IsHeld(absl::string_view breaker, const Override& override) {
  return MakeError(absl::StatusCode::kFailedPrecondition, "BREAKER_OVERRIDDEN",
                   absl::StrCat("breaker \"", breaker, "\" is held by an override of ",
                                QuoteForError(override.actor), "; clear that first"),
                   "name");
}

absl::Status Engine::NoSuchOverride(absl::string_view match) {
  return MakeError(absl::StatusCode::kNotFound, "OVERRIDE_NOT_FOUND",
                   absl::StrCat("no override is for ", QuoteForError(match),
                                "; list the overrides and give the `match` of one"),
                   "match");
}

absl::Status Engine::NoSuchBreaker(absl::string_view breaker) {
  if (const absl::Status name = CheckBreakerName(breaker); !name.ok()) {
    return MakeError(name.code(), ErrorReason(name), name.message(), "name");
  }
  return MakeError(absl::StatusCode::kNotFound, "BREAKER_NOT_FOUND",
                   absl::StrCat("breaker \"", breaker,
                                "\" does not exist; breakers appear with their first Allow, and "
                                "idle ones are forgotten"),
                   "name");
}

}  // namespace fusebox
