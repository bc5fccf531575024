// The connection to one Fusebox server.
//
//   Connection server("127.0.0.1:7400", absl::Seconds(5), CredentialFlags());
//   GetBreakerResponse response;
//   const grpc::Status status =
//       server.Call(&AdminService::Stub::GetBreaker, request, &response);
//   if (!status.ok()) return ReportRpcError(cli.err, server, status);
#ifndef FUSEBOX_CLIENT_CLI_CHANNEL_H_
#define FUSEBOX_CLIENT_CLI_CHANNEL_H_

#include <grpcpp/grpcpp.h>

#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "client/cli/credentials.h"

namespace fusebox::cli {

// Returns what is wrong with an address and how to write it; empty if nothing is. Right are
// host:port ("127.0.0.1:7400", "[::1]:7400"), unix:/path and what else gRPC resolves
// ("dns:///fusebox:7400").
std::string CheckAddress(absl::string_view address);

// A connection that is made at first use, which is also when the files of its credentials are read.
// Never goes through an HTTP proxy. Not thread-safe but for Cancel().
class Connection {
 public:
  // `timeout` bounds each call, with the connecting that it needs.
  Connection(std::string address, absl::Duration timeout, CredentialFlags flags);

  // Makes one unary call and waits for its end.
  template <typename Stub, typename Request, typename Response>
  grpc::Status Call(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    const InFlight in_flight(*this, context);
    if (grpc::Status bad = BeginCall(context); !bad.ok()) return bad;
    return (Stub(channel_).*method)(&context, request, response);
  }

  // Connects if need be and gives a unary call what is left of the time-out. UNAUTHENTICATED: there
  // are no credentials, see fault(), and so there must be no call.
  grpc::Status BeginCall(grpc::ClientContext& context);

  // Connects if need be. The time-out bounds the connecting; the stream may then last for `limit`.
  // Errors are those of BeginCall().
  grpc::Status BeginStream(grpc::ClientContext& context,
                           absl::Duration limit = absl::InfiniteDuration());

  // Lets each call from now on last that much longer than the time-out, once connected.
  void Lengthen(absl::Duration by) { longer_ = by; }

  // Lets all calls from now on, taken together, last no longer than this.
  void EndAllAfter(absl::Duration total);

  // Ends the Call() that another thread makes, and all that it will make, with CANCELLED, while it
  // connects within 100 ms. Thread-safe.
  void Cancel();

  // For what Begin...() said OK to.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }
  const std::string& address() const { return address_; }
  bool tls() const { return flags_.tls; }

  // What is wrong with the flags or the files of the credentials; OK if nothing, and before use.
  const absl::Status& fault() const { return fault_; }

  // Whether a connection ever stood: an error before that says nothing about the server but that
  // it is not there.
  bool connected() const { return connected_; }

 private:
  // Lets Cancel() find the call.
  class InFlight {
   public:
    InFlight(Connection& connection, grpc::ClientContext& context);
    InFlight(const InFlight&) = delete;
    InFlight& operator=(const InFlight&) = delete;
    ~InFlight();

   private:
    Connection& connection_;
  };

  void Prepare();
  void Connect(gpr_timespec deadline);
  bool cancelled();

  const std::string address_;
  const absl::Duration timeout_;
  absl::Duration longer_;
  const CredentialFlags flags_;
  absl::Status fault_;
  std::string authorization_;
  std::shared_ptr<grpc::Channel> channel_;
  gpr_timespec end_ = gpr_inf_future(GPR_CLOCK_MONOTONIC);  // Of all calls.
  bool connected_ = false;

  std::mutex mutex_;
  grpc::ClientContext* in_flight_ = nullptr;  // Guarded by mutex_, as is the next.
  bool cancelled_ = false;
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_CHANNEL_H_
