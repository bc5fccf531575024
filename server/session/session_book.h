#ifndef FUSEBOX_SERVER_SESSION_SESSION_BOOK_H_
#define FUSEBOX_SERVER_SESSION_SESSION_BOOK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/tick.h"
#include "server/sync/mutex.h"

namespace fusebox {

// What is remembered of one session over its streams: which of its reports were applied. One stream
// at a time owns it. Thread-safe.
class SessionPage {
 public:
  // Names a stream: greater than that of any stream before. 0 is none.
  using Owner = uint64_t;
  enum class Claim { kApply, kRepeated, kGap, kNotOwner };

  // Says what to do with a report that came by a stream. Who is told to apply it has to: it counts
  // as applied from now on.
  Claim ClaimReport(uint64_t sequence, Owner owner);

  uint64_t applied() const;

 private:
  friend class SessionBook;

  // 0: from now on it is nobody's.
  void SetOwner(Owner owner);

  mutable Mutex mutex_;
  Owner owner_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t applied_ ABSL_GUARDED_BY(mutex_) = 0;
};

// All sessions that are live or can be resumed, by id.
//
//   Open(id) --> page, owned by this stream ... Close() --> remembered for `resume_time`
//
// At most `max_sessions` are live; those that can be resumed are as many at most, and the ones that
// ended first make way. Time is an argument. Thread-safe.
class SessionBook {
 public:
  SessionBook(size_t max_sessions, absl::Duration resume_time)
      : max_sessions_(max_sessions), resume_time_(resume_time) {}

  struct Opened {
    std::shared_ptr<SessionPage> page = nullptr;
    SessionPage::Owner owner = 0;     // This stream;
    SessionPage::Owner replaced = 0;  // and the one that owned it until now, if one did.
    uint64_t applied = 0;
    bool resumed = false;  // It was known.
  };

  // A stream says that it is of this session. If it may not `resume` it begins anew, also where the
  // id is known, and so does who is not the `caller` that proved to be at its other end before
  // (perhaps nobody).
  //
  // Errors: RESOURCE_EXHAUSTED with reason TOO_MANY_SESSIONS; ABORTED with reason
  // SESSION_ID_IN_USE: it is of another caller's stream.
  absl::StatusOr<Opened> Open(absl::string_view id, absl::string_view caller, bool resume,
                              Tick now);

  // The stream has ended. Nothing, if another one owns the session meanwhile.
  void Close(absl::string_view id, SessionPage::Owner owner, Tick now);

  size_t live() const;

 private:
  struct Entry {
    std::shared_ptr<SessionPage> page;
    std::string caller;
    SessionPage::Owner owner = 0;  // Also after its end.
    bool is_live = false;
  };
  struct Ended {
    Tick at;
    std::string id;
    SessionPage::Owner owner;  // Until then.
  };

  void ForgetOld(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetOldest() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const size_t max_sessions_;
  const absl::Duration resume_time_;
  mutable Mutex mutex_;  // Taken before a page's.
  absl::flat_hash_map<std::string, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  size_t live_ ABSL_GUARDED_BY(mutex_) = 0;
  SessionPage::Owner last_owner_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Ended> ended_ ABSL_GUARDED_BY(mutex_);  // In their order; some have come back since.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SESSION_SESSION_BOOK_H_
