#include "server/engine/watch_hub.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/engine/resume_token.h"

namespace fusebox {
namespace {

constexpr size_t kNamesAtOnce = 64;  // That are looked at or numbered under one lock.
constexpr int kLocksAtOnce = 16;     // Until others may use the thread.
constexpr size_t kNamesBeforeWaking = 16;

}  // namespace

absl::StatusOr<std::shared_ptr<ChangedNames>> WatchHub::Watch(Glob glob, std::function<void()> wake,
                                                              absl::string_view resume_token) {
  wanted_.store(true);
  NumberPublished();
  MutexLock lock(&mutex_);
  if (readers_.size() - own_readers_ >= max_watchers_) {
    return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHERS",
                     absl::StrCat("all ", max_watchers_,
                                  " watches are in use; end one or raise --max-watchers"));
  }
  const absl::StatusOr<uint64_t> start = FindStart(glob, resume_token);
  if (!start.ok()) return start.status();
  return Admit({.glob = std::move(glob),
                .wake = std::make_shared<const std::function<void()>>(std::move(wake)),
                .place = *start});
}

std::shared_ptr<ChangedNames> WatchHub::WatchAll(std::function<void()> wake) {
  wanted_.store(true);
  NumberPublished();
  MutexLock lock(&mutex_);
  ++own_readers_;
  return Admit({.glob = Glob::All(),
                .wake = std::make_shared<const std::function<void()>>(std::move(wake)),
                .place = log_.last(),
                .is_own = true});
}

std::shared_ptr<ChangedNames> WatchHub::Admit(Reader reader) {
  auto names = std::make_shared<ChangedNames>(*this, ++last_id_, reader.glob.text(), log_.last());
  readers_[last_id_] = std::move(reader);
  return names;
}

absl::StatusOr<uint64_t> WatchHub::FindStart(const Glob& glob, absl::string_view token) const {
  if (token.empty()) return log_.last();
  const absl::StatusOr<uint64_t> place = OpenResumeToken(token, life_, glob.text());
  if (!place.ok()) return place;
  if (*place > log_.last()) return InvalidResumeToken("is of a change that is yet to come");
  if (log_.HoldsAllAfter(*place)) return place;
  return StaleResumeToken(absl::StrCat("is too old: more than ", max_names_,
                                       " breakers changed since (--max-watch-lag)"));
}

size_t WatchHub::watchers() const {
  MutexLock lock(&mutex_);
  return readers_.size() - own_readers_;
}

void WatchHub::End(uint64_t id) {
  Reader ended;  // Goes, and what its wake holds, after the lock.
  MutexLock lock(&mutex_);
  const auto found = readers_.find(id);
  ended = std::move(found->second);
  if (ended.is_own) --own_readers_;
  readers_.erase(found);
  waiting_.erase(id);
}

void WatchHub::Publish(absl::string_view name) {
  if (!wanted_.load()) return;
  MutexLock lock(&publish_mutex_);
  if (changed_.size() < max_names_) {
    changed_.emplace(name);
  } else if (!changed_.contains(name)) {
    overrun_ = true;
  }
}

void WatchHub::Deliver() {
  NumberPublished();
  absl::flat_hash_set<uint64_t> waiting;
  {
    MutexLock lock(&mutex_);
    if (delivered_ == log_.last()) return;
    delivered_ = log_.last();
    waiting.swap(waiting_);
  }
  for (const uint64_t id : waiting) {
    if (const Wake wake = Stir(id)) (*wake)();
  }
}

void WatchHub::NumberPublished() {
  MutexLock number_lock(&number_mutex_);
  Names changed;
  bool overrun = false;
  {
    MutexLock lock(&publish_mutex_);
    changed.swap(changed_);
    overrun = std::exchange(overrun_, false);
  }
  if (!overrun) {
    Number(changed);
  } else {
    MutexLock lock(&mutex_);
    log_.Lose();
  }
}

void WatchHub::Number(const Names& changed) {
  for (auto name = changed.begin(); name != changed.end();) {
    MutexLock lock(&mutex_);
    for (size_t i = 0; i < kNamesAtOnce && name != changed.end(); ++i) log_.Add(*name++);
  }
}

// Who wants none of the few names that most often are all stays asleep.
WatchHub::Wake WatchHub::Stir(uint64_t id) {
  MutexLock lock(&mutex_);
  const auto found = readers_.find(id);
  if (found == readers_.end()) return nullptr;
  Reader& reader = found->second;
  if (log_.HoldsAllAfter(reader.place)) {
    const ChangeLog::Place next =
        log_.Next(reader.place, log_.last(), reader.glob, kNamesBeforeWaking);
    if (next.name == nullptr) reader.place = next.number;
    if (reader.place == log_.last()) {
      waiting_.insert(id);
      return nullptr;
    }
  }
  return reader.wake;
}

absl::StatusOr<WatchHub::Taken> WatchHub::Take(uint64_t id, uint64_t to) {
  uint64_t place = 0;
  for (int i = 0; i < kLocksAtOnce; ++i) {
    MutexLock lock(&mutex_);
    Reader& reader = readers_.find(id)->second;
    if (!log_.HoldsAllAfter(reader.place)) {
      return MakeError(absl::StatusCode::kAborted, "WATCH_TOO_SLOW",
                       absl::StrCat("more than ", max_names_,
                                    " breakers changed since this watch last read; watch anew, "
                                    "with a narrower match, or raise --max-watch-lag"));
    }
    const ChangeLog::Place next = log_.Next(reader.place, to, reader.glob, kNamesAtOnce);
    place = reader.place = next.number;
    if (next.name != nullptr) return Taken{.name = *next.name, .place = place};
    if (place >= to) return Taken{.place = place};
    if (place < log_.last()) continue;
    waiting_.insert(id);
    return Taken{.place = place};
  }
  return Taken{.place = place, .look_on = true};
}

void WatchHub::Skip(uint64_t id) {
  MutexLock lock(&mutex_);
  readers_.find(id)->second.place = log_.last();
  waiting_.insert(id);
}

absl::StatusOr<ChangedNames::Next> ChangedNames::TakeUpTo(uint64_t number) {
  absl::StatusOr<WatchHub::Taken> taken = hub_.Take(id_, number);
  if (!taken.ok()) return taken.status();
  return Next{.name = std::move(taken->name),
              .resume_token = MakeResumeToken(hub_.life_, taken->place, match_),
              .look_on = taken->look_on};
}

}  // namespace fusebox
