#ifndef FUSEBOX_SERVER_GATEWAY_GATEWAY_H_
#define FUSEBOX_SERVER_GATEWAY_GATEWAY_H_

#include <google/protobuf/message.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/http/http_message.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Unary calls over HTTP, by Connect's protocol (https://connectrpc.com/docs/protocol): a POST of a
// request to /SERVICE/METHOD, in JSON or in Protobuf's bytes, is answered with the response or with
// an error in JSON.
//
//   curl http://127.0.0.1:7401/fusebox.v1.BreakerService/Allow
//     -H 'Content-Type: application/json' -d '{"breaker": "db/orders"}'
//
// Each is a call of the gRPC services as any other, over a channel within the process: so the same
// roles, checks, errors and metrics hold. What is HTTP's own:
//
// - "Authorization" and "traceparent" travel on. A change to what operators look after
//   (AdminService, but for Get and List) takes a token, whoever may do what without one.
// - A call that does not say who its client is, is its address's.
// - It may take `Connect-Timeout-Ms`, at most 10 s, and by itself 5 s.
// - Of each service there are at most 64 at a time: calls that wait do not keep operators out.
//
// Thread-safe.
class Gateway {
 public:
  struct Options {
    std::vector<std::string> services;  // "fusebox.v1.BreakerService"
    bool knows_tokens = false;          // Somebody has one: --identities.
  };

  // How a call ended, with its response if it is OK.
  using Ended = absl::AnyInvocable<void(const grpc::Status&, const grpc::ByteBuffer&)>;

  explicit Gateway(Options options) : options_(std::move(options)) {}

  // From now on calls are made over this channel; or over none, before the server goes. Returns the
  // one before, to be kept until no call is under way any more: were a thread of gRPC's, on which
  // calls end, the last to hold a channel, it would have to wait for its own end.
  std::shared_ptr<grpc::Channel> SetChannel(std::shared_ptr<grpc::Channel> channel);

  // What people and programs may post to.
  std::vector<HttpRoute> Routes();

  // Makes one call with the token of an HTTP request, if that has one, and waits for its end.
  grpc::Status Call(const HttpRequest& from, const std::string& method,
                    const google::protobuf::Message& request, google::protobuf::Message& response);

 private:
  void Begin(const HttpRequest& request, HttpAnswer answer);
  // Ends on one of gRPC's threads, or at once if there can be no call.
  void BeginCall(const HttpRequest& from, const std::string& method,
                 const google::protobuf::Message& request, Ended ended);
  absl::Status CheckToken(const HttpRequest& request, const std::string& service,
                          absl::string_view method) const;
  std::shared_ptr<grpc::Channel> channel() const;

  const Options options_;
  mutable Mutex mutex_;
  std::shared_ptr<grpc::Channel> channel_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_GATEWAY_GATEWAY_H_
