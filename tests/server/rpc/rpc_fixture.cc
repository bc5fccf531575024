#include "server/rpc/rpc_fixture.h"

#include <sodium.h>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace fusebox {
namespace {

constexpr uint64_t kLife = 1'000;

gpr_timespec In(int64_t seconds) {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(seconds, GPR_TIMESPAN));
}

}  // namespace

RpcError ErrorOf(const grpc::Status& status) {
  RpcError error{.code = status.error_code(), .message = status.error_message()};
  google::rpc::Status details;
  EXPECT_TRUE(details.ParseFromString(status.error_details()));
  EXPECT_EQ(details.code(), status.error_code());
  EXPECT_EQ(details.message(), status.error_message());
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      error.reason = info.reason();
      error.domain = info.domain();
    } else if (detail.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        error.fields.push_back(violation.field());
        EXPECT_FALSE(violation.description().empty());
      }
    } else if (detail.UnpackTo(&retry)) {
      error.may_retry = retry.retry_delay().seconds() > 0;
    } else {
      ADD_FAILURE() << "an unknown detail: " << detail.type_url();
    }
  }
  return error;
}

void ExpectBadRequest(const grpc::Status& status, absl::string_view reason,
                      absl::string_view field) {
  const RpcError error = ErrorOf(status);
  EXPECT_EQ(error.code, grpc::StatusCode::INVALID_ARGUMENT) << error.message;
  EXPECT_EQ(error.reason, reason) << error.message;
  EXPECT_EQ(error.domain, "fusebox");
  EXPECT_THAT(error.fields, ::testing::ElementsAre(field)) << error.message;
  EXPECT_FALSE(error.may_retry);  // Sent again, it is as wrong.
  // The thing and its value, then the remedy.
  EXPECT_THAT(error.message, ::testing::HasSubstr("; "));
}

RpcTest::RpcTest(const EngineOptions& options) : engine_(options, clock_, kLife) {
  EXPECT_GE(sodium_init(), 0);
  EXPECT_TRUE(flusher_.Begin(Kept{}).ok());
  flusher_.Start();
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(&breaker_service_);
  builder.RegisterService(&admin_service_);
  builder.RegisterService(&health_service_);
  server_ = builder.BuildAndStart();
  const std::shared_ptr<grpc::Channel> channel = Connect();
  breakers_ = v1::BreakerService::NewStub(channel);
  admin_ = v1::AdminService::NewStub(channel);
  health_ = grpc::health::v1::Health::NewStub(channel);
}

RpcTest::~RpcTest() { StopServer(); }

void RpcTest::StopServer() {
  if (server_ == nullptr) return;
  server_->Shutdown(In(0));
  server_->Wait();
  server_.reset();
}

std::shared_ptr<grpc::Channel> RpcTest::Connect(const grpc::ChannelArguments& arguments) const {
  return grpc::CreateCustomChannel(absl::StrCat("127.0.0.1:", port_),
                                   grpc::InsecureChannelCredentials(), arguments);
}

void RpcTest::Bound(grpc::ClientContext& context) { context.set_deadline(In(120)); }

void RpcTest::Pass(absl::Duration duration) {
  clock_.Advance(duration);
  engine_.Maintain();
}

grpc::Status RpcTest::TryAllow(const v1::AllowRequest& request, v1::AllowResponse* response) {
  grpc::ClientContext context;
  Bound(context);
  v1::AllowResponse ignored;
  return breakers_->Allow(&context, request, response == nullptr ? &ignored : response);
}

grpc::Status RpcTest::TryRecord(const v1::RecordRequest& request, v1::RecordResponse* response) {
  grpc::ClientContext context;
  Bound(context);
  v1::RecordResponse ignored;
  return breakers_->Record(&context, request, response == nullptr ? &ignored : response);
}

grpc::Status RpcTest::TryBatch(const v1::BatchRecordRequest& request,
                               v1::BatchRecordResponse* response) {
  grpc::ClientContext context;
  Bound(context);
  v1::BatchRecordResponse ignored;
  return breakers_->BatchRecord(&context, request, response == nullptr ? &ignored : response);
}

grpc::Status RpcTest::TryGet(absl::string_view breaker, v1::GetBreakerResponse* response) {
  grpc::ClientContext context;
  Bound(context);
  v1::GetBreakerRequest request;
  request.set_name(std::string(breaker));
  v1::GetBreakerResponse ignored;
  return admin_->GetBreaker(&context, request, response == nullptr ? &ignored : response);
}

grpc::Status RpcTest::TryList(const v1::ListBreakersRequest& request,
                              v1::ListBreakersResponse* response) {
  grpc::ClientContext context;
  Bound(context);
  v1::ListBreakersResponse ignored;
  return admin_->ListBreakers(&context, request, response == nullptr ? &ignored : response);
}

v1::AllowResponse RpcTest::Allow(absl::string_view breaker, uint32_t attempt) {
  v1::AllowRequest request;
  request.set_breaker(std::string(breaker));
  request.set_attempt(attempt);
  v1::AllowResponse response;
  const grpc::Status status = TryAllow(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

v1::RecordResponse RpcTest::Record(const v1::RecordRequest& request) {
  v1::RecordResponse response;
  const grpc::Status status = TryRecord(request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

v1::Breaker RpcTest::Get(absl::string_view breaker) {
  v1::GetBreakerResponse response;
  const grpc::Status status = TryGet(breaker, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.breaker();
}

v1::GetServerInfoResponse RpcTest::Info() {
  grpc::ClientContext context;
  Bound(context);
  v1::GetServerInfoResponse response;
  const grpc::Status status = admin_->GetServerInfo(&context, {}, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response;
}

void RpcTest::Trip(absl::string_view breaker) {
  for (int i = 0; i < 5; ++i) Record(Outcome(v1::OUTCOME_FAILURE, "", breaker));
  ASSERT_EQ(Get(breaker).state(), v1::STATE_OPEN);
}

v1::RecordRequest RpcTest::Outcome(v1::Outcome outcome, absl::string_view permit,
                                   absl::string_view breaker) {
  v1::RecordRequest request;
  request.set_breaker(std::string(breaker));
  request.set_permit(std::string(permit));
  request.set_outcome(outcome);
  return request;
}

}  // namespace fusebox
