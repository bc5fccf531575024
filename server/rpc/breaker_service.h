#ifndef FUSEBOX_SERVER_RPC_BREAKER_SERVICE_H_
#define FUSEBOX_SERVER_RPC_BREAKER_SERVICE_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "server/engine/engine.h"
#include "server/identity/authorizer.h"
#include "server/session/sessions.h"

namespace fusebox {

// The data plane over gRPC: translates, calls the engine, finishes. Never blocks, so it runs on
// gRPC's own threads. Thread-safe.
class BreakerService final : public v1::BreakerService::CallbackService {
 public:
  static constexpr int kMaxBatchItems = 10'000;
  static constexpr int kMaxFallbacks = 16;

  // All must outlive the service.
  BreakerService(Engine& engine, Sessions& sessions,
                 const Authorizer& authorizer = Authorizer::Open())
      : engine_(engine), sessions_(sessions), authorizer_(authorizer) {}

  grpc::ServerUnaryReactor* Allow(grpc::CallbackServerContext* context,
                                  const v1::AllowRequest* request,
                                  v1::AllowResponse* response) override;
  grpc::ServerUnaryReactor* Record(grpc::CallbackServerContext* context,
                                   const v1::RecordRequest* request,
                                   v1::RecordResponse* response) override;
  grpc::ServerUnaryReactor* BatchRecord(grpc::CallbackServerContext* context,
                                        const v1::BatchRecordRequest* request,
                                        v1::BatchRecordResponse* response) override;
  grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>* Session(
      grpc::CallbackServerContext* context) override;

 private:
  struct Repetition;  // Of a batch that is sent again.

  // An Allow with fallbacks, or that may wait.
  grpc::ServerUnaryReactor* AllowOneOf(grpc::CallbackServerContext& context,
                                       const v1::AllowRequest& request, const Question& question,
                                       absl::string_view client, const Caller& caller,
                                       v1::AllowResponse& response);
  absl::Status RecordBatch(const v1::BatchRecordRequest& request, absl::string_view client,
                           const Caller& caller, v1::BatchRecordResponse& response);
  absl::StatusOr<Verdict> RecordItem(const v1::BatchRecordItem& item, absl::string_view client,
                                     Repetition* repetition);

  Engine& engine_;
  Sessions& sessions_;
  const Authorizer& authorizer_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_BREAKER_SERVICE_H_
