#ifndef FUSEBOX_SERVER_SESSION_SESSIONS_H_
#define FUSEBOX_SERVER_SESSION_SESSIONS_H_

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fusebox/v1/breaker_service.pb.h"
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
  size_t max_message_bytes = size_t{4} << 20;  // That a client may send.
};

// All sessions of a server, and the one thread that tells them what changes.
//
//   engine --changed names--> topics --this thread--> sessions --wake--> streams
//
// Thread-safe. Outlives its sessions.
class Sessions {
 public:
  // How what fails is to be reported by few sessions, and by more than so many.
  static constexpr absl::Duration kHurryInterval = absl::Milliseconds(10);
  static constexpr size_t kSessionsInAHurry = 2'000;
  // Beyond so many reports a second from all sessions together, each is asked to wait longer
  // between them.
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

  // How often the intervals are doubled.
  struct Slowness {
    int report = 0;
    int hurry = 0;

    friend bool operator==(const Slowness&, const Slowness&) = default;
  };

  absl::Status CheckHello(const v1::Hello& hello, const Session::Peer& peer) const;
  v1::Welcome MakeWelcome(const SessionBook::Opened& opened) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AdjustPace() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::Pace PaceNow() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::vector<std::shared_ptr<Session>> LiveSessions() const;
  void WakeThread();
  void Run();
  void TellPaceIfChanged();
  // False if nothing more has changed.
  bool TakeChange();

  Engine& engine_;
  const SessionOptions options_;
  SessionCounts counts_;
  Topics topics_{[this] { WakeThread(); }};
  SessionBook book_;

  mutable Mutex mutex_;  // Taken before the book's.
  absl::flat_hash_map<SessionPage::Owner, Live> live_ ABSL_GUARDED_BY(mutex_);
  Slowness slowness_ ABSL_GUARDED_BY(mutex_);
  bool tells_pace_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;

  std::shared_ptr<ChangedNames> changed_;  // The thread's.

  // Of the standard library: Abseil's conditions would have the thread wait on a mutex that who
  // publishes takes, too.
  std::mutex wake_mutex_;
  std::condition_variable woken_;
  bool has_work_ = false;
  bool stops_ = false;
  std::thread thread_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SESSION_SESSIONS_H_
