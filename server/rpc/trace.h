#ifndef FUSEBOX_SERVER_RPC_TRACE_H_
#define FUSEBOX_SERVER_RPC_TRACE_H_

#include <grpcpp/server_context.h>

#include <string>

#include "absl/strings/string_view.h"

namespace fusebox {

// The trace that a `traceparent` names, by W3C's Trace Context
// (https://www.w3.org/TR/trace-context/#traceparent-header); empty if it is not one.
//
//   TraceIdIn("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
//       // "4bf92f3577b34da6a3ce929d0e0e4736"
//
// Of a version beyond 00 it reads the beginning, as that document asks.
std::string TraceIdIn(absl::string_view traceparent);

// The trace of a call; empty if it sent no `traceparent`, or several.
std::string TraceIdOf(const grpc::ServerContextBase& context);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_TRACE_H_
