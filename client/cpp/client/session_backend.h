#ifndef FUSEBOX_CLIENT_CPP_CLIENT_SESSION_BACKEND_H_
#define FUSEBOX_CLIENT_CPP_CLIENT_SESSION_BACKEND_H_

#include <memory>
#include <string>

#include "client/cpp/client/backend.h"
#include "client/cpp/connection/connection.h"
#include "client/cpp/link/session_link.h"
#include "grpcpp/channel.h"

namespace fusebox::internal {

// By a session: the server pushes, the client decides and reports.
class SessionBackend final : public Backend {
 public:
  // The foundation outlives it.
  SessionBackend(const ClientOptions& options, const std::shared_ptr<grpc::Channel>& channel,
                 Foundation& foundation);
  ~SessionBackend() override;

  Gate& Make(std::string name) override;
  bool WaitForServer(absl::Duration longest) const override;
  ClientStats stats() const override;
  bool IsConnected() const override { return link_.IsOpen(); }
  absl::Status ConnectionError() const override { return connection_.error(); }

 private:
  Foundation& foundation_;
  const WithoutServer without_server_;
  const absl::Duration close_patience_;
  const std::unique_ptr<v1::BreakerService::Stub> stub_;
  SessionLink link_;
  Connection connection_;
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_CLIENT_SESSION_BACKEND_H_
