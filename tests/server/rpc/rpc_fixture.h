#ifndef FUSEBOX_TESTS_SERVER_RPC_RPC_FIXTURE_H_
#define FUSEBOX_TESTS_SERVER_RPC_RPC_FIXTURE_H_

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "server/control/control.h"
#include "server/engine/engine.h"
#include "server/flusher/flusher.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/breaker_service.h"
#include "server/rpc/health_service.h"
#include "server/store/memory_store.h"
#include "testing/fake_clock.h"

namespace fusebox {

// An error as a client reads it from the trailers of a call.
struct RpcError {
  grpc::StatusCode code = grpc::StatusCode::OK;
  std::string message = {};
  std::string reason = {};
  std::string domain = {};
  std::vector<std::string> fields = {};  // Of BadRequest.
  bool may_retry = false;                // There is a RetryInfo, with a delay above 0.
};

// Reads what grpc-status-details-bin carries, and checks that it says the same as the status.
RpcError ErrorOf(const grpc::Status& status);

// Whether it is INVALID_ARGUMENT with this reason and this field, and says what to do about it.
void ExpectBadRequest(const grpc::Status& status, absl::string_view reason,
                      absl::string_view field);

// All services over a real connection on the loopback, on a clock that stands still.
//
//   Record(Failure(), 5);                                 // "db/orders" opens.
//   EXPECT_EQ(Allow().decision(), v1::DECISION_DENIED);
class RpcTest : public ::testing::Test {
 public:
  ~RpcTest() override;

 protected:
  explicit RpcTest(const EngineOptions& options = {});

  // What the tests ask most. Each expects to succeed.
  v1::AllowResponse Allow(absl::string_view breaker = "db/orders", uint32_t attempt = 1);
  v1::RecordResponse Record(const v1::RecordRequest& request);
  v1::Breaker Get(absl::string_view breaker = "db/orders");
  v1::GetServerInfoResponse Info();

  // "db/orders" opens.
  void Trip(absl::string_view breaker = "db/orders");

  // The same, for who wants the error.
  grpc::Status TryAllow(const v1::AllowRequest& request, v1::AllowResponse* response = nullptr);
  grpc::Status TryRecord(const v1::RecordRequest& request, v1::RecordResponse* response = nullptr);
  grpc::Status TryBatch(const v1::BatchRecordRequest& request,
                        v1::BatchRecordResponse* response = nullptr);
  grpc::Status TryGet(absl::string_view breaker, v1::GetBreakerResponse* response = nullptr);
  grpc::Status TryList(const v1::ListBreakersRequest& request,
                       v1::ListBreakersResponse* response = nullptr);

  static v1::RecordRequest Outcome(v1::Outcome outcome, absl::string_view permit = "",
                                   absl::string_view breaker = "db/orders");

  // Gives a call a deadline that is met unless something hangs.
  static void Bound(grpc::ClientContext& context);

  void Pass(absl::Duration duration);
  std::shared_ptr<grpc::Channel> Connect(const grpc::ChannelArguments& arguments = {}) const;
  // Cancels what is under way.
  void StopServer();

  FakeClock clock_;
  Engine engine_;
  Sessions sessions_{engine_, {}};
  BreakerService breaker_service_{engine_, sessions_};
  Control control_{engine_, {}};
  MemoryStore store_;
  Flusher flusher_{engine_, control_, clock_, store_, /*max_events=*/10'000};
  AdminService admin_service_{engine_, control_, clock_, "1.2.3",
                              [](v1::GetServerInfoResponse& info) { info.set_store("memory"); }};
  HealthService health_service_{engine_};
  std::unique_ptr<v1::BreakerService::Stub> breakers_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  std::unique_ptr<grpc::health::v1::Health::Stub> health_;

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_SERVER_RPC_RPC_FIXTURE_H_
