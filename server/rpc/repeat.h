#ifndef FUSEBOX_SERVER_RPC_REPEAT_H_
#define FUSEBOX_SERVER_RPC_REPEAT_H_

#include <grpc/support/time.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <optional>

#include "absl/status/status.h"

namespace fusebox {

// Calls `step` until it returns true: the first time at once, and then every millisecond on a
// thread of gRPC's that has nothing else to do. For work that is done in pieces, so that it holds
// up nobody. What `step` uses must live until it has returned true.
void RepeatUntilDone(std::function<bool()> step);

// The same for a unary call: ends it with what `step` returns, once that is not empty; or, before a
// step, with CANCELLED if nobody waits for it any more: the caller, the deadline or the end of the
// server ended it. What `step` uses must live until the call is done.
grpc::ServerUnaryReactor* AnswerWhenDone(grpc::CallbackServerContext* context,
                                         std::function<std::optional<absl::Status>()> step);

// When the next piece is due: in a millisecond.
gpr_timespec RepetitionTime();

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_REPEAT_H_
