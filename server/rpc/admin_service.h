#ifndef FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_
#define FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "server/engine/engine.h"
#include "server/rpc/watch_stream.h"
#include "server/sync/mutex.h"

namespace fusebox {

// The control plane over gRPC: translates, calls the engine, finishes. Thread-safe.
class AdminService final : public v1::AdminService::CallbackService {
 public:
  // `engine` must outlive the service.
  AdminService(Engine& engine, std::string version)
      : engine_(engine), version_(std::move(version)) {}

  // Ends all watches and takes no new ones: the server is about to stop.
  void Drain();

  grpc::ServerUnaryReactor* GetBreaker(grpc::CallbackServerContext* context,
                                       const v1::GetBreakerRequest* request,
                                       v1::GetBreakerResponse* response) override;
  grpc::ServerUnaryReactor* ListBreakers(grpc::CallbackServerContext* context,
                                         const v1::ListBreakersRequest* request,
                                         v1::ListBreakersResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchBreakersResponse>* WatchBreakers(
      grpc::CallbackServerContext* context, const v1::WatchBreakersRequest* request) override;
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* request,
                                          v1::GetServerInfoResponse* response) override;

 private:
  absl::Status List(const v1::ListBreakersRequest& request, v1::ListBreakersResponse& response);

  Engine& engine_;
  const std::string version_;
  Mutex mutex_;
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<WatchStream>> watches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_
