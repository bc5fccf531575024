#ifndef FUSEBOX_GRPC_H_
#define FUSEBOX_GRPC_H_

#include <grpcpp/grpcpp.h>
#include <grpcpp/support/client_interceptor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "fusebox/cancellation.h"
#include "fusebox/client.h"
#include "fusebox/grpc_status.h"
#include "fusebox/pipeline.h"

namespace fusebox {

// Which breaker stands before which method.
struct ChannelOptions {
  // Put before the method's name: "orders" gives "orders/shop.v1.Orders/Get". Empty: the method's
  // name alone, "shop.v1.Orders/Get".
  std::string prefix = {};
  // The name of a method's breaker, for any other scheme: it is given "shop.v1.Orders/Get", and
  // may be called for each call, by several threads at once. An empty name: none stands
  // before it. Empty: as `prefix` says.
  std::function<std::string(absl::string_view method)> breaker_of = {};
};

// A channel all of whose calls ask a breaker of the client first, and tell it how they ended: unary
// and streaming, by any of gRPC's interfaces.
//
//   auto channel = fusebox::CreateChannel(*client, "orders:443", grpc::SslCredentials({}));
//
// A call that is refused does not touch the network: it is UNAVAILABLE, with google.rpc.ErrorInfo
// and RetryInfo. How one ended is its status, as the breaker's policy classifies it;
// `grpc-retry-pushback-ms` and `retry-after` (in seconds) of its trailing metadata are what the
// dependency asked for. A call that was cancelled, or is dropped, says nothing. Where GetBreaker()
// fails, as with more methods than `max_breakers`, no breaker stands before the method.
//
// The client outlives the channel and its calls.
std::shared_ptr<grpc::Channel> CreateChannel(
    Client& client, const std::string& target,
    const std::shared_ptr<grpc::ChannelCredentials>& credentials, ChannelOptions options = {},
    const grpc::ChannelArguments& arguments = {});

// The same for a channel that is made otherwise.
std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface> MakeInterceptorFactory(
    Client& client, ChannelOptions options = {});

// One attempt of a pipeline as gRPC makes it: with its deadline, number and key, and cancelled with
// it.
//
//   pipeline.Call(options, [&](const fusebox::CallContext& call) {
//     fusebox::GrpcAttempt attempt(call);
//     return fusebox::FromGrpc(stub->Get(attempt.context(), request, &reply));
//   });
//
// For one call. Not thread-safe, but for its being cancelled.
class GrpcAttempt {
 public:
  explicit GrpcAttempt(const CallContext& call);

  grpc::ClientContext* context() { return &context_; }

 private:
  grpc::ClientContext context_;
  const Cancellation::Callback cancel_;
};

// Metadata that GrpcAttempt sends: which attempt it is and how the one before it had ended
// (FAILURE, TIMEOUT, ...), where it is not the first; and, of an idempotent call, the key. In that,
// what is no printable ASCII, and '%', is %XX, as in a URL.
inline constexpr char kAttemptMetadata[] = "fusebox-attempt";
inline constexpr char kPreviousOutcomeMetadata[] = "fusebox-previous-outcome";
inline constexpr char kIdempotencyKeyMetadata[] = "idempotency-key";

// Which attempt of its caller's a call is, for CallOptions::attempt of the calls made to answer it.
// 1 where nothing, or nothing sensible, is said.
uint32_t AttemptOf(const grpc::ServerContextBase& context);

}  // namespace fusebox

#endif  // FUSEBOX_GRPC_H_
