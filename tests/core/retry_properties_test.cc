// Random policies and histories: what advice and estimate promise, whatever happens.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <vector>

#include "core/retry_advice.h"
#include "core/retry_estimate.h"

namespace fusebox {
namespace {

absl::Duration DrawDuration(absl::Duration least, absl::Duration most) {
  return absl::Milliseconds(*rc::gen::inRange<int64_t>(absl::ToInt64Milliseconds(least),
                                                       absl::ToInt64Milliseconds(most) + 1));
}

Share DrawShare(int64_t least, int64_t most) {
  return Share::FromMillionths(*rc::gen::inRange<int64_t>(least, most + 1));
}

Outcome DrawOutcome() { return static_cast<Outcome>(*rc::gen::inRange(0, 6)); }
Outcome DrawFailure() {
  return *rc::gen::element(Outcome::kFailure, Outcome::kTimeout, Outcome::kRateLimited);
}

// Any valid one.
RetryPolicy DrawPolicy() {
  RetryPolicy policy;
  const absl::Duration ms = absl::Milliseconds(1), hour = absl::Hours(1);
  policy.max_attempts = *rc::gen::inRange<uint32_t>(1, 101);
  policy.base_backoff = DrawDuration(ms, *rc::gen::element(10 * ms, 1'000 * ms, hour));
  policy.max_backoff = DrawDuration(policy.base_backoff, hour);
  policy.backoff_multiplier = DrawShare(Share::kOne, 10 * Share::kOne);
  policy.jitter = DrawShare(0, Share::kOne);
  for (Share* const multiplier :
       {&policy.timeout_multiplier, &policy.rate_limit_multiplier, &policy.unsent_multiplier,
        &policy.likely_multiplier, &policy.unlikely_multiplier}) {
    *multiplier = DrawShare(0, 100 * Share::kOne);
  }
  for (Share* const share :
       {&policy.failure_rate_limit, &policy.min_success_probability, &policy.explore_share}) {
    *share = DrawShare(0, Share::kOne);
  }
  policy.base_timeout = DrawDuration(absl::ZeroDuration(), hour);
  policy.max_timeout = DrawDuration(std::max(policy.base_timeout, ms), hour);
  policy.timeout_growth = DrawShare(Share::kOne, 10 * Share::kOne);
  RC_ASSERT(Validate(policy, "retry.").empty());
  return policy;
}

RetryInputs DrawInputs() {
  RetryInputs inputs;
  inputs.outcome = DrawOutcome();
  inputs.unsent = *rc::gen::arbitrary<bool>();
  inputs.attempt = *rc::gen::inRange<uint32_t>(0, 110);
  inputs.retry_after = *rc::gen::element(absl::ZeroDuration(), absl::Seconds(-1), absl::Seconds(1),
                                         absl::Hours(2), absl::InfiniteDuration());
  inputs.open_for = *rc::gen::element(absl::ZeroDuration(), absl::Milliseconds(100),
                                      absl::Seconds(30), absl::Hours(24));
  inputs.budget_has_retry = *rc::gen::weightedElement<bool>({{9, true}, {1, false}});
  inputs.last_minute.calls = *rc::gen::inRange<uint32_t>(0, 1'000);
  inputs.last_minute.failures = *rc::gen::inRange<uint32_t>(0, inputs.last_minute.calls + 1);
  inputs.success_probability = *rc::gen::inRange(0, 1'001) / 1'000.0;
  inputs.random_bits = *rc::gen::arbitrary<uint64_t>();
  return inputs;
}

// Nobody waits longer than the policy says, or comes back before it was asked to.
RC_GTEST_PROP(RetryAdviceProperties, BackoffIsBetweenWhatWasAskedForAndTheMaximum, ()) {
  const RetryPolicy policy = DrawPolicy();
  const RetryInputs inputs = DrawInputs();
  const RetryAdvice advice = Advise(policy, inputs);
  RC_ASSERT(advice.backoff >= absl::ZeroDuration());
  if (!advice.permitted) return;
  RC_ASSERT(advice.backoff <= policy.max_backoff);
  RC_ASSERT(advice.backoff >= inputs.retry_after);
  RC_ASSERT(advice.backoff >= inputs.open_for);
}

RC_GTEST_PROP(RetryAdviceProperties, OnlyWhatIsPermittedHasATimeout, ()) {
  const RetryPolicy policy = DrawPolicy();
  const RetryAdvice advice = Advise(policy, DrawInputs());
  const bool offered = policy.base_timeout > absl::ZeroDuration();
  RC_ASSERT((advice.next_timeout > absl::ZeroDuration()) == (advice.permitted && offered));
  RC_ASSERT(advice.next_timeout <= policy.max_timeout);
}

RC_GTEST_PROP(RetryAdviceProperties, PermittedIsOkOrExploring, ()) {
  const RetryAdvice advice = Advise(DrawPolicy(), DrawInputs());
  RC_ASSERT(advice.permitted ==
            (advice.reason == RetryReason::kOk || advice.reason == RetryReason::kExploring));
}

// The low half draws the jitter and the high half who explores: neither touches the other.
RC_GTEST_PROP(RetryAdviceProperties, JitterDoesNotSayWhoIsPermitted, ()) {
  const RetryPolicy policy = DrawPolicy();
  RetryInputs inputs = DrawInputs();
  const RetryAdvice before = Advise(policy, inputs);
  inputs.random_bits ^= *rc::gen::arbitrary<uint32_t>();
  RC_ASSERT(Advise(policy, inputs).reason == before.reason);
}

// Something that an estimate learns.
struct Lesson {
  int64_t after_ms = 0;
  uint32_t attempt = 1;  // 1: a first one.
  Outcome previous = Outcome::kFailure;
  uint32_t calls = 1;
  bool success = false;
};

std::vector<Lesson> DrawLessons(uint32_t max_attempt) {
  std::vector<Lesson> lessons(*rc::gen::inRange<size_t>(1, 200));
  for (Lesson& lesson : lessons) {
    lesson.after_ms = *rc::gen::elementOf(std::vector<int64_t>{0, 1, 33, 100, 5'000, 300'000});
    lesson.attempt = *rc::gen::inRange<uint32_t>(1, max_attempt + 1);
    lesson.previous = DrawFailure();
    lesson.calls = *rc::gen::elementOf(std::vector<uint32_t>{1, 1, 1, 20, 1'000'000});
    lesson.success = *rc::gen::arbitrary<bool>();
  }
  return lessons;
}

// An estimate that was taught, and what it then says.
class Pupil {
 public:
  explicit Pupil(const std::vector<Lesson>& lessons) {
    for (const Lesson& lesson : lessons) {
      now_ += absl::Milliseconds(lesson.after_ms);
      if (lesson.attempt == 1) {
        estimate_.LearnFirst(lesson.success, lesson.calls, now_);
      } else {
        estimate_.LearnRetries(lesson.previous, lesson.attempt, lesson.success ? 1 : 0,
                               lesson.success ? 0 : 1);
      }
    }
  }

  double Says(Outcome previous, uint32_t attempt) const {
    return estimate_.Probability(previous, attempt, now_);
  }

 private:
  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  RetryEstimate estimate_;
};

RC_GTEST_PROP(RetryEstimateProperties, IsAProbabilityAndNeverCertain, ()) {
  const Pupil pupil(DrawLessons(5));
  for (const Outcome previous : {Outcome::kFailure, Outcome::kTimeout, Outcome::kRateLimited}) {
    for (const uint32_t attempt : {2, 3, 4, 100}) {
      const double probability = pupil.Says(previous, attempt);
      RC_ASSERT(probability > 0);
      RC_ASSERT(probability < 1);
    }
  }
}

// One retry more that succeeded instead of failing never makes retries of its kind less likely.
RC_GTEST_PROP(RetryEstimateProperties, IsMonotoneInRetries, ()) {
  std::vector<Lesson> lessons = DrawLessons(5);
  Lesson& changed = lessons[*rc::gen::inRange<size_t>(0, lessons.size())];
  changed.attempt = std::max(changed.attempt, 2u);
  changed.success = false;
  const Pupil before(lessons);
  changed.success = true;
  const Pupil after(lessons);
  const double more = after.Says(changed.previous, changed.attempt);
  RC_ASSERT(more >= before.Says(changed.previous, changed.attempt) * (1 - 1e-12));
}

// And what happens to one kind says nothing about the others.
RC_GTEST_PROP(RetryEstimateProperties, KindsDoNotTouchEachOther, ()) {
  std::vector<Lesson> lessons = DrawLessons(3);
  const Pupil before(lessons);
  for (Lesson& lesson : lessons) {
    if (lesson.attempt == 2 && lesson.previous == Outcome::kTimeout) lesson.success = true;
  }
  const Pupil after(lessons);
  RC_ASSERT(before.Says(Outcome::kTimeout, 3) == after.Says(Outcome::kTimeout, 3));
  RC_ASSERT(before.Says(Outcome::kFailure, 2) == after.Says(Outcome::kFailure, 2));
}

// Where no retry was made, more first attempts that succeed make success no less likely.
RC_GTEST_PROP(RetryEstimateProperties, IsMonotoneInFirstAttempts, ()) {
  std::vector<Lesson> lessons = DrawLessons(1);
  const Pupil before(lessons);
  Lesson& changed = lessons[*rc::gen::inRange<size_t>(0, lessons.size())];
  changed.success = true;
  const Pupil after(lessons);
  RC_ASSERT(after.Says(Outcome::kFailure, 2) >= before.Says(Outcome::kFailure, 2) * (1 - 1e-12));
}

}  // namespace
}  // namespace fusebox
