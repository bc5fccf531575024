#ifndef FUSEBOX_CLIENT_CPP_CONNECTION_CONNECTION_H_
#define FUSEBOX_CLIENT_CPP_CONNECTION_CONNECTION_H_

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/connection/backoff.h"
#include "client/cpp/connection/session_stream.h"
#include "client/cpp/link/session_link.h"
#include "client/cpp/local/mutex.h"
#include "core/transition.h"
#include "fusebox/client_clock.h"

namespace fusebox::internal {

// Keeps a client's session on a stream, and comes back when that is gone. One thread of its own
// writes, and lets the breakers do what is due by itself.
//
//   breakers <--> SessionLink <--read--- stream (threads of gRPC)
//       |             |                    ^
//       `-- Wake() ---+--> this thread ----' write
//
// Thread-safe.
class Connection {
 public:
  struct Settings {
    // For so long a server may say nothing to what it was told, or to hello.
    absl::Duration patience = absl::Seconds(2);
    // Called by the thread, with nothing locked.
    std::function<void(const SessionLink::Change&)> on_change = {};
  };

  // All of it outlives the connection.
  Connection(v1::BreakerService::Stub& stub, SessionLink& link, const ClientClock& clock,
             TransitionSource& random, Settings settings);
  ~Connection();

  void Start();
  // Tells what is left to tell, for as long as `patience`, and ends.
  void Stop(absl::Duration patience);

  // There may be something to do. Allocates nothing, and waits for nobody.
  void Wake();

  // Waits until the link knows all of its breakers, at most so long; false if it does not.
  bool WaitForServer(absl::Duration longest) const;

  // OK where there is a stream that the server has welcomed; else why there is none.
  absl::Status error() const;

 private:
  void Run();
  std::optional<Tick> StopsAt() const;
  void TellChanges();
  // Does what is due, and returns when there will be more to do.
  Tick Turn(Tick now);
  Tick TurnWithStream(Tick now);
  Tick Connect(Tick now);
  void EndStream(Tick now);
  void Sleep(Tick until);
  bool IsStalled(Tick now) const;
  absl::Duration NextWait(const absl::Status& why);
  Tick Now() const { return Tick::FromNanos(clock_.NowNanos()); }

  v1::BreakerService::Stub& stub_;
  SessionLink& link_;
  const ClientClock& clock_;
  TransitionSource& random_;
  const Settings settings_;

  // Of the thread.
  std::shared_ptr<SessionStream> stream_;
  Backoff backoff_;
  Tick connect_at_;
  Tick begun_at_;
  std::optional<Tick> leave_at_;  // The server asked to.
  std::thread thread_;

  mutable Mutex mutex_;
  std::condition_variable woken_;
  mutable std::condition_variable heard_;
  uint64_t messages_ ABSL_GUARDED_BY(mutex_) = 0;  // That were heard.
  bool has_work_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_writable_ ABSL_GUARDED_BY(mutex_) = false;
  bool is_broken_ ABSL_GUARDED_BY(mutex_) = false;
  bool has_ended_ ABSL_GUARDED_BY(mutex_) = true;
  grpc::Status error_ ABSL_GUARDED_BY(mutex_);  // Of this stream.
  grpc::Status last_error_ ABSL_GUARDED_BY(mutex_){grpc::StatusCode::UNAVAILABLE,
                                                   "not connected yet"};
  std::optional<Tick> stops_at_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_CONNECTION_CONNECTION_H_
