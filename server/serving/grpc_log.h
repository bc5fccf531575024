#ifndef FUSEBOX_SERVER_SERVING_GRPC_LOG_H_
#define FUSEBOX_SERVER_SERVING_GRPC_LOG_H_

namespace fusebox {

// From now on what gRPC has to say is a line of our log, as of all that it says on its own:
//
//   ... level=warning event=grpc source=ssl_transport_security.cc:1490 message="Handshake failed"
//
// Anybody who can connect makes it write a line, with a handshake that fails; so there are at most
// ten of them a second, and the next one tells how many were `left_out`. How much gRPC says is for
// its environment variable GRPC_VERBOSITY, by default errors only. They are no errors of ours, but
// mostly of a peer's: warnings. To be called once, before anything of gRPC's.
void LogGrpcLines();

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_GRPC_LOG_H_
