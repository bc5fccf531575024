#ifndef FUSEBOX_SERVER_SESSION_TOPICS_H_
#define FUSEBOX_SERVER_SESSION_TOPICS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "server/registry/registry.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Who follows breakers, each under a handle of its own.
class Follower : public std::enable_shared_from_this<Follower> {
 public:
  virtual ~Follower() = default;

  // The breaker has changed. Returns whether the follower has to be woken for it. Called with the
  // topic locked: takes its note and returns.
  virtual bool Note(uint32_t handle) = 0;
  // There is something to say. Called with nothing locked.
  virtual void Wake() = 0;
};

// One breaker that somebody follows. Thread-safe.
class Topic {
 public:
  explicit Topic(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  size_t followers() const;

  // Tells all of them that the breaker has changed.
  void Tell();

  // Where the breaker was seen last, for who looks for it next.
  std::atomic<Slot> slot{0};
  // Whether the followers were told to hurry with their reports.
  std::atomic<bool> hurries{false};

 private:
  friend class Topics;
  using Seat = std::pair<Follower*, uint32_t>;

  const std::string name_;
  mutable Mutex mutex_;
  absl::flat_hash_set<Seat> seats_ ABSL_GUARDED_BY(mutex_);
};

// All breakers that somebody follows, by name. Thread-safe.
class Topics {
 public:
  // A follower that joins has to leave before it ends. `doubled` says that it made them twice as
  // many as when that was last so: what depends on their number is worth telling anew.
  std::shared_ptr<Topic> Join(absl::string_view name, Follower& follower, uint32_t handle,
                              bool& doubled);
  void Leave(const std::shared_ptr<Topic>& topic, Follower& follower, uint32_t handle);

  // Null if nobody follows it.
  std::shared_ptr<Topic> Find(absl::string_view name) const;
  std::vector<std::shared_ptr<Topic>> All() const;
  size_t size() const;

 private:
  mutable Mutex mutex_;  // Taken before a topic's.
  absl::flat_hash_map<std::string, std::shared_ptr<Topic>> topics_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SESSION_TOPICS_H_
