#ifndef FUSEBOX_CLIENT_CPP_CLIENT_UNARY_BACKEND_H_
#define FUSEBOX_CLIENT_CPP_CLIENT_UNARY_BACKEND_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "client/cpp/client/backend.h"
#include "client/cpp/local/mutex.h"
#include "client/cpp/unary/remote.h"
#include "client/cpp/unary/reporter.h"
#include "client/cpp/unary/unary_breaker.h"
#include "grpcpp/channel.h"

namespace fusebox::internal {

// By one RPC per decision.
class UnaryBackend final : public Backend {
 public:
  // The foundation outlives it.
  UnaryBackend(const ClientOptions& options, std::shared_ptr<grpc::Channel> channel,
               Foundation& foundation);
  ~UnaryBackend() override;

  Gate& Make(std::string name) override;
  bool WaitForServer(absl::Duration longest) const override;
  ClientStats stats() const override;
  bool IsConnected() const override { return remote_->IsConnected(); }
  absl::Status ConnectionError() const override {
    return remote_->IsConnected() ? absl::OkStatus() : remote_->error();
  }

 private:
  struct Entry {
    std::unique_ptr<UnaryBreaker> breaker;
    State shown = State::kClosed;  // To who listens.
  };

  LocalBreaker::Surroundings Around();
  void TellChanges();

  Foundation& foundation_;
  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::BreakerService::Stub> stub_;

  mutable Mutex mutex_;  // Taken before a breaker's.
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);

  Reporter reporter_;
  std::optional<Remote> remote_;  // Gone before the reporter stops: late answers give back.
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_CLIENT_UNARY_BACKEND_H_
