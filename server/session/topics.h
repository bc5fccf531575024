#ifndef FUSEBOX_SERVER_SESSION_TOPICS_H_
#define FUSEBOX_SERVER_SESSION_TOPICS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/tick.h"
#include "server/registry/registry.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Who follows breakers, each under a handle of its own.
class Follower : public std::enable_shared_from_this<Follower> {
 public:
  virtual ~Follower() = default;

  // There is news of the breaker. Returns whether the follower has to be woken for it. Called with
  // the topic locked: takes its note and returns.
  virtual bool Note(uint32_t handle) = 0;
  // There is something to say. Called with nothing locked.
  virtual void Wake() = 0;
};

// One breaker that somebody follows. Thread-safe.
class Topic {
 public:
  explicit Topic(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }
  // How many there are, as of when they last were twice or half as many.
  uint32_t told_followers() const { return told_followers_.load(std::memory_order_relaxed); }

  // Tells all of them that there is news.
  void Tell();

  // Whether followers are to hurry with their reports: from the first sign of trouble on, until a
  // second or more after the last. True if that is news.
  bool NoteHealth(bool healthy, Tick now);
  bool hurries() const { return hurries_.load(std::memory_order_relaxed); }

  // True once a second, for what is too costly to look at each time.
  bool IsTimeToLook(Tick now);

  // Where the breaker was seen last, for who looks for it next.
  std::atomic<Slot> slot{0};

 private:
  friend class Topics;
  // Whether there are so many more or fewer followers that they should be told.
  bool NoteFollowers() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::string name_;
  std::atomic<uint32_t> told_followers_{0};
  std::atomic<bool> hurries_{false};
  std::atomic<Tick> unhealthy_at_{Tick()};
  std::atomic<Tick> look_at_{Tick()};
  std::atomic<bool> is_pending_{false};  // It waits for Topics::TellPending().
  mutable Mutex mutex_;
  absl::flat_hash_map<Follower*, uint32_t> handles_ ABSL_GUARDED_BY(mutex_);
};

// All breakers that somebody follows, by name.
//
// Followers are told by one thread, which is woken for it: whoever has news only notes of which
// breaker, however many follow it. Thread-safe.
class Topics {
 public:
  // `wake` is called with nothing locked when TellPending() has something to do.
  explicit Topics(std::function<void()> wake) : wake_(std::move(wake)) {}

  // A follower that joins has to leave before it ends. Null if it follows the breaker already.
  // Whenever there are twice or half as many followers as when they were last told how many they
  // are, that is news.
  std::shared_ptr<Topic> Join(absl::string_view name, Follower& follower, uint32_t handle);
  void Leave(const std::shared_ptr<Topic>& topic, Follower& follower);

  // There is news of the breaker.
  void Publish(const std::shared_ptr<Topic>& topic);
  // Of the breaker of this name, if anybody follows it; of all.
  void Publish(absl::string_view name);
  void PublishAll();

  // Tells followers of all that was published. By one thread at a time.
  void TellPending();

  size_t size() const;

 private:
  const std::function<void()> wake_;
  mutable Mutex mutex_;  // Taken before a topic's.
  absl::flat_hash_map<std::string, std::shared_ptr<Topic>> topics_ ABSL_GUARDED_BY(mutex_);

  Mutex pending_mutex_;
  std::vector<std::shared_ptr<Topic>> pending_ ABSL_GUARDED_BY(pending_mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SESSION_TOPICS_H_
