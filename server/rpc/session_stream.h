#ifndef FUSEBOX_SERVER_RPC_SESSION_STREAM_H_
#define FUSEBOX_SERVER_RPC_SESSION_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "fusebox/v1/breaker_service.pb.h"
#include "server/identity/authorizer.h"
#include "server/session/sessions.h"
#include "server/sync/mutex.h"

namespace fusebox {

// One Session call: carries what a Session takes and says.
//
// One read and one write are in flight at a time. It does not read on while its client has answers
// to read. A client that does not say hello within some seconds is told to; one that does not read
// is cut off a second after its end. Between messages it costs no thread. Owns itself until it is
// done. Thread-safe.
class SessionStream final : public grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>,
                            public std::enable_shared_from_this<SessionStream> {
 public:
  // Starts at once. `sessions` and `authorizer` must outlive the stream; `context` is that of the
  // call, and `caller` who makes it.
  static SessionStream* Start(Sessions& sessions, const Authorizer& authorizer, Caller caller,
                              grpc::CallbackServerContext* context);

  // Ends it with this status, unless it is ending already. What is being written is written first;
  // with OK, all that its client is owed.
  void End(const absl::Status& status);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  SessionStream(Sessions& sessions, const Authorizer& authorizer, Caller caller,
                grpc::CallbackServerContext* context)
      : sessions_(sessions),
        authorizer_(authorizer),
        caller_(std::move(caller)),
        context_(context) {}

  absl::Status Take();
  // ABORTED with reason GRANTS_CHANGED once the caller is not who it was.
  absl::Status CheckCurrent() const;
  absl::Status Begin(const v1::Hello& hello);
  Sessions::Callbacks MakeCallbacks();
  // Ends it if its caller is not who it was.
  void Recheck();
  // Writes what there is to say, unless somebody is at it already; then they look again.
  void Pump();
  // Whether to look. If not, nobody is at work any more, or the stream has ended.
  bool TakeTurn();
  bool MayEnd() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return ending_.has_value() && (!ending_->ok() || !has_begun_ || owes_nothing_);
  }
  void ReadOn();
  // Ends it without its client.
  void Cut();
  void ExpectHello();

  Sessions& sessions_;
  const Authorizer& authorizer_;
  const Caller caller_;
  std::shared_ptr<SessionStream> self_;  // Until gRPC is done with it.

  // Of whoever reads; `begun_` is written before anybody else is at work.
  v1::SessionRequest request_;
  std::optional<Sessions::Begun> begun_;

  // Of whoever is at work.
  v1::SessionResponse response_;

  Mutex mutex_;
  bool has_begun_ ABSL_GUARDED_BY(mutex_) = false;
  bool at_work_ ABSL_GUARDED_BY(mutex_) = false;
  bool look_again_ ABSL_GUARDED_BY(mutex_) = false;
  bool read_waits_ ABSL_GUARDED_BY(mutex_) = false;  // For answers to be written.
  std::optional<absl::Status> ending_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Alarm> hello_due_ ABSL_GUARDED_BY(mutex_);  // Until then, and
  std::unique_ptr<grpc::Alarm> end_due_ ABSL_GUARDED_BY(mutex_);    // from the end on.
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(mutex_);    // Null once it is done.
  bool owes_nothing_ ABSL_GUARDED_BY(mutex_) = false;  // All was said, or nobody listens.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_SESSION_STREAM_H_
