// The connection to one Fusebox server.
//
//   Connection server("127.0.0.1:7400", absl::Seconds(5));
//   GetBreakerResponse response;
//   const grpc::Status status =
//       server.Call(&AdminService::Stub::GetBreaker, request, &response);
//   if (!status.ok()) return ReportRpcError(cli.err, server, status);
#ifndef FUSEBOX_CLIENT_CLI_CHANNEL_H_
#define FUSEBOX_CLIENT_CLI_CHANNEL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace fusebox::cli {

// Returns what is wrong with an address and how to write it; empty if nothing is. Right are
// host:port ("127.0.0.1:7400", "[::1]:7400"), unix:/path and what else gRPC resolves
// ("dns:///fusebox:7400").
std::string CheckAddress(absl::string_view address);

// A plaintext connection that is made at first use. Never goes through an HTTP proxy. Not
// thread-safe.
class Connection {
 public:
  // `timeout` bounds each call, with the connecting that it needs.
  Connection(std::string address, absl::Duration timeout);

  // Makes one unary call and waits for its end.
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    BeginCall(context);
    return (Stub(channel_).*method)(&context, request, response);
  }

  // Connects if need be and gives a unary call what is left of the time-out.
  void BeginCall(grpc::ClientContext& context);

  // Connects if need be. The time-out bounds the connecting; the stream may then last for ever.
  void BeginStream(grpc::ClientContext& context);

  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& address() const { return address_; }

  // Whether a connection ever stood: an error before that says nothing about the server but that
  // it is not there.
  bool connected() const { return connected_; }

 private:
  void Connect(gpr_timespec deadline);
  gpr_timespec Deadline() const;

  const std::string address_;
  const absl::Duration timeout_;
  const std::shared_ptr<grpc::Channel> channel_;
  bool connected_ = false;
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_CHANNEL_H_
