// Random traffic against a rate limit: the promises of its header, with no tolerance. Each run
// prints its seed; RC_PARAMS="seed=..." tells the same stories again.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <vector>

#include "absl/numeric/int128.h"
#include "core/rate_limit.h"

namespace fusebox {
namespace {

uint32_t BurstOf(const RateLimitPolicy& policy) {
  return policy.burst == 0 ? policy.rate : policy.burst;
}

RateLimitPolicy DrawPolicy() {
  return {
      .rate = *rc::gen::element<uint32_t>(1, 2, 3, 7, 10, 997),
      .per = *rc::gen::element<absl::Duration>(absl::Milliseconds(1), absl::Seconds(1),
                                               absl::Nanoseconds(1'000'000'007), absl::Minutes(1)),
      .burst = *rc::gen::element<uint32_t>(0, 1, 2, 3, 10)};
}

// Of the size of what it takes a token to come back, so that buckets are full, empty and between.
absl::Duration DrawPause(const RateLimitPolicy& policy) {
  const int64_t interval = absl::ToInt64Nanoseconds(policy.per) / policy.rate;
  return absl::Nanoseconds(*rc::gen::element<int64_t>(0, 0, 0, 1, interval / 10, interval / 2,
                                                      interval - 1, interval, interval + 1,
                                                      interval * *rc::gen::inRange(1, 12)));
}

// Callers that keep what they took, and may give it back whenever they like.
class Callers {
 public:
  explicit Callers(const RateLimitPolicy& policy) : policy_(policy) {}

  void Take() {
    if (!limit_.TryTake(policy_, now_).taken) return;
    taken_.push_back(now_);
    CheckTheBound();
  }
  void Pause(absl::Duration pause) { now_ += pause; }
  void GiveBack(size_t which) {
    if (taken_.empty()) return;
    const auto one = taken_.begin() + static_cast<std::ptrdiff_t>(which % taken_.size());
    limit_.GiveBack(policy_, *one);
    taken_.erase(one);
  }

  // A bucket of which only was taken what has not been given back.
  RateLimit AsIfNeverTaken() const {
    RateLimit fresh(policy_, start_);
    for (const Tick tick : taken_) RC_ASSERT(fresh.TryTake(policy_, tick).taken);
    return fresh;
  }

  const RateLimitPolicy& policy() const { return policy_; }
  const RateLimit& limit() const { return limit_; }
  Tick now() const { return now_; }

 private:
  // Over every stretch of time that ends with the newest call.
  void CheckTheBound() const {
    const absl::int128 per = absl::ToInt64Nanoseconds(policy_.per);
    absl::int128 calls = taken_.size();
    bool within = true;
    for (const Tick first : taken_) {
      const absl::int128 length = now_.nanos() - first.nanos();
      within = within && (calls - BurstOf(policy_)) * per <= length * policy_.rate;
      calls -= 1;
    }
    RC_ASSERT(within);
  }

  const RateLimitPolicy policy_;
  const Tick start_ = Tick::FromNanos(123'456'789);
  Tick now_ = start_;
  RateLimit limit_{policy_, start_};
  std::vector<Tick> taken_;
};

constexpr int kSteps = 100;

void LiveThrough(Callers& callers) {
  for (int i = 0; i < kSteps; ++i) {
    switch (*rc::gen::inRange(0, 8)) {
      case 0:
      case 1:
        callers.Pause(DrawPause(callers.policy()));
        break;
      case 2:
        callers.GiveBack(*rc::gen::inRange<size_t>(0, 1'000));
        break;
      default:
        callers.Take();
    }
  }
}

// The promise, whatever is given back and when: it is made for calls, and those were not made.
RC_GTEST_PROP(RateLimitProperties, NoStretchOfTimeGrantsMoreThanBurstPlusRateTimesItsLength, ()) {
  Callers callers(DrawPolicy());
  LiveThrough(callers);
}

// To give back is never to give more than was taken.
RC_GTEST_PROP(RateLimitProperties, GivingBackNeverMakesTokens, ()) {
  Callers callers(DrawPolicy());
  LiveThrough(callers);
  const RateLimit without = callers.AsIfNeverTaken();
  for (uint32_t ahead = 0; ahead < 20; ++ahead) {
    RC_ASSERT(callers.limit().Wait(callers.policy(), ahead, callers.now()) >=
              without.Wait(callers.policy(), ahead, callers.now()));
  }
}

// A bucket that is in use is nowhere near full, and there every token comes back whole.
RC_GTEST_PROP(RateLimitProperties, WhileItIsBusyEveryGiveBackIsExact, ()) {
  RateLimitPolicy policy = DrawPolicy();
  policy.burst = 4'000;
  Callers callers(policy);
  for (int i = 0; i < 2'000; ++i) callers.Take();
  callers.Pause(absl::Nanoseconds(1));
  LiveThrough(callers);
  RC_PRE(callers.limit().Available(policy, callers.now()) < 3'000);
  const RateLimit without = callers.AsIfNeverTaken();
  for (const uint32_t ahead : {4'000u, 4'001u, 20'000u}) {
    RC_ASSERT(callers.limit().Wait(policy, ahead, callers.now()) ==
              without.Wait(policy, ahead, callers.now()));
  }
}

// As each part of a breaker does it: take, be refused by the next, and give back.
RC_GTEST_PROP(RateLimitProperties, ATokenGivenBackAtOnceLeavesNoTrace, ()) {
  const RateLimitPolicy policy = DrawPolicy();
  Tick now;
  RateLimit plain(policy, now), fidgety(policy, now);
  for (int i = 0; i < kSteps; ++i) {
    now += DrawPause(policy);
    for (int n = *rc::gen::inRange(0, 3); n > 0; --n) {
      if (fidgety.TryTake(policy, now).taken) fidgety.GiveBack(policy, now);
    }
    const RateLimit::Answer one = plain.TryTake(policy, now), other = fidgety.TryTake(policy, now);
    RC_ASSERT(one.taken == other.taken);
    RC_ASSERT(one.retry_after == other.retry_after);
    RC_ASSERT(plain.granted() == fidgety.granted());
    RC_ASSERT(plain.Available(policy, now) == fidgety.Available(policy, now));
  }
}

// Who is told to wait is let in then, and not a nanosecond before.
RC_GTEST_PROP(RateLimitProperties, RetryAfterIsExact, ()) {
  Callers callers(DrawPolicy());
  LiveThrough(callers);
  RateLimit limit = callers.limit();
  Tick now = callers.now();
  RateLimit::Answer answer;
  do {
    answer = limit.TryTake(callers.policy(), now);
  } while (answer.taken);
  now += answer.retry_after - absl::Nanoseconds(1);
  RC_ASSERT(!limit.TryTake(callers.policy(), now).taken);
  now += absl::Nanoseconds(1);
  RC_ASSERT(limit.TryTake(callers.policy(), now).taken);
}

}  // namespace
}  // namespace fusebox
