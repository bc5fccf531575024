#include <algorithm>
#include <condition_variable>
#include <list>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "fusebox/stages.h"

namespace fusebox {
namespace {

class BulkheadStage final : public Stage {
 public:
  explicit BulkheadStage(const BulkheadOptions& options)
      : options_(options), free_(std::max<size_t>(options.max_concurrent, 1)) {}

  CallResult Run(const CallContext& context, const Next& next) const override {
    if (!Enter(context)) return {WhyNot(context), nullptr, false};
    struct Place {  // Also where what is further in throws.
      ~Place() { bulkhead.Leave(); }
      const BulkheadStage& bulkhead;
    } place{*this};
    return next(context);
  }

 private:
  using Turns = std::list<bool>;  // Of those who wait; true: theirs has come.

  bool Enter(const CallContext& context) const {
    // Before the lock, which the callback takes.
    const Cancellation::Callback wake(context.cancellation, [this] {
      const std::lock_guard<std::mutex> lock(mutex_);
      changed_.notify_all();
    });
    std::unique_lock<std::mutex> lock(mutex_);
    if (free_ > 0) {
      --free_;
      return true;
    }
    const bool may_wait = options_.max_wait > absl::ZeroDuration();
    if (!may_wait || waiting_.size() >= options_.max_waiting) return false;
    const int64_t until =
        std::min(context.deadline_nanos, context.time->NanosAfter(options_.max_wait));
    const auto turn = waiting_.insert(waiting_.end(), false);
    context.time->WaitUntil(lock, changed_, until, [&] { return *turn || context.IsCancelled(); });
    const bool is_in = *turn;
    waiting_.erase(turn);
    return is_in;
  }

  // Hands the place to who waits longest.
  void Leave() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto next = std::find(waiting_.begin(), waiting_.end(), false);
    if (next == waiting_.end()) {
      ++free_;
    } else {
      *next = true;
      changed_.notify_all();
    }
  }

  absl::Status WhyNot(const CallContext& context) const {
    if (absl::Status status = context.Check(); !status.ok()) return status;
    return absl::ResourceExhaustedError(absl::StrCat(
        "all ", options_.max_concurrent,
        " places of the bulkhead are taken; raise max_concurrent, or max_wait and max_waiting"));
  }

  const BulkheadOptions options_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable size_t free_;
  mutable Turns waiting_;
};

}  // namespace

std::shared_ptr<const Stage> Bulkhead(const BulkheadOptions& options) {
  return std::make_shared<BulkheadStage>(options);
}

}  // namespace fusebox
