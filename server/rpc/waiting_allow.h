#ifndef FUSEBOX_SERVER_RPC_WAITING_ALLOW_H_
#define FUSEBOX_SERVER_RPC_WAITING_ALLOW_H_

#include <grpcpp/grpcpp.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fusebox/v1/breaker.pb.h"
#include "server/engine/engine.h"

namespace fusebox {

// Writes what Allow answers into an empty response. `breakers` are those that were asked.
void ShowAnswer(const AllowAnswer& answer, absl::Span<const absl::string_view> breakers,
                v1::AllowResponse& response);

// How long an Allow may wait: `max_wait`, but 5 ms and a hundredth less than what is `left` until
// its deadline. gRPC tells deadlines in three digits, rounded up: ours may be so much after the
// caller's.
absl::Duration PatienceOf(absl::Duration left, absl::Duration max_wait);

// An Allow that may wait for its turn, without a thread. A caller that gives up leaves the queue at
// once; what it was granted in the same moment is given back. Owns itself until it is done.
class WaitingAllow final : public grpc::ServerUnaryReactor {
 public:
  // Asks at once. All must outlive the call, as gRPC's request and response do.
  WaitingAllow(Engine& engine, const grpc::CallbackServerContext& context,
               std::vector<absl::string_view> breakers, v1::AllowResponse& response)
      : engine_(engine), context_(context), breakers_(std::move(breakers)), response_(response) {}

  void Start(const Question& question, absl::string_view client, absl::Duration longest);

  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  // False if nobody wants the answer.
  bool Answer(const AllowAnswer& answer);

  Engine& engine_;
  const grpc::CallbackServerContext& context_;
  const std::vector<absl::string_view> breakers_;
  v1::AllowResponse& response_;
  uint64_t ticket_ = 0;  // Written before gRPC knows of this reactor.
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_RPC_WAITING_ALLOW_H_
