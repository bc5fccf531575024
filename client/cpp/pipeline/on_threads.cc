#include "client/cpp/pipeline/copies.h"
#include "fusebox/stages.h"

namespace fusebox {
namespace {

class OnThreadsStage final : public Stage {
 public:
  explicit OnThreadsStage(ThreadPool& pool) : pool_(pool) {}

  CallResult Run(const CallContext& context, const Next& next) const override {
    const auto copies = std::make_shared<internal::Copies>();
    if (!copies->Start(pool_, context, next)) {
      return {absl::ResourceExhaustedError("the pool has neither a thread for the call nor a place "
                                           "in its queue; raise its max or queue"),
              nullptr, false};
    }
    copies->WaitUntil(context, context.deadline_nanos);
    return copies->Leave(context);
  }

 private:
  ThreadPool& pool_;
};

}  // namespace

std::shared_ptr<const Stage> OnThreads(ThreadPool& pool) {
  return std::make_shared<OnThreadsStage>(pool);
}

}  // namespace fusebox
