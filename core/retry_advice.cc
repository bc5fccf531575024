#include "core/retry_advice.h"

#include <algorithm>

namespace fusebox {
namespace {

absl::Duration Times(absl::Duration duration, Share factor) {
  return duration * factor.millionths() / Share::kOne;
}

// start * factor ^ power, at most `most`; the factor is at least 1.
absl::Duration Grow(absl::Duration start, Share factor, uint32_t power, absl::Duration most) {
  absl::Duration grown = std::min(start, most);
  for (uint32_t i = 0; i < power && grown < most; ++i) {
    grown = std::min(Times(grown, factor), most);
  }
  return grown;
}

bool Predicts(const RetryPolicy& policy) { return policy.min_success_probability.on(); }

bool IsFailing(const RetryPolicy& policy, const WindowCounts& counts) {
  return policy.failure_rate_limit.on() && counts.calls >= kFailureRateMinimumCalls &&
         policy.failure_rate_limit.IsReachedBy(counts.failures, counts.calls);
}

bool Explores(const RetryPolicy& policy, uint64_t random_bits) {
  const uint64_t drawn = ((random_bits >> 32) * Share::kOne) >> 32;  // Of a million.
  return drawn < static_cast<uint64_t>(policy.explore_share.millionths());
}

RetryReason Judge(const RetryPolicy& policy, const RetryInputs& inputs) {
  if (!IsFailure(inputs.outcome)) return RetryReason::kNotRetryable;
  if (std::max(inputs.attempt, 1u) >= policy.max_attempts) return RetryReason::kAttemptsExhausted;
  if (inputs.open_for > policy.max_backoff) return RetryReason::kOpen;
  if (inputs.retry_after > policy.max_backoff) return RetryReason::kRetryAfter;
  if (!inputs.budget_has_retry) return RetryReason::kBudgetEmpty;
  if (IsFailing(policy, inputs.last_minute)) return RetryReason::kFailing;
  if (inputs.success_probability >= policy.min_success_probability.fraction()) {
    return RetryReason::kOk;
  }
  return Explores(policy, inputs.random_bits) ? RetryReason::kExploring : RetryReason::kUnlikely;
}

Share OutcomeMultiplier(const RetryPolicy& policy, const RetryInputs& inputs) {
  if (inputs.unsent) return policy.unsent_multiplier;
  if (inputs.outcome == Outcome::kTimeout) return policy.timeout_multiplier;
  if (inputs.outcome == Outcome::kRateLimited) return policy.rate_limit_multiplier;
  return Share::FromMillionths(Share::kOne);
}

Share PredictionMultiplier(const RetryPolicy& policy, double probability) {
  if (Predicts(policy) && probability > kLikelyAbove) return policy.likely_multiplier;
  if (Predicts(policy) && probability < kUnlikelyBelow) return policy.unlikely_multiplier;
  return Share::FromMillionths(Share::kOne);
}

absl::Duration WithJitter(absl::Duration whole, Share jitter, uint64_t random_bits) {
  constexpr int64_t kRange = int64_t{1} << 32;
  return whole - Times(whole, jitter) * static_cast<int64_t>(random_bits % kRange) / kRange;
}

absl::Duration Backoff(const RetryPolicy& policy, const RetryInputs& inputs) {
  const uint32_t retries = std::max(inputs.attempt, 1u) - 1;
  const absl::Duration grown =
      Grow(policy.base_backoff, policy.backoff_multiplier, retries, policy.max_backoff);
  const absl::Duration multiplied = Times(Times(grown, OutcomeMultiplier(policy, inputs)),
                                          PredictionMultiplier(policy, inputs.success_probability));
  return WithJitter(std::min(multiplied, policy.max_backoff), policy.jitter, inputs.random_bits);
}

}  // namespace

RetryAdvice Advise(const RetryPolicy& policy, const RetryInputs& inputs) {
  RetryAdvice advice{.reason = Judge(policy, inputs)};
  const absl::Duration asked =
      std::max({inputs.retry_after, inputs.open_for, absl::ZeroDuration()});
  switch (advice.reason) {
    case RetryReason::kOk:
    case RetryReason::kExploring:
      advice.permitted = true;
      advice.backoff = std::min(asked + Backoff(policy, inputs), policy.max_backoff);
      advice.next_timeout = Grow(policy.base_timeout, policy.timeout_growth,
                                 std::max(inputs.attempt, 1u), policy.max_timeout);
      break;
    case RetryReason::kOpen:
    case RetryReason::kRetryAfter:
      advice.backoff = asked;
      break;
    default:
      break;
  }
  return advice;
}

}  // namespace fusebox
