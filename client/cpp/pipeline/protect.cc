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
    struct Failure {  // Unless it returns.
      ~Failure() {
        if (permit != nullptr) permit->Fail();
      }
      Breaker::Permit* permit;
    } failure{&permit};
    CallResult result = next(context);
    failure.permit = nullptr;
    if (result.sent) Record(context, result.status, permit);
    return result;
  }

 private:
  void Record(const CallContext& context, const absl::Status& status,
              Breaker::Permit& permit) const {
    if (context.IsCancelled()) {
      // That nobody waited for it any longer says nothing of the dependency, unless it was late.
      if (context.TimeLeft() <= absl::ZeroDuration()) permit.Record(Outcome::kTimeout);
      return;
    }
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
