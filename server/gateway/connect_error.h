#ifndef FUSEBOX_SERVER_GATEWAY_CONNECT_ERROR_H_
#define FUSEBOX_SERVER_GATEWAY_CONNECT_ERROR_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "server/http/http_message.h"

namespace fusebox {

// An error of a unary call as Connect's protocol writes it: an HTTP status that fits the code, and
//
//   {"code":"not_found","message":"...","details":[{"type":"google.rpc.ErrorInfo","value":"Cg...",
//    "debug":{"reason":"BREAKER_NOT_FOUND","domain":"fusebox"}}]}
//
// See https://connectrpc.com/docs/protocol#error-end-stream.
HttpResponse ConnectError(const grpc::Status& status);
// The same of what the server found before there was a call.
HttpResponse ConnectError(const absl::Status& status);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_GATEWAY_CONNECT_ERROR_H_
