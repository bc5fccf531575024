#ifndef FUSEBOX_CLIENT_CPP_PIPELINE_COPIES_H_
#define FUSEBOX_CLIENT_CPP_PIPELINE_COPIES_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "fusebox/pipeline.h"
#include "fusebox/thread_pool.h"

namespace fusebox::internal {

// The copies of one call that are made on other threads. Thread-safe, and shared by them: they may
// end after nobody waits for them any more.
class Copies : public std::enable_shared_from_this<Copies> {
 public:
  // Starts one on the pool; false if that has no place for it.
  bool Start(ThreadPool& pool, CallContext context, const Stage::Next& next);

  // Waits until one has succeeded, all have ended or the call is cancelled, or until that time.
  // True if it is over.
  bool WaitUntil(const CallContext& context, int64_t nanos);

  // What came of them, or why nobody waits for them any longer. Those that are under way are
  // cancelled.
  CallResult Leave(const CallContext& context);

 private:
  void NoteBegun();
  void End(CallResult result);
  bool HasSuccess() const { return result_.has_value() && result_->status.ok(); }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Cancellation>> cancellations_;
  std::optional<CallResult> result_;
  int under_way_ = 0;
  bool was_begun_ = false;  // One of them has left the pool's queue.
};

}  // namespace fusebox::internal

#endif  // FUSEBOX_CLIENT_CPP_PIPELINE_COPIES_H_
