#ifndef FUSEBOX_CLIENT_CPP_UNARY_REMOTE_H_
#define FUSEBOX_CLIENT_CPP_UNARY_REMOTE_H_

#include <condition_variable>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local/mutex.h"
#include "client/cpp/unary/reporter.h"
#include "core/tick.h"
#include "fusebox/breaker.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"

namespace fusebox::internal {

// The server as a client without a session asks it: one RPC per question, which has to be answered
// in time. What is granted later goes back. Around them is a breaker, so that a server that is gone
// or slow costs few calls a wait.
//
// Thread-safe.
class Remote {
 public:
  struct Settings {
    std::string client = {};  // Who asks; empty: the server takes its address.
    absl::Duration timeout = absl::Milliseconds(5);
  };

  // All that is passed outlives it.
  Remote(v1::BreakerService::Stub& stub, Reporter& reporter,
         const LocalBreaker::Surroundings& surroundings, Settings settings);
  ~Remote();

  // What the server decides; nothing if it does not in time, or was not asked since that is not
  // worth it now.
  std::optional<v1::AllowResponse> Ask(absl::string_view breaker, const Gate::Ask& ask);

  // Whether it is worth it to ask.
  bool IsReachable() const { return guard_.state() == State::kClosed; }
  // Whether it is, and the server ever said anything.
  bool IsConnected() const;
  // What the last question came to; UNAVAILABLE before the first.
  absl::Status error() const;
  // When the server said something last.
  std::optional<Tick> last_heard() const;

 private:
  struct Question;

  void Send(const std::shared_ptr<Question>& question);
  // Whether it is answered by the end of the timeout.
  bool Wait(Question& question);
  void Take(Question& question, const grpc::Status& status);
  void Note(const absl::Status& status);
  Tick Now() const { return Tick::FromNanos(clock_.NowNanos()); }

  v1::BreakerService::Stub& stub_;
  Reporter& reporter_;
  const ClientClock& clock_;
  const Settings settings_;
  LocalBreaker guard_;
  const Breaker around_{guard_};

  mutable Mutex mutex_;
  absl::Status error_ ABSL_GUARDED_BY(mutex_) = absl::UnavailableError("not asked yet");
  std::optional<Tick> last_heard_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<Question*> under_way_ ABSL_GUARDED_BY(mutex_);
  std::condition_variable ended_;  // One of them.
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_UNARY_REMOTE_H_
