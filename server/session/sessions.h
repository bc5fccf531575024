#ifndef FUSEBOX_SERVER_SESSION_SESSIONS_H_
#define FUSEBOX_SERVER_SESSION_SESSIONS_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fusebox/v1/session.pb.h"
#include "server/engine/engine.h"
#include "server/session/session.h"
#include "server/session/session_book.h"
#include "server/session/session_counts.h"
#include "server/session/topics.h"
#include "server/sync/mutex.h"

namespace fusebox {

// The bounds of sessions. Each is a flag of the server.
struct SessionOptions {
  size_t max_sessions = 20'000;
  size_t max_subscriptions = 10'000;  // Of one session.
  absl::Duration resume_time = absl::Minutes(1);
  absl::Duration report_interval = absl::Milliseconds(500);
};

// All sessions of a server, and the one thread that tells them what changes.
//
//   engine --changed names--> this --Topic::Tell()--> sessions --wake--> streams
//
// Thread-safe. Outlives its sessions.
class Sessions {
 public:
  // How a breaker that fails is to be reported.
  static constexpr absl::Duration kHurryInterval = absl::Milliseconds(10);
  // Beyond so many reports a second from all sessions together, they are asked to wait longer
  // between reports.
  static constexpr size_t kReportsPerSecond = 20'000;

  // A stream's part of a session.
  struct Callbacks {
    std::function<void()> wake;                    // Session's.
    std::function<void(const absl::Status&)> end;  // The stream must end.
    std::function<void()> recheck;                 // Its caller may not be who it was.
  };

  Sessions(Engine& engine, const SessionOptions& options);
  ~Sessions();

  // Starts telling, and stops.
  void Start();
  void Stop();

  // A stream that says hello; its session says Welcome first. To be closed. `caller` is who proved
  // to be at its other end, perhaps nobody.
  //
  // Errors: INVALID_ARGUMENT (reason SESSION_ID_INVALID, CLIENT_NAME_INVALID, LIBRARY_INVALID);
  // RESOURCE_EXHAUSTED (reason TOO_MANY_SESSIONS); UNAVAILABLE (reason DRAINING).
  struct Begun {
    std::shared_ptr<Session> session = nullptr;
    std::string id;
    SessionPage::Owner owner = 0;
  };
  absl::StatusOr<Begun> Begin(const v1::Hello& hello, const std::string& caller, Session::Peer peer,
                              Callbacks callbacks);
  void Close(const Begun& begun);

  // Asks all clients to come back to another stream within that time, and takes no new ones.
  void SendAway(absl::Duration within);
  // Asks all streams whether their callers still are who they were.
  void Recheck();
  // Ends all streams.
  void EndAll(const absl::Status& status);

  size_t live() const { return book_.live(); }
  size_t topics() const { return topics_.size(); }
  const SessionCounts& counts() const { return counts_; }

 private:
  struct Live {
    std::weak_ptr<Session> session;
    std::function<void(const absl::Status&)> end;
    std::function<void()> recheck;
  };

  absl::Status CheckHello(const v1::Hello& hello, const Session::Peer& peer) const;
  v1::Pace PaceFor(size_t sessions) const;
  void TellPaceIfChanged();
  void WakeThread();
  void Run();
  bool TakeChanges();

  Engine& engine_;
  const SessionOptions options_;
  SessionCounts counts_;
  Topics topics_;
  SessionBook book_;

  mutable Mutex mutex_;
  absl::flat_hash_map<SessionPage::Owner, Live> live_ ABSL_GUARDED_BY(mutex_);
  absl::Duration told_interval_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;

  std::atomic<bool> was_used_{false};
  std::shared_ptr<ChangedNames> changed_;  // The thread's.

  // Of the standard library: Abseil's conditions would have the thread wait on a mutex that who
  // publishes takes, too.
  std::mutex wake_mutex_;
  std::condition_variable woken_;
  bool has_changes_ = false;
  bool stops_ = false;
  std::thread thread_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SESSION_SESSIONS_H_
