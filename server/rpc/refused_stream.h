#ifndef FUSEBOX_SERVER_RPC_REFUSED_STREAM_H_
#define FUSEBOX_SERVER_RPC_REFUSED_STREAM_H_

#include <grpcpp/grpcpp.h>

#include "absl/status/status.h"
#include "server/errors/errors.h"

namespace fusebox {

// A stream that ends before it says anything. Owns itself.
template <typename Reactor>
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const absl::Status& status) { this->Finish(ToGrpcStatus(status)); }
  void OnDone() override { delete this; }
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_REFUSED_STREAM_H_
