#include "core/override_set.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"

namespace fusebox {

absl::StatusOr<std::shared_ptr<const OverrideSet>> OverrideSet::With(Override override) const {
  absl::StatusOr<Glob> glob = Glob::Parse(override.match);
  if (!glob.ok()) {
    return MakeError(
        absl::StatusCode::kInvalidArgument, "GLOB_INVALID",
        absl::StrCat("match is ", QuoteForError(override.match), "; ", glob.status().message()),
        "match");
  }
  auto set = std::make_shared<OverrideSet>(*Without(override.match));
  override.by_name = CheckBreakerName(override.match).ok();
  const auto shared = std::make_shared<const Override>(std::move(override));
  set->all_.insert(set->all_.begin(), shared);
  if (shared->by_name) {
    set->by_name_[shared->match] = shared;
  } else {
    set->rules_.insert(set->rules_.begin(), {*std::move(glob), shared});
  }
  return set;
}

std::shared_ptr<const OverrideSet> OverrideSet::Without(absl::string_view match) const {
  auto set = std::make_shared<OverrideSet>(*this);
  std::erase_if(set->all_, [match](const Shared& other) { return other->match == match; });
  std::erase_if(set->rules_, [match](const Rule& rule) { return rule.override->match == match; });
  set->by_name_.erase(match);
  return set;
}

OverrideSet::Shared OverrideSet::Match(absl::string_view breaker) const {
  if (const auto named = by_name_.find(breaker); named != by_name_.end()) return named->second;
  for (const Rule& rule : rules_) {
    if (rule.glob.Matches(breaker)) return rule.override;
  }
  return nullptr;
}

OverrideSet::Shared OverrideSet::Find(absl::string_view match) const {
  for (const Shared& override : all_) {
    if (override->match == match) return override;
  }
  return nullptr;
}

Tick OverrideSet::NextExpiry() const {
  Tick next = Tick::Max();
  for (const Shared& override : all_) next = std::min(next, override->expires);
  return next;
}

}  // namespace fusebox
