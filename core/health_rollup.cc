#include "core/health_rollup.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/match.h"

namespace fusebox {
namespace {

bool IsWorse(absl::string_view name, const Condition& condition, const HealthRollup::Member& than) {
  // The worse health is the greater number.
  if (condition.health != than.condition.health) return condition.health > than.condition.health;
  return std::forward_as_tuple(condition.score, name) <
         std::forward_as_tuple(than.condition.score, absl::string_view(than.name));
}

}  // namespace

bool IsUnder(absl::string_view prefix, absl::string_view name) {
  if (prefix.empty()) return true;
  if (!absl::StartsWith(name, prefix)) return false;
  return name.size() == prefix.size() || name[prefix.size()] == '/';
}

void HealthRollup::Add(absl::string_view name, const Condition& condition) {
  score_ = std::min(score_, condition.score);
  switch (condition.health) {
    case Health::kHealthy:
      ++healthy_;
      return;
    case Health::kDegraded:
      ++degraded_;
      break;
    case Health::kUnhealthy:
      ++unhealthy_;
      break;
  }
  AddToWorst(name, condition);
}

void HealthRollup::AddToWorst(absl::string_view name, const Condition& condition) {
  if (worst_.size() == kMaxWorst) {
    if (!IsWorse(name, condition, worst_.back())) return;
    worst_.pop_back();
  }
  const auto place = std::find_if(worst_.begin(), worst_.end(), [&](const Member& member) {
    return IsWorse(name, condition, member);
  });
  worst_.insert(place, {.name = std::string(name), .condition = condition});
}

std::optional<Health> HealthRollup::health() const {
  if (breakers() == 0) return std::nullopt;
  if (healthy_ == breakers()) return Health::kHealthy;
  return unhealthy_ == breakers() ? Health::kUnhealthy : Health::kDegraded;
}

}  // namespace fusebox
