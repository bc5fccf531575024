#include "core/experience.h"

#include <algorithm>

namespace fusebox {
namespace {

bool LearnsLatencies(const HedgePolicy& policy) { return policy.percentile.millionths() != 0; }

bool TeachesLatency(const HedgePolicy& policy, const Lesson& lesson) {
  return LearnsLatencies(policy) && lesson.latency.has_value() && IsSuccess(lesson.outcome);
}

}  // namespace

bool Experience::IsWorthIt(const Policy& policy, const Lesson& lesson) {
  return IsFailure(lesson.outcome) || TeachesLatency(policy.hedge, lesson);
}

void Experience::Learn(const Policy& policy, const Lesson& lesson, Tick now) {
  if (TeachesLatency(policy.hedge, lesson)) {
    if (!latencies_.has_value()) latencies_.emplace(now);
    latencies_->Add(*lesson.latency, lesson.calls, now);
  }
  if (retries_ != nullptr || IsFailure(lesson.outcome)) LearnRetries(lesson, now);
}

void Experience::LearnRetries(const Lesson& lesson, Tick now) {
  const bool failed = IsFailure(lesson.outcome);
  if (!failed && !IsSuccess(lesson.outcome)) return;
  EnsureRetries(now).last_minute.Add({.calls = lesson.calls, .failures = failed ? lesson.calls : 0},
                                     now);
  if (lesson.attempt <= 1) {
    retries_->estimate.LearnFirst(!failed, lesson.calls, now);
  } else if (lesson.previous_failure.has_value()) {
    retries_->estimate.LearnRetries(*lesson.previous_failure, lesson.attempt, failed ? 0 : 1,
                                    failed ? 1 : 0);
  }
}

Experience::Retries& Experience::EnsureRetries(Tick now) {
  if (retries_ == nullptr) retries_ = std::make_unique<Retries>(now);
  return *retries_;
}

bool Experience::IsWorthIt(const Policy& policy, const Tally& tally) {
  return tally.outcomes.Failed() > 0 ||
         (LearnsLatencies(policy.hedge) && !tally.latency_samples.empty());
}

void Experience::Learn(const Policy& policy, const Tally& tally, Tick now) {
  const size_t samples = tally.latency_samples.size();
  if (LearnsLatencies(policy.hedge) && samples > 0) {
    if (!latencies_.has_value()) latencies_.emplace(now);
    // Each stands for as many as there are for each.
    const auto each =
        static_cast<uint32_t>(std::max<size_t>(tally.outcomes.Succeeded() / samples, 1));
    for (const absl::Duration latency : tally.latency_samples) {
      latencies_->Add(latency, each, now);
    }
  }
  if (retries_ != nullptr || tally.outcomes.Failed() > 0) LearnRetries(tally, now);
}

void Experience::LearnRetries(const Tally& tally, Tick now) {
  Retries& known = EnsureRetries(now);
  known.last_minute.Add({.calls = tally.outcomes.Calls(), .failures = tally.outcomes.Failed()},
                        now);
  const auto learn_successes = [&] {
    known.estimate.LearnFirst(true, tally.FirstSuccesses(), now);
  };
  const auto learn_failures = [&] { known.estimate.LearnFirst(false, tally.FirstFailures(), now); };
  const bool ends_well = tally.outcomes.Succeeded() > 0 && tally.outcomes.trailing_failures == 0;
  ends_well ? learn_failures() : learn_successes();
  for (const Tally::Retries& kind : tally.retries) {
    known.estimate.LearnRetries(kind.previous, kind.attempt, kind.succeeded, kind.failed);
  }
  ends_well ? learn_successes() : learn_failures();
}

RetryAdvice Experience::Advise(const RetryPolicy& policy, RetryInputs inputs, Tick now) {
  if (retries_ != nullptr) inputs.last_minute = retries_->last_minute.Counts(now);
  if (IsFailure(inputs.outcome)) {
    inputs.success_probability = Probability(inputs.outcome, inputs.attempt + 1, now);
  }
  return fusebox::Advise(policy, inputs);
}

double Experience::Probability(Outcome previous, uint32_t attempt, Tick now) const {
  return retries_ == nullptr ? RetryEstimate().Probability(previous, attempt, now)
                             : retries_->estimate.Probability(previous, attempt, now);
}

std::vector<Experience::Estimate> Experience::Estimates(Tick now) const {
  std::vector<Estimate> estimates;
  if (retries_ == nullptr) return estimates;
  for (const Outcome previous : {Outcome::kFailure, Outcome::kTimeout, Outcome::kRateLimited}) {
    for (const uint32_t attempt : {2u, 3u, 4u}) {
      estimates.push_back({previous, attempt, Probability(previous, attempt, now)});
    }
  }
  return estimates;
}

bool Experience::Trim(const Policy& policy, Tick now) {
  bool trimmed = false;
  if (retries_ != nullptr && retries_->estimate.IsBlank(now) &&
      retries_->last_minute.Counts(now).calls == 0) {
    retries_.reset();
    trimmed = true;
  }
  const bool is_asked_for = LearnsLatencies(policy.hedge);
  if (latencies_.has_value() && (!is_asked_for || latencies_->Count(now) == 0)) {
    latencies_.reset();
    trimmed = true;
  }
  return trimmed;
}

}  // namespace fusebox
