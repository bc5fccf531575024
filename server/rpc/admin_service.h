#ifndef FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_
#define FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "server/control/control.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/identity/authorizer.h"
#include "server/rpc/watch_stream.h"
#include "server/sync/mutex.h"

namespace fusebox {

// The control plane over gRPC: translates, calls the engine or has control make a change, finishes.
// Thread-safe.
class AdminService final : public v1::AdminService::CallbackService {
 public:
  // What the service cannot know of its server.
  using AddInfo = std::function<void(v1::GetServerInfoResponse&)>;

  // All must outlive the service.
  AdminService(Engine& engine, Control& control, const Clock& clock, std::string version,
               AddInfo add_info, const Authorizer& authorizer = Authorizer::Open())
      : engine_(engine),
        control_(control),
        clock_(clock),
        version_(std::move(version)),
        add_info_(std::move(add_info)),
        authorizer_(authorizer) {}

  // From now on GetServerInfo says that the server is about to stop. All is served as before.
  void SetDraining() { draining_ = true; }

  // Ends all watches with DRAINING, each once its reader has read what is being written, and takes
  // no new ones. Implies SetDraining().
  void Drain();

  // Ends the watches that still live without waiting for their readers. To be called some time
  // after Drain().
  void Cut();

  // Ends the watches whose callers may no longer see the same. To be called when identities change.
  void RecheckWatches();

  grpc::ServerUnaryReactor* GetBreaker(grpc::CallbackServerContext* context,
                                       const v1::GetBreakerRequest* request,
                                       v1::GetBreakerResponse* response) override;
  grpc::ServerUnaryReactor* ListBreakers(grpc::CallbackServerContext* context,
                                         const v1::ListBreakersRequest* request,
                                         v1::ListBreakersResponse* response) override;
  grpc::ServerWriteReactor<v1::WatchBreakersResponse>* WatchBreakers(
      grpc::CallbackServerContext* context, const v1::WatchBreakersRequest* request) override;
  grpc::ServerUnaryReactor* GetHealth(grpc::CallbackServerContext* context,
                                      const v1::GetHealthRequest* request,
                                      v1::GetHealthResponse* response) override;
  grpc::ServerUnaryReactor* GetServerInfo(grpc::CallbackServerContext* context,
                                          const v1::GetServerInfoRequest* request,
                                          v1::GetServerInfoResponse* response) override;

  grpc::ServerUnaryReactor* ResetBreaker(grpc::CallbackServerContext* context,
                                         const v1::ResetBreakerRequest* request,
                                         v1::ResetBreakerResponse* response) override;
  grpc::ServerUnaryReactor* DeleteBreaker(grpc::CallbackServerContext* context,
                                          const v1::DeleteBreakerRequest* request,
                                          v1::DeleteBreakerResponse* response) override;
  grpc::ServerUnaryReactor* OverrideBreaker(grpc::CallbackServerContext* context,
                                            const v1::OverrideBreakerRequest* request,
                                            v1::OverrideBreakerResponse* response) override;
  grpc::ServerUnaryReactor* ClearOverride(grpc::CallbackServerContext* context,
                                          const v1::ClearOverrideRequest* request,
                                          v1::ClearOverrideResponse* response) override;
  grpc::ServerUnaryReactor* ListOverrides(grpc::CallbackServerContext* context,
                                          const v1::ListOverridesRequest* request,
                                          v1::ListOverridesResponse* response) override;
  grpc::ServerUnaryReactor* CreatePolicy(grpc::CallbackServerContext* context,
                                         const v1::CreatePolicyRequest* request,
                                         v1::CreatePolicyResponse* response) override;
  grpc::ServerUnaryReactor* GetPolicy(grpc::CallbackServerContext* context,
                                      const v1::GetPolicyRequest* request,
                                      v1::GetPolicyResponse* response) override;
  grpc::ServerUnaryReactor* ListPolicies(grpc::CallbackServerContext* context,
                                         const v1::ListPoliciesRequest* request,
                                         v1::ListPoliciesResponse* response) override;
  grpc::ServerUnaryReactor* UpdatePolicy(grpc::CallbackServerContext* context,
                                         const v1::UpdatePolicyRequest* request,
                                         v1::UpdatePolicyResponse* response) override;
  grpc::ServerUnaryReactor* DeletePolicy(grpc::CallbackServerContext* context,
                                         const v1::DeletePolicyRequest* request,
                                         v1::DeletePolicyResponse* response) override;
  grpc::ServerUnaryReactor* CreateRetryBudget(grpc::CallbackServerContext* context,
                                              const v1::CreateRetryBudgetRequest* request,
                                              v1::CreateRetryBudgetResponse* response) override;
  grpc::ServerUnaryReactor* GetRetryBudget(grpc::CallbackServerContext* context,
                                           const v1::GetRetryBudgetRequest* request,
                                           v1::GetRetryBudgetResponse* response) override;
  grpc::ServerUnaryReactor* ListRetryBudgets(grpc::CallbackServerContext* context,
                                             const v1::ListRetryBudgetsRequest* request,
                                             v1::ListRetryBudgetsResponse* response) override;
  grpc::ServerUnaryReactor* UpdateRetryBudget(grpc::CallbackServerContext* context,
                                              const v1::UpdateRetryBudgetRequest* request,
                                              v1::UpdateRetryBudgetResponse* response) override;
  grpc::ServerUnaryReactor* DeleteRetryBudget(grpc::CallbackServerContext* context,
                                              const v1::DeleteRetryBudgetRequest* request,
                                              v1::DeleteRetryBudgetResponse* response) override;
  grpc::ServerUnaryReactor* ListTransitions(grpc::CallbackServerContext* context,
                                            const v1::ListTransitionsRequest* request,
                                            v1::ListTransitionsResponse* response) override;

 private:
  // Has a change made, and answers when it is durable. What `make` uses of the call lives as long.
  grpc::ServerUnaryReactor* Submit(grpc::CallbackServerContext* context, const std::string& actor,
                                   Control::Kind kind,
                                   std::function<absl::Status(const Author&, Draft&)> make);
  v1::RetryBudget ShowBudget(v1::RetryBudget budget) const;
  absl::Status ListHistory(const v1::ListTransitionsRequest& request, const Caller& caller,
                           v1::ListTransitionsResponse& response);
  absl::Status List(const v1::ListBreakersRequest& request, const Caller& caller,
                    v1::ListBreakersResponse& response);
  std::vector<std::shared_ptr<WatchStream>> LiveWatches();

  Engine& engine_;
  Control& control_;
  const Clock& clock_;
  const std::string version_;
  const AddInfo add_info_;
  const Authorizer& authorizer_;
  std::atomic<bool> draining_{false};
  Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;  // To new watches.
  std::vector<std::weak_ptr<WatchStream>> watches_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_ADMIN_SERVICE_H_
