#include "deploy/demo/cpp/gate.h"

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <utility>

namespace fusebox::demo {
namespace {

// Generous: on a busy machine a late answer is still one. A dead Fusebox is noticed at once.
constexpr std::chrono::seconds kRpcTimeout(5);
constexpr std::chrono::seconds kReadyTimeout(2);

std::unique_ptr<v1::BreakerService::Stub> Connect(const std::string& address) {
  if (address.empty()) return nullptr;
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  channel->WaitForConnected(std::chrono::system_clock::now() + kReadyTimeout);
  return v1::BreakerService::NewStub(channel);
}

void SetDeadline(grpc::ClientContext& context) {
  context.set_deadline(std::chrono::system_clock::now() + kRpcTimeout);
}

}  // namespace

Gate::Gate(const std::string& address, std::string breaker, std::string client, Totals* totals)
    : breaker_(address.empty() ? "" : std::move(breaker)),
      client_(std::move(client)),
      totals_(totals),
      stub_(Connect(address)) {}

v1::AllowResponse Gate::Allow(int attempt) {
  if (stub_ == nullptr) return {};
  v1::AllowRequest request;
  request.set_breaker(breaker_);
  request.set_attempt(attempt);
  request.set_client(client_);
  grpc::ClientContext context;
  SetDeadline(context);
  v1::AllowResponse response;
  if (stub_->Allow(&context, request, &response).ok()) return response;
  ++totals_->rpc_errors;
  return {};
}

void Gate::Record(const std::string& permit, int http_status, absl::Duration latency) {
  if (stub_ == nullptr || permit.empty()) return;
  v1::RecordRequest request;
  request.set_breaker(breaker_);
  request.set_permit(permit);
  request.set_client(client_);
  if (http_status == 0) {
    request.set_outcome(v1::OUTCOME_FAILURE);
  } else {
    request.set_http_status(http_status);
  }
  absl::Duration rest;
  request.mutable_latency()->set_seconds(absl::IDivDuration(latency, absl::Seconds(1), &rest));
  request.mutable_latency()->set_nanos(static_cast<int>(absl::ToInt64Nanoseconds(rest)));
  grpc::ClientContext context;
  SetDeadline(context);
  v1::RecordResponse response;
  if (!stub_->Record(&context, request, &response).ok()) ++totals_->rpc_errors;
}

}  // namespace fusebox::demo
