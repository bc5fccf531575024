#include "server/rpc/waiting_allow.h"

#include <algorithm>
#include <string>
#include <utility>

#include "proto/convert/convert.h"
#include "server/errors/errors.h"

namespace fusebox {

void ShowAnswer(const AllowAnswer& answer, absl::Span<const absl::string_view> breakers,
                v1::AllowResponse& response) {
  Show(answer.decision, response);
  const absl::string_view chosen = breakers[answer.chosen];
  response.set_breaker(chosen.data(), chosen.size());
  const absl::string_view permit = answer.permit.bytes();
  if (answer.decision.allowed) response.set_permit(permit.data(), permit.size());
  for (const Refused& one : answer.refused) {
    v1::Refusal& refusal = *response.add_refused();
    refusal.set_breaker(std::string(breakers[one.index]));
    refusal.set_reason(ToProto(one.decision.reason));
    Show(one.decision.retry_after, *refusal.mutable_retry_after());
  }
}

absl::Duration PatienceOf(absl::Duration left, absl::Duration max_wait) {
  constexpr absl::Duration kToAnswer = absl::Milliseconds(5);
  return std::min(max_wait, left - left / 100 - kToAnswer);
}

void WaitingAllow::Start(const Question& question, absl::string_view client,
                         absl::Duration longest) {
  const absl::StatusOr<AllowAnswer> answer =
      engine_.AllowOrWait(breakers_, question, client, longest,
                          [this](const AllowAnswer& later) { return Answer(later); });
  if (!answer.ok()) {
    Finish(ToGrpcStatus(answer.status()));
  } else if (answer->decision.waits) {
    ticket_ = answer->ticket;
  } else if (!Answer(*answer) && answer->decision.allowed) {
    engine_.TakeBack(breakers_[answer->chosen], answer->decision);
  }
}

void WaitingAllow::OnCancel() {
  if (ticket_ == 0 || !engine_.CancelWait(ticket_)) return;  // It is answered, or just being.
  Finish(grpc::Status::CANCELLED);
}

// May be before Start() returns, from another thread; and this is gone once it has finished.
bool WaitingAllow::Answer(const AllowAnswer& answer) {
  if (context_.IsCancelled()) {
    Finish(grpc::Status::CANCELLED);
    return false;
  }
  ShowAnswer(answer, breakers_, response_);
  Finish(grpc::Status::OK);
  return true;
}

}  // namespace fusebox
