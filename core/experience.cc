#include "core/experience.h"

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
  if (retries_ == nullptr) retries_ = std::make_unique<Retries>(now);
  retries_->last_minute.Add({.calls = lesson.calls, .failures = failed ? lesson.calls : 0}, now);
  if (lesson.attempt <= 1) {
    retries_->estimate.LearnFirst(!failed, lesson.calls, now);
  } else if (lesson.previous_failure.has_value()) {
    retries_->estimate.LearnRetry(*lesson.previous_failure, lesson.attempt, !failed);
  }
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
