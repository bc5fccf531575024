#ifndef FUSEBOX_SERVER_RPC_WATCH_STREAM_H_
#define FUSEBOX_SERVER_RPC_WATCH_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "fusebox/v1/admin.pb.h"
#include "server/engine/engine.h"
#include "server/rpc/sight.h"
#include "server/sync/mutex.h"

namespace fusebox {

// One WatchBreakers call: every breaker, or of one that resumes every breaker that changed since; a
// sync mark; then those that change.
//
// One write is in flight at a time; what changes meanwhile is kept as names (see ChangedNames), and
// a breaker is looked at when its turn to be written comes. A search that finds nothing to write
// for a while lets others use the thread. Owns itself until it is done. Thread-safe.
class WatchStream final : public grpc::ServerWriteReactor<v1::WatchBreakersResponse>,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  // Starts at once. `engine` must outlive the stream; `context` is that of the call. An empty token
  // starts from a snapshot. `sight` is what its caller may see.
  static std::shared_ptr<WatchStream> Start(Engine& engine, Glob glob,
                                            const std::string& resume_token,
                                            grpc::CallbackServerContext* context,
                                            Sight sight = Sight());

  // Looks whether its caller may still see the same, and ends it if not.
  void Recheck() { Wake(); }

  // Ends it with this status, unless it is ending already. What is being written is written first,
  // which takes as long as its reader does.
  void End(const absl::Status& status);

  // Ends it with CANCELLED without waiting for its reader.
  void Cut();

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  WatchStream(Engine& engine, Glob glob, grpc::CallbackServerContext* context, Sight sight)
      : engine_(engine), glob_(std::move(glob)), sight_(std::move(sight)), context_(context) {}

  // Writes what there is to write, unless somebody is at it already; then they look again.
  void Pump();
  // Goes on with it after a write or a pause. Not `ok`: the watcher is gone.
  void GoOn(bool ok);
  // Pumps in a moment, on whichever thread is free then. Never on this one, which has other things
  // to do than to look for breakers and to send them.
  void Wake();
  // Goes on in a moment, likewise. For who is at work.
  void Pause() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // The next thing to say, if there is one. None and `look_on_`: there may be more.
  absl::StatusOr<std::optional<v1::WatchBreakersResponse>> Next();
  absl::StatusOr<std::optional<v1::WatchBreakersResponse>> NextOfSnapshot();
  absl::StatusOr<std::optional<v1::WatchBreakersResponse>> NextMissed();
  // Takes what changed, and passes over what may not be seen.
  template <typename Take>
  absl::StatusOr<ChangedNames::Next> TakeSeen(const Take& take) const;
  std::optional<v1::WatchBreakersResponse> NextChange(const ChangedNames::Next& next);
  v1::WatchBreakersResponse Show(const BreakerView& view) const;

  Engine& engine_;
  const Glob glob_;
  const Sight sight_;
  std::shared_ptr<ChangedNames> changed_;

  std::shared_ptr<WatchStream> self_;  // Until gRPC is done with it.

  // Of whoever is at work.
  Slot cursor_ = 0;
  bool listed_ = false;  // The snapshot is whole, or there is none.
  bool synced_ = false;
  bool look_on_ = false;
  v1::WatchBreakersResponse message_;

  Mutex mutex_;
  bool at_work_ ABSL_GUARDED_BY(mutex_) = false;
  bool look_again_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> ending_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Alarm> pause_ ABSL_GUARDED_BY(mutex_);
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(mutex_);  // Null once it is done.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_WATCH_STREAM_H_
