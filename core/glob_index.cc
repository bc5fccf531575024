#include "core/glob_index.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/strip.h"

namespace fusebox {
namespace {

bool GoesFirst(const GlobIndex::Entry& a, const GlobIndex::Entry& b) { return a.rank > b.rank; }

// What stands before a ** may be all of a name, so the slash between them is no part of the head.
absl::string_view HeadOf(const Glob& glob) {
  const absl::string_view text = glob.text();
  const size_t star = text.find('*');
  if (star == absl::string_view::npos) return text;
  const absl::string_view head = text.substr(0, star);
  return absl::StartsWith(text.substr(star), "**") ? absl::StripSuffix(head, "/") : head;
}

}  // namespace

GlobIndex::GlobIndex(std::vector<Entry> entries) {
  std::sort(entries.begin(), entries.end(), GoesFirst);
  absl::flat_hash_map<std::string, Bucket> buckets;
  for (Entry& entry : entries) buckets[HeadOf(*entry.glob)].push_back(std::move(entry));
  for (auto& [head, bucket] : buckets) {
    lengths_.set(head.size());
    buckets_.emplace(head, std::make_shared<const Bucket>(std::move(bucket)));
  }
}

void GlobIndex::Add(Entry entry) {
  const absl::string_view head = HeadOf(*entry.glob);
  lengths_.set(head.size());
  std::shared_ptr<const Bucket>& place = buckets_[head];
  Bucket bucket = place == nullptr ? Bucket() : *place;
  const auto at = std::upper_bound(bucket.begin(), bucket.end(), entry, GoesFirst);
  bucket.insert(at, std::move(entry));
  place = std::make_shared<const Bucket>(std::move(bucket));
}

void GlobIndex::Remove(const Glob& glob) {
  const auto found = buckets_.find(HeadOf(glob));
  if (found == buckets_.end()) return;
  Bucket bucket = *found->second;
  std::erase_if(bucket, [&glob](const Entry& e) { return e.glob->text() == glob.text(); });
  if (bucket.empty()) {
    buckets_.erase(found);
  } else {
    found->second = std::make_shared<const Bucket>(std::move(bucket));
  }
}

// From the longest head, where the most specific globs are.
std::optional<uint64_t> GlobIndex::First(absl::string_view name) const {
  std::optional<uint64_t> first;
  for (size_t length = std::min(name.size(), kMaxNameBytes) + 1; length-- > 0;) {
    if (!lengths_[length]) continue;
    const auto found = buckets_.find(name.substr(0, length));
    if (found == buckets_.end()) continue;
    for (const Entry& entry : *found->second) {
      if (first.has_value() && entry.rank < *first) break;
      if (!entry.glob->Matches(name)) continue;
      first = entry.rank;
      break;
    }
  }
  return first;
}

}  // namespace fusebox
