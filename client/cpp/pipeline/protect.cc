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
    internal::FailsUnlessReturned guard(permit);
    CallResult result = next(context);
    guard.Returned();
    if (result.sent) Record(context, result.status, permit);
    return result;
  }

 private:
  static void Record(const CallContext& context, const absl::Status& status,
                     Breaker::Permit& permit) {
    if (!context.IsCancelled()) return permit.Record(status, internal::RetryAfterOf(status));
    // That nobody waited for it any longer says nothing of the dependency, unless it was late.
    if (context.TimeLeft() <= absl::ZeroDuration()) permit.Record(Outcome::kTimeout);
  }

  const Breaker breaker_;
};

}  // namespace

std::shared_ptr<const Stage> Protect(const Breaker& breaker) {
  return std::make_shared<ProtectStage>(breaker);
}

}  // namespace fusebox
