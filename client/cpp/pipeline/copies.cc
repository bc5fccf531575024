#include "client/cpp/pipeline/copies.h"

#include <utility>

namespace fusebox::internal {

bool Copies::Start(ThreadPool& pool, CallContext context, const Stage::Next& next) {
  const std::shared_ptr<Cancellation> outer = std::move(context.cancellation);
  const auto cancellation = std::make_shared<Cancellation>();
  context.cancellation = cancellation;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ++under_way_;
    cancellations_.push_back(cancellation);
  }
  const bool is_started =
      pool.Submit([self = shared_from_this(), outer, cancellation, context, next] {
        // Where it is the caller that runs it, nobody waits who would cancel it.
        const Cancellation::Callback link(outer, [cancellation] { cancellation->Cancel(); });
        self->NoteBegun();
        self->End(next(context));
      });
  if (is_started) return true;
  const std::lock_guard<std::mutex> lock(mutex_);
  --under_way_;
  cancellations_.pop_back();
  return false;
}

void Copies::NoteBegun() {
  const std::lock_guard<std::mutex> lock(mutex_);
  was_begun_ = true;
}

void Copies::End(CallResult result) {
  const std::lock_guard<std::mutex> lock(mutex_);
  --under_way_;
  // Of failures the first that says something of the dependency.
  const bool is_better =
      !result_.has_value() || result.status.ok() || (result.sent && !result_->sent);
  if (is_better && !HasSuccess()) result_ = std::move(result);
  changed_.notify_all();
}

bool Copies::WaitUntil(const CallContext& context, int64_t nanos) {
  const Cancellation::Callback wake(context.cancellation, [this] {
    const std::lock_guard<std::mutex> lock(mutex_);
    changed_.notify_all();
  });
  std::unique_lock<std::mutex> lock(mutex_);
  return context.time->WaitUntil(lock, changed_, nanos, [&] {
    return HasSuccess() || under_way_ == 0 || context.IsCancelled();
  });
}

CallResult Copies::Leave(const CallContext& context) {
  std::vector<std::shared_ptr<Cancellation>> left;
  std::optional<CallResult> result;
  bool was_begun = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (HasSuccess() || under_way_ == 0) result = result_;
    was_begun = was_begun_;
    left.swap(cancellations_);
  }
  for (const std::shared_ptr<Cancellation>& one : left) one->Cancel();
  if (result.has_value()) return *std::move(result);
  absl::Status why = context.Check();
  if (why.ok()) why = absl::DeadlineExceededError("the call's deadline is over");
  return {std::move(why), nullptr, was_begun};
}

}  // namespace fusebox::internal
