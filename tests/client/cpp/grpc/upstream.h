#ifndef FUSEBOX_CLIENT_CPP_GRPC_UPSTREAM_H_
#define FUSEBOX_CLIENT_CPP_GRPC_UPSTREAM_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "gtest/gtest.h"

namespace fusebox {

using HealthRpc = grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// A dependency that answers what it is told to: a real server, on a port of its own.
class Upstream final : public HealthRpc::Service {
 public:
  Upstream() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }
  ~Upstream() override { server_->Shutdown(std::chrono::system_clock::now()); }

  const std::string& address() const { return address_; }
  int calls() const { return calls_; }
  void AnswerWith(grpc::Status status) {
    const std::lock_guard<std::mutex> lock(mutex_);
    status_ = std::move(status);
  }
  // With every answer that follows.
  void Tell(std::string key, std::string value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    metadata_ = {std::move(key), std::move(value)};
  }
  // What the last call said.
  std::string Said(const std::string& key) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = said_.find(key);
    return found == said_.end() ? "" : found->second;
  }

  grpc::Status Check(grpc::ServerContext* context, const HealthCheckRequest*,
                     HealthCheckResponse*) override {
    return Answer(*context);
  }
  grpc::Status Watch(grpc::ServerContext* context, const HealthCheckRequest*,
                     grpc::ServerWriter<HealthCheckResponse>* writer) override {
    for (int i = 0; i < 3; ++i) writer->Write({});
    return Answer(*context);
  }

 private:
  grpc::Status Answer(grpc::ServerContext& context) {
    ++calls_;
    const std::lock_guard<std::mutex> lock(mutex_);
    said_.clear();
    for (const auto& [key, value] : context.client_metadata()) {
      said_.emplace(std::string(key.data(), key.size()), std::string(value.data(), value.size()));
    }
    if (!metadata_.first.empty()) {
      context.AddTrailingMetadata(metadata_.first, metadata_.second);
    }
    return status_;
  }

  std::atomic<int> calls_{0};
  mutable std::mutex mutex_;
  grpc::Status status_;
  std::pair<std::string, std::string> metadata_;
  std::map<std::string, std::string> said_;
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CLIENT_CPP_GRPC_UPSTREAM_H_
