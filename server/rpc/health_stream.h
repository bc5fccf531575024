#ifndef FUSEBOX_SERVER_RPC_HEALTH_STREAM_H_
#define FUSEBOX_SERVER_RPC_HEALTH_STREAM_H_

#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/tick.h"
#include "grpc/health/v1/health.pb.h"
#include "server/engine/engine.h"
#include "server/rpc/health_target.h"
#include "server/rpc/served_health.h"
#include "server/rpc/sight.h"
#include "server/sync/mutex.h"

namespace fusebox {

// One Watch call of grpc.health.v1: how a target is, and how it is whenever that changes.
//
//   a service            looks when it is told to
//   a breaker, a prefix  looks when a breaker that it is about changes (WatchHub), and once more a
//                        second later if what it saw may be from before that
//
// If there are too many walks for it to look at a prefix, it tries again a second later; one that
// has said nothing yet ends with that error.
//
// One write is in flight at a time; a slow reader misses what lies between. Between looks it costs
// no thread. Owns itself from Start() until it is done. Thread-safe.
class HealthStream final : public grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>,
                           public std::enable_shared_from_this<HealthStream> {
 public:
  // `served` and `engine` must outlive the stream. `sight` is what its caller may see, and `viewer`
  // the same to who looks at a prefix.
  static std::shared_ptr<HealthStream> Make(ServedHealth& served, Engine& engine,
                                            HealthTarget target, Sight sight, HealthViewer viewer);

  // Says how it is. To be called once, and without it the stream must not be given to gRPC. Ends it
  // with the error of WatchHub::Watch() or, of a service, ServedHealth::TakeSeat() if there may be
  // no more watches.
  void Start();

  // Looks again in a moment, on whichever thread is free then: the target, or what the caller may
  // see, may have changed.
  void Recheck();

  // Does what is due by now. To be called every 20 ms or so.
  void Maintain(Tick now);

  // Ends it with this status, unless it is ending already. Of a service it says first how that is;
  // what is being written is written first.
  void End(const absl::Status& status);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  HealthStream(ServedHealth& served, Engine& engine, HealthTarget target, Sight sight,
               HealthViewer viewer);

  // Looks and says what it sees, unless somebody is at it already; then they look again.
  void Pump();
  // The same, for who is at work.
  void Work();
  // Whether to look. If not, nobody is at work any more, or the stream has ended.
  bool TakeTurn();
  // Empty: not known yet. Errors: ServedHealth::Look()'s.
  absl::StatusOr<std::optional<HealthLook>> Look();
  // Looks again in a second, or ends with the error if it has said nothing yet. For who is at work.
  void Defer(const absl::Status& error);
  // A breaker that it is about has changed.
  void Wake();
  // Goes on with it after a write or a pause. Not `ok`: the watcher is gone.
  void GoOn(bool ok);
  // Pumps at that time. For who is at work.
  void PauseUntil(gpr_timespec time) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void PumpSoon() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ServedHealth& served_;
  Engine& engine_;
  const HealthTarget target_;
  const Sight sight_;
  const HealthViewer viewer_;
  std::shared_ptr<ChangedNames> changed_;  // Null for a service.
  ServedHealth::Seat seat_;                // Only for a service.

  std::shared_ptr<HealthStream> self_;  // Until gRPC is done with it.

  // Of whoever is at work.
  std::optional<Tick> looks_since_;  // While it looks: changes from then on will wake it.
  std::optional<HealthLook::Status> told_;
  grpc::health::v1::HealthCheckResponse message_;

  Mutex mutex_;
  bool at_work_ ABSL_GUARDED_BY(mutex_) = true;  // Before Start() nobody is to begin.
  bool look_again_ ABSL_GUARDED_BY(mutex_) = false;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;          // Since it last skipped what changed.
  Tick look_at_ ABSL_GUARDED_BY(mutex_) = Tick::Max();  // Even if nothing changes.
  std::optional<absl::Status> ending_ ABSL_GUARDED_BY(mutex_);
  std::unique_ptr<grpc::Alarm> pause_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_HEALTH_STREAM_H_
