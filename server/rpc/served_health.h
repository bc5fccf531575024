#ifndef FUSEBOX_SERVER_RPC_SERVED_HEALTH_H_
#define FUSEBOX_SERVER_RPC_SERVED_HEALTH_H_

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "core/tick.h"
#include "grpc/health/v1/health.pb.h"
#include "server/engine/engine.h"
#include "server/rpc/health_target.h"
#include "server/sync/mutex.h"

namespace fusebox {

// How a target is.
struct HealthLook {
  using Status = grpc::health::v1::HealthCheckResponse::ServingStatus;

  Status status = grpc::health::v1::HealthCheckResponse::SERVICE_UNKNOWN;
  Tick since = Tick::Max();  // What happened before is in it.
};

// How everything is that health checks may be about:
//
//   a service    SERVING or NOT_SERVING, as it was last set
//   a breaker    SERVING when HEALTHY or DEGRADED, NOT_SERVING when UNHEALTHY
//   a prefix     the same, for all breakers under it together
//   all else     SERVICE_UNKNOWN
//
// Thread-safe.
class ServedHealth {
 public:
  // Every client channel that checks health has one, so they are many; each takes memory.
  static constexpr size_t kMaxServiceWatches = 100'000;

  // `engine` must outlive this.
  explicit ServedHealth(Engine& engine, size_t max_service_watches = kMaxServiceWatches)
      : engine_(engine), max_service_watches_(max_service_watches) {}

  void SetServing(const std::string& service, bool serving);

  // Empty: not known yet, as Engine::HealthOf() says. `viewer` is who asks about a prefix. Errors:
  // of a prefix, Engine::HealthOf()'s.
  absl::StatusOr<std::optional<HealthLook>> Look(const HealthTarget& target,
                                                 const HealthViewer& viewer);

  // One of the watches of services, for as long as it lives. This must outlive it. The error is
  // RESOURCE_EXHAUSTED with reason TOO_MANY_WATCHERS.
  using Seat = std::shared_ptr<std::atomic<size_t>>;
  absl::StatusOr<Seat> TakeSeat();

 private:
  HealthLook LookAtService(const std::string& service);
  HealthLook LookAtBreaker(const std::string& breaker);

  Engine& engine_;
  const size_t max_service_watches_;
  std::atomic<size_t> service_watches_{0};
  Mutex mutex_;
  absl::flat_hash_map<std::string, bool> services_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_SERVED_HEALTH_H_
