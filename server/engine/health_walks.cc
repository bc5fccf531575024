#include "server/engine/health_walks.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {

absl::StatusOr<HealthWalks::Turn> HealthWalks::Take(const std::string& key, Tick now) {
  MutexLock lock(&mutex_);
  Kept* const kept = Find(key, now);
  if (kept == nullptr) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_HEALTH_WALKS",
                     absl::StrCat("the health of ", kMaxKept,
                                  " prefixes is being looked at; ask again later, or for fewer"));
  }
  kept->last_used = ++uses_;
  if (kept->is_walked) return Turn{};
  const bool is_recent = now - kept->changed < kMaxAge;
  if (kept->report != nullptr && is_recent) return Turn{.report = kept->report};
  kept->report.reset();
  std::optional<Walk> walk = std::exchange(kept->paused, std::nullopt);
  if (!walk.has_value() || !is_recent) {
    if (!Begin(key, now)) {
      kept->changed = now;
      return Turn{};
    }
    walk = Walk{.report = {.since = now}};
  }
  kept->is_walked = true;
  return Turn{.walk = std::move(walk)};
}

bool HealthWalks::IsUnderWay(const Kept& kept, Tick now) {
  return kept.is_walked || (kept.paused.has_value() && now - kept.changed < kMaxAge);
}

// One without a report that was asked for in the last second is paused, or waits to begin.
bool HealthWalks::MayGo(const Kept& kept, Tick now) {
  return !kept.is_walked && (kept.report != nullptr || now - kept.changed >= kMaxAge);
}

HealthWalks::Kept* HealthWalks::Find(const std::string& key, Tick now) {
  const auto found = kept_.find(key);
  if (found != kept_.end()) return &found->second;
  if (kept_.size() >= kMaxKept) {
    auto oldest = kept_.end();
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      if (!MayGo(it->second, now)) continue;
      if (oldest == kept_.end() || it->second.last_used < oldest->second.last_used) oldest = it;
    }
    if (oldest == kept_.end()) return nullptr;
    kept_.erase(oldest);
  }
  return &kept_[key];
}

bool HealthWalks::Begin(const std::string& key, Tick now) {
  std::vector<std::string> under_way;
  for (std::string& other : begun_) {
    const auto found = kept_.find(other);
    const bool goes_on = found != kept_.end() && IsUnderWay(found->second, now);
    if (goes_on) under_way.push_back(std::move(other));
  }
  begun_ = std::move(under_way);
  if (begun_.size() >= kMaxWalks) return false;
  begun_.push_back(key);
  return true;
}

HealthWalks::Kept& HealthWalks::Return(const std::string& key, Tick now) {
  Kept& kept = kept_.find(key)->second;
  kept.is_walked = false;
  kept.changed = now;
  return kept;
}

void HealthWalks::Pause(const std::string& key, Walk walk, Tick now) {
  MutexLock lock(&mutex_);
  Return(key, now).paused = std::move(walk);
}

std::shared_ptr<const HealthReport> HealthWalks::Finish(const std::string& key, Walk walk,
                                                        Tick now) {
  auto report = std::make_shared<const HealthReport>(std::move(walk.report));
  MutexLock lock(&mutex_);
  Return(key, now).report = report;
  return report;
}

}  // namespace fusebox
