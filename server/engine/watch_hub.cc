#include "server/engine/watch_hub.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {

void ChangedNames::Add(absl::string_view name) {
  if (!glob_.Matches(name)) return;
  bool wake = false;
  {
    MutexLock lock(&mutex_);
    if (names_.size() < capacity_) {
      names_.emplace(name);
    } else if (!names_.contains(name)) {
      overrun_ = true;
    }
    wake = std::exchange(waiting_, false);
  }
  if (wake) wake_();
}

void ChangedNames::Overrun() {
  bool wake = false;
  {
    MutexLock lock(&mutex_);
    overrun_ = true;
    wake = std::exchange(waiting_, false);
  }
  if (wake) wake_();
}

absl::StatusOr<std::string> ChangedNames::Take() {
  MutexLock lock(&mutex_);
  if (overrun_) {
    return MakeError(absl::StatusCode::kAborted, "WATCH_TOO_SLOW",
                     absl::StrCat("more than ", capacity_,
                                  " breakers changed since this watch last read; watch again, "
                                  "with a narrower match, or raise --max-watch-lag"));
  }
  waiting_ = names_.empty();
  if (waiting_) return std::string();
  return std::move(names_.extract(names_.begin()).value());
}

absl::StatusOr<std::shared_ptr<ChangedNames>> WatchHub::Watch(Glob glob,
                                                              std::function<void()> wake) {
  auto names = std::make_shared<ChangedNames>(std::move(glob), max_names_, std::move(wake));
  // The count goes down with the last owner, whichever thread that is.
  std::shared_ptr<ChangedNames> counted(names.get(),
                                        [this, names](ChangedNames*) { watchers_.fetch_sub(1); });
  if (watchers_.fetch_add(1) >= max_watchers_) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHERS",
                     absl::StrCat("all ", max_watchers_,
                                  " watches are in use; end one or raise --max-watchers"));
  }
  MutexLock lock(&mutex_);
  all_.push_back(counted);
  return counted;
}

std::vector<std::shared_ptr<ChangedNames>> WatchHub::Live() {
  std::vector<std::shared_ptr<ChangedNames>> live;
  MutexLock lock(&mutex_);
  std::erase_if(all_, [](const std::weak_ptr<ChangedNames>& w) { return w.expired(); });
  for (const std::weak_ptr<ChangedNames>& weak : all_) {
    if (std::shared_ptr<ChangedNames> names = weak.lock()) live.push_back(std::move(names));
  }
  return live;
}

void WatchHub::Publish(absl::string_view name) {
  if (watchers() == 0) return;
  MutexLock lock(&mutex_);
  if (changed_.size() < max_names_) {
    changed_.emplace(name);
  } else if (!changed_.contains(name)) {
    overrun_ = true;
  }
}

void WatchHub::Deliver() {
  absl::flat_hash_set<std::string> changed;
  bool overrun = false;
  {
    MutexLock lock(&mutex_);
    changed.swap(changed_);
    overrun = std::exchange(overrun_, false);
  }
  if (changed.empty() && !overrun) return;
  for (const std::shared_ptr<ChangedNames>& watcher : Live()) {
    if (overrun) watcher->Overrun();
    for (const std::string& name : changed) watcher->Add(name);
  }
}

}  // namespace fusebox
