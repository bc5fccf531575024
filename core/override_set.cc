#include "core/override_set.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/glob.h"
#include "core/name.h"

namespace fusebox {
namespace {

absl::StatusOr<Glob> ParseMatch(absl::string_view match) {
  absl::StatusOr<Glob> glob = Glob::Parse(match);
  if (glob.ok()) return glob;
  return MakeError(absl::StatusCode::kInvalidArgument, "GLOB_INVALID",
                   absl::StrCat("match is ", QuoteForError(match), "; ", glob.status().message()),
                   "match");
}

}  // namespace

absl::StatusOr<std::shared_ptr<const OverrideSet>> OverrideSet::Make(
    std::vector<Override> newest_last) {
  std::stable_sort(newest_last.begin(), newest_last.end(),
                   [](const Override& a, const Override& b) { return a.order < b.order; });
  uint64_t order = 0;
  for (Override& override : newest_last) {
    if (absl::Status glob = ParseMatch(override.match).status(); !glob.ok()) return glob;
    override.by_name = CheckBreakerName(override.match).ok();
    order = override.order = std::max(override.order, order + 1);
  }
  std::vector<Shared> newest_first;
  absl::flat_hash_set<absl::string_view> seen;
  for (; !newest_last.empty(); newest_last.pop_back()) {
    if (seen.contains(newest_last.back().match)) continue;
    newest_first.push_back(std::make_shared<const Override>(std::move(newest_last.back())));
    seen.insert(newest_first.back()->match);
  }
  return Of(std::move(newest_first));
}

std::shared_ptr<const OverrideSet> OverrideSet::Of(std::vector<Shared> newest_first) {
  auto set = std::make_shared<OverrideSet>();
  std::vector<GlobIndex::Entry> globs;
  for (const Shared& override : newest_first) {
    set->by_match_.emplace(override->match, override);
    if (override->by_name) continue;
    // It was parsed once, when it came.
    globs.push_back({std::make_shared<const Glob>(*Glob::Parse(override->match)), override->order});
  }
  set->globs_ = GlobIndex(std::move(globs));
  set->all_ = std::move(newest_first);
  set->NoteExpiry();
  return set;
}

absl::StatusOr<std::shared_ptr<const OverrideSet>> OverrideSet::With(Override override) const {
  absl::StatusOr<Glob> glob = ParseMatch(override.match);
  if (!glob.ok()) return glob.status();
  override.by_name = CheckBreakerName(override.match).ok();
  override.order = all_.empty() ? 1 : all_.front()->order + 1;
  const auto shared = std::make_shared<const Override>(std::move(override));
  auto set = std::make_shared<OverrideSet>(*this);
  set->Erase(shared->match);
  set->all_.insert(set->all_.begin(), shared);
  set->by_match_.emplace(shared->match, shared);
  if (!shared->by_name) {
    set->globs_.Add({std::make_shared<const Glob>(*std::move(glob)), shared->order});
  }
  set->NoteExpiry();
  return set;
}

std::shared_ptr<const OverrideSet> OverrideSet::Without(absl::string_view match) const {
  auto set = std::make_shared<OverrideSet>(*this);
  set->Erase(match);
  set->NoteExpiry();
  return set;
}

OverrideSet::Expiry OverrideSet::WithoutExpired(Tick now) const {
  Expiry expiry;
  std::vector<Shared> left;
  for (const Shared& override : all_) {
    (override->expires <= now ? expiry.expired : left).push_back(override);
  }
  expiry.left = Of(std::move(left));
  return expiry;
}

OverrideSet::Shared OverrideSet::Match(absl::string_view breaker) const {
  if (Shared named = Find(breaker); named != nullptr && named->by_name) return named;
  const std::optional<uint64_t> order = globs_.First(breaker);
  if (!order.has_value()) return nullptr;
  return *std::partition_point(all_.begin(), all_.end(),
                               [&order](const Shared& o) { return o->order > *order; });
}

OverrideSet::Shared OverrideSet::Find(absl::string_view match) const {
  const auto found = by_match_.find(match);
  return found == by_match_.end() ? nullptr : found->second;
}

void OverrideSet::Erase(absl::string_view match) {
  const Shared gone = Find(match);
  if (gone == nullptr) return;
  by_match_.erase(gone->match);
  std::erase(all_, gone);
  if (!gone->by_name) globs_.Remove(*Glob::Parse(gone->match));
}

void OverrideSet::NoteExpiry() {
  next_expiry_ = Tick::Max();
  for (const Shared& override : all_) next_expiry_ = std::min(next_expiry_, override->expires);
}

}  // namespace fusebox
