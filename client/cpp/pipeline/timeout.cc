#include <algorithm>

#include "fusebox/stages.h"

namespace fusebox {
namespace {

class TimeoutStage final : public Stage {
 public:
  explicit TimeoutStage(absl::Duration longest) : longest_(longest) {}

  CallResult Run(const CallContext& context, const Next& next) const override {
    CallContext inner = context;
    inner.deadline_nanos = std::min(context.deadline_nanos, context.time->NanosAfter(longest_));
    return next(inner);
  }

 private:
  const absl::Duration longest_;
};

}  // namespace

std::shared_ptr<const Stage> Timeout(absl::Duration longest) {
  return std::make_shared<TimeoutStage>(longest);
}

}  // namespace fusebox
