#ifndef FUSEBOX_CLIENT_CPP_LINK_SESSION_LINK_H_
#define FUSEBOX_CLIENT_CPP_LINK_SESSION_LINK_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/cpp/link/report_log.h"
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local/mutex.h"
#include "core/tick.h"
#include "fusebox/client_clock.h"
#include "fusebox/v1/breaker_service.pb.h"

namespace fusebox::internal {

// A client's end of the session protocol, without the streams: docs/session.md.
//
//   Begin() -> hello                 a stream begins
//   Take(response)                   what is read: states for breakers, permits, acknowledgements
//   Say() -> request                 what is to be written: subscriptions, reports, wishes
//   Cut()                            the stream is gone: all breakers go alone
//
// There is one stream at a time. Thread-safe, but Say() and Begin() are for one thread.
class SessionLink {
 public:
  // Who the client is.
  struct Identity {
    std::string session_id;  // 16 random bytes.
    std::string client;
    std::string library;
  };

  // `clock` outlives it.
  SessionLink(Identity identity, const ClientClock& clock);

  // The server is to know of it from now on. Each once.
  void Add(std::shared_ptr<LocalBreaker> breaker);

  v1::SessionRequest Begin();
  // The error says how the server broke the protocol: the stream must end.
  absl::Status Take(const v1::SessionResponse& response);
  void Cut();

  // What to write next, if anything is due.
  std::optional<v1::SessionRequest> Say();
  // When there will be something; Tick::Max() if nobody knows. Earlier when a breaker hurries or
  // something was taken.
  Tick NextSay() const;

  // Lets the breakers do what is due by itself, and adds up what they counted. Returns when to do
  // so again, if none of them wakes before.
  Tick Advance();

  // The breakers that are in another state than at the last call.
  struct Change {
    std::shared_ptr<LocalBreaker> breaker;
    State from = State::kClosed;
    State to = State::kClosed;
  };
  std::vector<Change> TakeChanges();

  // For who watches the client.
  struct Stats {
    bool is_open = false;
    std::optional<Tick> last_heard = {};  // When the server said anything last.
    size_t unacknowledged_rows = 0;
    size_t breakers = 0;
    size_t refused_breakers = 0;
    Decisions decisions = {};
  };
  Stats GetStats() const;

  // Whether a server is at the other end.
  bool IsOpen() const;
  // Whether the server has said where all breakers stand, or that it will not.
  bool KnowsAll() const;
  // Since when the server has not acknowledged what it was sent.
  std::optional<Tick> WaitingSince() const;
  // Within what time the server asked to come back to another stream; once.
  std::optional<absl::Duration> TakeGoAway();
  // Whatever the pace, tells all that was counted by now, and gives back what was lent and nobody
  // needs; and whether that is done and acknowledged.
  void TellAll();
  bool IsAllTold() const;

 private:
  enum class Phase { kCut, kGreeting, kOpen };
  enum class Flush { kNone, kDue, kUnderWay, kDone };
  // What the server knows of a breaker, in this stream.
  enum class Subscribed {
    kNotYet,
    kYes,        // It has said where it stands.
    kRefused,    // It will not say.
    kForgotten,  // It has dropped it, since nobody used it.
  };

  struct Entry {
    std::shared_ptr<LocalBreaker> breaker;
    uint32_t handle = 0;
    Subscribed subscribed = Subscribed::kNotYet;
    State shown = State::kClosed;  // Of what TakeChanges() told last.
  };

  absl::Status Welcome(const v1::Welcome& welcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Push(const v1::BreakerState& state) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Lend(const v1::PermitResponse& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // It is decided as if there were no server.
  void LeaveAlone(uint32_t handle, Subscribed why) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SetPace(const v1::Pace& pace) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Entry* Find(uint32_t handle) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  void SaySubscriptions(v1::SessionRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SayReport(Tick now, v1::SessionRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void SayWishes(v1::SessionRequest& request) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // What the breakers have to tell by now, as the next report.
  void Gather(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GatherWindows() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void GatherFrom(Entry& entry, v1::Report& report) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AddEndings(v1::Report& report) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ResubscribeIfUsed(Entry& entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool HeardOfAll() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool AnyHurries() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Tick NextReport() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  Tick Now() const { return Tick::FromNanos(clock_.NowNanos()); }

  const Identity identity_;
  const ClientClock& clock_;

  mutable Mutex mutex_;  // Taken before a breaker's.
  Phase phase_ ABSL_GUARDED_BY(mutex_) = Phase::kCut;
  std::string server_life_ ABSL_GUARDED_BY(mutex_);
  std::map<uint32_t, Entry> entries_ ABSL_GUARDED_BY(mutex_);  // By handle.
  uint32_t last_handle_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<uint32_t> to_subscribe_ ABSL_GUARDED_BY(mutex_);
  bool tells_windows_ ABSL_GUARDED_BY(mutex_) = false;
  Flush flush_ ABSL_GUARDED_BY(mutex_) = Flush::kNone;
  size_t max_bytes_ ABSL_GUARDED_BY(mutex_) = size_t{4} << 20;  // Of one message.

  ReportLog log_ ABSL_GUARDED_BY(mutex_);
  std::optional<Tick> last_heard_ ABSL_GUARDED_BY(mutex_);
  std::deque<v1::SessionEnding> endings_ ABSL_GUARDED_BY(mutex_);  // For reports to come;
  std::deque<v1::PermitRequest> wishes_ ABSL_GUARDED_BY(mutex_);   // for messages to come.
  uint32_t gathered_ ABSL_GUARDED_BY(mutex_) = 0;     // The handle up to which a round has come,
  bool gathers_all_ ABSL_GUARDED_BY(mutex_) = false;  // and whether it visits all breakers.
  bool gathering_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration report_interval_ ABSL_GUARDED_BY(mutex_);
  absl::Duration hurry_interval_ ABSL_GUARDED_BY(mutex_);
  Tick next_report_ ABSL_GUARDED_BY(mutex_);
  Tick next_hurry_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Duration> go_away_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_LINK_SESSION_LINK_H_
