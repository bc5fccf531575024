#include "server/rpc/repeat.h"

#include <grpcpp/alarm.h>

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "server/errors/errors.h"
#include "server/sync/mutex.h"

namespace fusebox {
namespace {

// Lives in its alarms until it is done.
class Repetition : public std::enable_shared_from_this<Repetition> {
 public:
  explicit Repetition(std::function<bool()> step) : step_(std::move(step)) {}

  // The alarm is a fresh one each time, as it may not be set from within. Whoever takes the last
  // one away waits for the lock, so none goes while it is being set.
  void Pause() {
    MutexLock lock(&mutex_);
    alarm_ = std::make_unique<grpc::Alarm>();
    alarm_->Set(RepetitionTime(), [self = shared_from_this()](bool) { self->GoOn(); });
  }

 private:
  void GoOn() {
    if (!step_()) return Pause();
    MutexLock lock(&mutex_);
    alarm_.reset();
  }

  const std::function<bool()> step_;
  Mutex mutex_;
  std::unique_ptr<grpc::Alarm> alarm_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

gpr_timespec RepetitionTime() {
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(1, GPR_TIMESPAN));
}

void RepeatUntilDone(std::function<bool()> step) {
  if (!step()) std::make_shared<Repetition>(std::move(step))->Pause();
}

grpc::ServerUnaryReactor* AnswerWhenDone(grpc::CallbackServerContext* context,
                                         std::function<std::optional<absl::Status>()> step) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  RepeatUntilDone([context, reactor, step = std::move(step)] {
    const std::optional<absl::Status> end =
        context->IsCancelled() ? absl::CancelledError("the call has ended") : step();
    if (!end.has_value()) return false;
    reactor->Finish(ToGrpcStatus(*end));
    return true;
  });
  return reactor;
}

}  // namespace fusebox
