#include "fusebox/pipeline.h"

#include <random>

#include "absl/strings/str_format.h"

namespace fusebox {

std::string DrawIdempotencyKey() {
  std::random_device random;
  return absl::StrFormat("%08x%08x%08x%08x", random(), random(), random(), random());
}

absl::Duration CallContext::TimeLeft() const {
  if (deadline_nanos == CallTime::kNever) return absl::InfiniteDuration();
  return absl::Nanoseconds(deadline_nanos - time->NowNanos());
}

absl::Status CallContext::Check() const {
  if (IsCancelled()) return absl::CancelledError("the call was cancelled");
  if (TimeLeft() > absl::ZeroDuration()) return absl::OkStatus();
  return absl::DeadlineExceededError("the call's deadline is over");
}

Pipeline::Pipeline(std::vector<std::shared_ptr<const Stage>> stages, const CallTime& time)
    : stages_(std::make_shared<const Stages>(std::move(stages))), time_(&time) {}

CallResult Pipeline::Run(const CallOptions& options, const Stage::Next& function) const {
  CallContext context;
  context.time = time_;
  context.deadline_nanos = time_->NanosAfter(options.timeout);
  context.attempt = options.attempt;
  context.idempotent = options.idempotent;
  context.idempotency_key =
      options.idempotency_key.empty() ? DrawIdempotencyKey() : options.idempotency_key;
  context.cancellation = options.cancellation;
  return RunFrom(stages_, 0, context, function);
}

CallResult Pipeline::RunFrom(const std::shared_ptr<const Stages>& stages, size_t index,
                             const CallContext& context, const Stage::Next& function) {
  if (absl::Status status = context.Check(); !status.ok()) {
    return {std::move(status), nullptr, false};
  }
  if (index == stages->size()) return function(context);
  return (*stages)[index]->Run(context, [stages, index, function](const CallContext& inner) {
    return RunFrom(stages, index + 1, inner, function);
  });
}

}  // namespace fusebox
