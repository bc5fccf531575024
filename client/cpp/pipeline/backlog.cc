#include "fusebox/backlog.h"

#include <utility>

namespace fusebox {

bool Backlog::Add(CallOptions options, Function function) {
  options.cancellation = nullptr;
  if (options.timeout <= absl::ZeroDuration()) options.timeout = absl::InfiniteDuration();
  if (options.idempotency_key.empty()) options.idempotency_key = DrawIdempotencyKey();
  const std::lock_guard<std::mutex> lock(mutex_);
  if (calls_.size() >= capacity_) return false;
  calls_.push_back({std::move(options), std::move(function)});
  return true;
}

absl::Status Backlog::Drain(const Pipeline& pipeline) {
  const std::lock_guard<std::mutex> drains(draining_);
  while (true) {
    Call call;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (calls_.empty()) return absl::OkStatus();
      call = calls_.front();
    }
    if (absl::Status status = pipeline.Call(call.options, call.function); !status.ok()) {
      return status;
    }
    const std::lock_guard<std::mutex> lock(mutex_);
    calls_.pop_front();
  }
}

size_t Backlog::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return calls_.size();
}

}  // namespace fusebox
