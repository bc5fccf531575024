#ifndef FUSEBOX_SERVER_RPC_HEALTH_SERVICE_H_
#define FUSEBOX_SERVER_RPC_HEALTH_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "server/engine/engine.h"
#include "server/identity/authorizer.h"
#include "server/rpc/health_stream.h"
#include "server/rpc/health_target.h"
#include "server/rpc/served_health.h"
#include "server/sync/mutex.h"

namespace fusebox {

// grpc.health.v1 over the services of a server, its breakers and their prefixes: see HealthTarget
// and ServedHealth. Takes the place of gRPC's own health service, which must be off.
//
// Everybody who can connect may ask about services, as probes have no credentials. On a server with
// identities a breaker takes the READER of it, and a prefix any READER, who is told of what they
// may read as if there were nothing else.
//
// A watch of a breaker or a prefix is one of the engine's watches, and counts among those. Of
// services there may be ServedHealth::kMaxServiceWatches more. One too many ends with
// RESOURCE_EXHAUSTED, reason TOO_MANY_WATCHERS. Holds no thread. Thread-safe.
class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // Both must outlive the service.
  explicit HealthService(Engine& engine, const Authorizer& authorizer = Authorizer::Open())
      : engine_(engine), authorizer_(authorizer), served_(engine) {}

  // From now on the service is there, and this is how it is. "" is the server as a whole.
  void SetServing(const std::string& service, bool serving);

  // Has watches look at what they could not see yet. To be called every 20 ms or so.
  void Maintain();

  // Ends the watches whose callers may no longer see the same. To be called when identities change.
  void RecheckWatches();

  // Ends all watches with DRAINING, and takes no new ones. One whose client does not read stays
  // until it is cancelled.
  void Drain();

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context,
                                  const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(
      grpc::CallbackServerContext* context,
      const grpc::health::v1::HealthCheckRequest* request) override;

 private:
  absl::StatusOr<Caller> Admit(const grpc::CallbackServerContext& context,
                               const HealthTarget& target, absl::string_view method) const;
  // False if it came too late.
  bool Enlist(const std::shared_ptr<HealthStream>& stream);
  std::vector<std::shared_ptr<HealthStream>> LiveWatches();

  Engine& engine_;
  const Authorizer& authorizer_;
  ServedHealth served_;
  Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;  // To new watches.
  size_t tidy_at_ ABSL_GUARDED_BY(mutex_) = 0;   // So many of them, to drop those that ended.
  std::vector<std::weak_ptr<HealthStream>> watches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_HEALTH_SERVICE_H_
