#ifndef FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_
#define FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
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

  // From now on GetServerInfo says that the server is about to stop. All is served as before.
  void SetDraining() { draining_ = true; }

  // Ends all watches with DRAINING, each once its reader has read what is being written, and takes
  // no new ones. Implies SetDraining().
  void Drain();

  // Ends the watches that still live without waiting for their readers. To be called some time
  // after Drain().
  void Cut();

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
  std::vector<std::shared_ptr<WatchStream>> LiveWatches();

  Engine& engine_;
  const std::string version_;
  std::atomic<bool> draining_{false};
  Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;  // To new watches.
  std::vector<std::weak_ptr<WatchStream>> watches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_
