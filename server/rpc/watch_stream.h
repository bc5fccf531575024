#ifndef FUSEBOX_SERVER_RPC_WATCH_STREAM_H_
#define FUSEBOX_SERVER_RPC_WATCH_STREAM_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "fusebox/v1/admin.pb.h"
#include "server/engine/engine.h"
#include "server/sync/mutex.h"

namespace fusebox {

// One WatchBreakers call: every breaker, a sync mark, then those that change.
//
// One write is in flight at a time; what changes meanwhile is kept as names (see ChangedNames), and
// a breaker is looked at when its turn to be written comes. Owns itself until it is done.
class WatchStream final : public grpc::ServerWriteReactor<v1::WatchBreakersResponse>,
                          public std::enable_shared_from_this<WatchStream> {
 public:
  // Starts at once. `engine` must outlive the stream.
  static std::shared_ptr<WatchStream> Start(Engine& engine, Glob glob);

  // Ends it with this status, unless it is ending already.
  void End(const absl::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  WatchStream(Engine& engine, Glob glob) : engine_(engine), glob_(std::move(glob)) {}

  // Writes what there is to write, unless somebody is at it already; then they look again.
  void Pump();

  // The next thing to say, if there is one.
  absl::StatusOr<std::optional<v1::WatchBreakersResponse>> Next();
  std::optional<v1::WatchBreakersResponse> NextOfSnapshot();
  v1::WatchBreakersResponse Show(const BreakerView& view) const;

  Engine& engine_;
  const Glob glob_;
  std::shared_ptr<ChangedNames> changed_;

  std::shared_ptr<WatchStream> self_;  // Until gRPC is done with it.

  // Of whoever is at work.
  Slot cursor_ = 0;
  bool synced_ = false;
  v1::WatchBreakersResponse message_;

  Mutex mutex_;
  bool at_work_ ABSL_GUARDED_BY(mutex_) = false;
  bool look_again_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<absl::Status> ending_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_WATCH_STREAM_H_
