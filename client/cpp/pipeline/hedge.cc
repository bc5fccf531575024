#include <algorithm>

#include "client/cpp/pipeline/copies.h"
#include "fusebox/stages.h"

namespace fusebox {
namespace {

class HedgeStage final : public Stage {
 public:
  explicit HedgeStage(const HedgeOptions& options) : options_(options) {}

  CallResult Run(const CallContext& context, const Next& next) const override {
    const std::optional<absl::Duration> delay = Delay();
    const bool hedges = context.idempotent && delay.has_value() && options_.threads != nullptr;
    if (!hedges) return next(context);
    const auto copies = std::make_shared<internal::Copies>();
    if (!copies->Start(*options_.threads, context, next)) return next(context);
    CallContext hedge = context;
    hedge.hedge = true;
    const uint32_t most = std::clamp(options_.max_copies, 2u, 10u);
    for (uint32_t made = 1; made < most; ++made) {
      if (IsOverWithin(*delay, context, *copies)) break;
      if (!copies->Start(*options_.threads, hedge, next)) break;
    }
    copies->WaitUntil(context, context.deadline_nanos);
    return copies->Leave(context);
  }

 private:
  // What another copy needs is asked for when half of the time is over: few calls take as long.
  bool IsOverWithin(absl::Duration delay, const CallContext& context,
                    internal::Copies& copies) const {
    const int64_t end = std::min(context.deadline_nanos, context.time->NanosAfter(delay));
    const int64_t half = std::min(end, context.time->NanosAfter(delay / 2));
    if (copies.WaitUntil(context, half)) return true;
    if (options_.breaker.has_value()) {
      options_.breaker->Expect(
          {.number = context.attempt, .previous = context.previous, .hedge = true});
    }
    return copies.WaitUntil(context, end) || !context.Check().ok();
  }

  std::optional<absl::Duration> Delay() const {
    if (options_.delay.has_value() || !options_.breaker.has_value()) return options_.delay;
    return options_.breaker->hedge_delay();
  }

  const HedgeOptions options_;
};

}  // namespace

std::shared_ptr<const Stage> Hedge(const HedgeOptions& options) {
  return std::make_shared<HedgeStage>(options);
}

}  // namespace fusebox
