#include "server/engine/change_log.h"

#include <algorithm>

namespace fusebox {

void ChangeLog::Add(absl::string_view name) {
  ++last_;
  const auto [kept, is_new] = numbers_.try_emplace(name, last_);
  if (!is_new) {
    names_.erase(kept->second);
    kept->second = last_;
  }
  names_.emplace_hint(names_.end(), last_, &kept->first);
  if (names_.size() <= capacity_) return;
  const auto [number, oldest] = *names_.begin();
  lost_ = number;
  numbers_.erase(numbers_.find(*oldest));
  names_.erase(names_.begin());
}

void ChangeLog::Lose() {
  lost_ = ++last_;
  names_.clear();
  numbers_.clear();
}

ChangeLog::Place ChangeLog::Next(uint64_t after, uint64_t to, const Glob& match,
                                 size_t looks) const {
  uint64_t number = after;
  for (auto at = names_.upper_bound(after); at != names_.end() && at->first <= to; ++at) {
    if (looks-- == 0) return {number};
    number = at->first;
    if (match.Matches(*at->second)) return {number, at->second};
  }
  return {std::max(after, std::min(to, last_))};
}

}  // namespace fusebox
