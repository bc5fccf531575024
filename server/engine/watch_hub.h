#ifndef FUSEBOX_SERVER_ENGINE_WATCH_HUB_H_
#define FUSEBOX_SERVER_ENGINE_WATCH_HUB_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/glob.h"
#include "server/engine/change_log.h"
#include "server/sync/mutex.h"

namespace fusebox {

class ChangedNames;

// Tells every watcher which breakers change.
//
//   Publish() --> names of this tick --Deliver()--> log <--Take()-- watchers, each at its place
//                                          `----> wakes those that wait
//
// Publishing notes a name and returns. Deliver() numbers what was noted (or who begins to watch
// does, to stand behind it), in a log that all watchers share; each reads it by itself, on a thread
// of its own, from where it stands. So no caller of Allow() pays for watchers, and whoever delivers
// pays for a look at each that waits. A watcher costs no memory for what it has yet to read: it is
// lost when the log has passed it by.
//
// Names are kept from the first watch on, whether or not anybody watches: one that broke off may
// come back. Thread-safe.
class WatchHub {
 public:
  // At most `max_watchers` at a time, each of which may lag by `max_names` names. Tokens are good
  // for this `life` of the server.
  WatchHub(size_t max_watchers, size_t max_names, uint64_t life)
      : max_watchers_(max_watchers), max_names_(max_names), life_(life), log_(max_names) {}

  // Watches what is published from now on; or, with a token, since that was given. `wake` is called
  // by Deliver(), with no lock held, when there may be a name after Take() had found none; and
  // perhaps once more after the result, which is the watch, is dropped. The hub must outlive it.
  //
  // Errors: RESOURCE_EXHAUSTED with reason TOO_MANY_WATCHERS; OUT_OF_RANGE with reason
  // RESUME_TOKEN_STALE: what changed since is not known any more; INVALID_ARGUMENT with reason
  // RESUME_TOKEN_INVALID: it is not a token for this glob.
  absl::StatusOr<std::shared_ptr<ChangedNames>> Watch(Glob glob, std::function<void()> wake,
                                                      absl::string_view resume_token = "");

  // Watches everything from now on for the server itself: it is none of the `max_watchers`, and not
  // among watchers().
  std::shared_ptr<ChangedNames> WatchAll(std::function<void()> wake);

  void Publish(absl::string_view name);

  // Whether there was a watch, so that names are kept.
  bool IsWanted() const { return wanted_.load(); }

  // Passes on what was published since the last time. To be called by one thread at a time.
  void Deliver();

  size_t watchers() const;

 private:
  friend class ChangedNames;
  using Names = absl::flat_hash_set<std::string>;
  using Wake = std::shared_ptr<const std::function<void()>>;

  // A watch, as the hub knows it.
  struct Reader {
    Glob glob;
    Wake wake;
    uint64_t place = 0;   // All changes up to this number are behind it.
    bool is_own = false;  // The server's.
  };
  struct Taken {
    std::string name = {};
    uint64_t place = 0;
    bool look_on = false;
  };

  absl::StatusOr<uint64_t> FindStart(const Glob& glob, absl::string_view token) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::StatusOr<Taken> Take(uint64_t id, uint64_t to);
  void Skip(uint64_t id);
  void End(uint64_t id);
  void NumberPublished();
  void Number(const Names& changed);
  std::shared_ptr<ChangedNames> Admit(Reader reader) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Wake Stir(uint64_t id);

  const size_t max_watchers_;
  const size_t max_names_;
  const uint64_t life_;

  // There was a watch. A breaker that changes or is born before a watch has looked is seen by it;
  // after that, whoever changes it sees this set: the breaker's lock lies between or, at a birth,
  // the registry's end, which like this is read and written in one order for all.
  std::atomic<bool> wanted_{false};

  Mutex number_mutex_;  // Held until all that was published has its place in the log.

  Mutex publish_mutex_;  // The data plane's: never held for longer than one name takes.
  Names changed_ ABSL_GUARDED_BY(publish_mutex_);
  bool overrun_ ABSL_GUARDED_BY(publish_mutex_) = false;

  mutable Mutex mutex_;
  ChangeLog log_ ABSL_GUARDED_BY(mutex_);
  uint64_t delivered_ ABSL_GUARDED_BY(mutex_) = 0;  // Of the log's numbers, the last.
  uint64_t last_id_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_map<uint64_t, Reader> readers_ ABSL_GUARDED_BY(mutex_);
  size_t own_readers_ ABSL_GUARDED_BY(mutex_) = 0;  // Of them, those that are the server's.
  absl::flat_hash_set<uint64_t> waiting_ ABSL_GUARDED_BY(mutex_);  // Those who found nothing.
};

// One watch: the names of breakers that changed and that it has not yet taken. Ends with its
// destruction. Thread-safe.
class ChangedNames {
 public:
  // What comes next.
  struct Next {
    std::string name;          // Empty: nothing now.
    std::string resume_token;  // Where to go on for who has been told of this name and all before.
    bool look_on = false;      // Nothing was found so far, after much looking: take again.
  };

  ChangedNames(WatchHub& hub, uint64_t id, std::string match, uint64_t started_at)
      : hub_(hub), id_(id), match_(std::move(match)), started_at_(started_at) {}
  ~ChangedNames() { hub_.End(id_); }
  ChangedNames(const ChangedNames&) = delete;
  ChangedNames& operator=(const ChangedNames&) = delete;

  // The next name, in the order of last changes; each once, however often it changed. After none,
  // `wake` is due. The error is ABORTED with reason WATCH_TOO_SLOW: more changed since the last
  // time than is kept.
  absl::StatusOr<Next> Take() { return TakeUpTo(std::numeric_limits<uint64_t>::max()); }

  // The same for what changed before the watch began, which is nothing if it did not resume
  // another. After none, no `wake` is due.
  absl::StatusOr<Next> TakeMissed() { return TakeUpTo(started_at_); }

  // Passes over all that changed so far, for who only wants to know that something did. After it
  // `wake` is due.
  void Skip() { hub_.Skip(id_); }

 private:
  absl::StatusOr<Next> TakeUpTo(uint64_t number);

  WatchHub& hub_;
  const uint64_t id_;
  const std::string match_;
  const uint64_t started_at_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_WATCH_HUB_H_
