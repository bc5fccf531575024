#include <utility>

#include "client/cpp/pipeline/copies.h"
#include "fusebox/stages.h"

namespace fusebox {
namespace {

class OnThreadsStage final : public Stage {
 public:
  explicit OnThreadsStage(std::shared_ptr<ThreadPool> pool) : pool_(std::move(pool)) {}

  CallResult Run(const CallContext& context, const Next& next) const override {
    const auto copies = std::make_shared<internal::Copies>();
    if (!copies->Start(*pool_, context, next)) {
      return {absl::ResourceExhaustedError("the pool has neither a thread for the call nor a place "
                                           "in its queue"),
              nullptr, false};
    }
    copies->WaitUntil(context, context.deadline_nanos);
    return copies->Leave(context);
  }

 private:
  const std::shared_ptr<ThreadPool> pool_;
};

}  // namespace

std::shared_ptr<const Stage> OnThreads(std::shared_ptr<ThreadPool> pool) {
  return std::make_shared<OnThreadsStage>(std::move(pool));
}

}  // namespace fusebox
