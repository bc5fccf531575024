#include "client/cpp/pipeline/retry_after.h"
#include "fusebox/stages.h"

namespace fusebox {
namespace {

class ProtectStage final : public Stage {
 public:
  explicit ProtectStage(const Breaker& breaker) : breaker_(breaker) {}

  CallResult Run(const CallContext& context, const Next& next) const override {
    Breaker::Permit permit = breaker_.Allow(
        {.number = context.attempt, .previous = context.previous, .hedge = context.hedge});
    if (!permit.allowed()) return {permit.status(), nullptr, false, permit.retry_after()};
    CallResult result = next(context);
    // One that was not made, or that nobody waited for, says nothing of the dependency.
    if (result.sent && !context.IsCancelled()) Record(result.status, permit);
    return result;
  }

 private:
  void Record(const absl::Status& status, Breaker::Permit& permit) const {
    const absl::Duration retry_after =
        status.ok() ? absl::ZeroDuration() : internal::RetryAfterOf(status);
    if (retry_after > absl::ZeroDuration()) {
      permit.Record(breaker_.Classify(status), retry_after);
    } else {
      permit.Record(status);
    }
  }

  const Breaker breaker_;
};

}  // namespace

std::shared_ptr<const Stage> Protect(const Breaker& breaker) {
  return std::make_shared<ProtectStage>(breaker);
}

}  // namespace fusebox
