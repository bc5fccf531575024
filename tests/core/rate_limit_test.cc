#include "core/rate_limit.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace fusebox {
namespace {

constexpr auto kNs = [] { return absl::Nanoseconds(1); };

class RateLimitTest : public ::testing::Test {
 protected:
  static RateLimitPolicy Numbers(uint32_t rate, absl::Duration per, uint32_t burst = 0) {
    return {.rate = rate, .per = per, .burst = burst};
  }

  // Takes until it is refused.
  uint32_t Drain(RateLimit& limit, const RateLimitPolicy& policy) {
    uint32_t taken = 0;
    while (limit.TryTake(policy, now_).taken) ++taken;
    return taken;
  }

  // How many calls pass until `end`, made as soon as they are allowed to be.
  uint64_t TakeAllUntil(RateLimit& limit, const RateLimitPolicy& policy, Tick end) {
    uint64_t taken = 0;
    for (RateLimit::Answer answer; now_ <= end; now_ += answer.retry_after) {
      answer = limit.TryTake(policy, now_);
      taken += answer.taken;
    }
    return taken;
  }

  // Everything that can be seen of it, to the nanosecond.
  static std::vector<absl::Duration> Waits(const RateLimit& limit, const RateLimitPolicy& policy,
                                           Tick now) {
    std::vector<absl::Duration> waits;
    for (uint32_t ahead = 0; ahead < 40; ++ahead) waits.push_back(limit.Wait(policy, ahead, now));
    return waits;
  }

  Tick now_ = Tick::FromNanos(1'000'000'000'001);
};

// The bucket is full at first: ten at once, and the next in a tenth of a second.
TEST_F(RateLimitTest, GrantsABurstAndThenTheRate) {
  const RateLimitPolicy policy = Numbers(10, absl::Seconds(1));
  RateLimit limit(policy, now_);
  EXPECT_EQ(Drain(limit, policy), 10u);
  EXPECT_EQ(limit.TryTake(policy, now_).retry_after, absl::Milliseconds(100));
  now_ += absl::Milliseconds(350);
  EXPECT_EQ(Drain(limit, policy), 3u);
  EXPECT_EQ(limit.TryTake(policy, now_).retry_after, absl::Milliseconds(50));
  EXPECT_EQ(limit.granted(), 13u);
  EXPECT_EQ(limit.refused(), 4u);
}

// One number is enough to set a limit.
TEST_F(RateLimitTest, TheBurstIsTheRateUnlessGiven) {
  for (const uint32_t burst : {1u, 2u, 7u, 1'000u}) {
    const RateLimitPolicy policy = Numbers(7, absl::Minutes(1), burst);
    RateLimit limit(policy, now_);
    EXPECT_EQ(Drain(limit, policy), burst);
  }
  const RateLimitPolicy policy = Numbers(7, absl::Minutes(1));
  RateLimit limit(policy, now_);
  EXPECT_EQ(Drain(limit, policy), 7u);
}

// A third of a second is no whole number of nanoseconds, and a thousand of them must not be short.
TEST_F(RateLimitTest, LosesNothingToRounding) {
  const std::vector<RateLimitPolicy> policies = {
      Numbers(3, absl::Seconds(1)),        Numbers(7, absl::Minutes(1)),
      Numbers(11, absl::Hours(1), 2),      Numbers(999'983, absl::Seconds(1), 2),
      Numbers(13, absl::Milliseconds(17)), Numbers(1'000, absl::Nanoseconds(1'000'003), 3),
  };
  for (const RateLimitPolicy& policy : policies) {
    constexpr int kPeriods = 7;
    RateLimit limit(policy, now_);
    const uint64_t burst = Drain(limit, policy);
    const Tick end = now_ + kPeriods * policy.per;
    EXPECT_EQ(TakeAllUntil(limit, policy, end), uint64_t{kPeriods} * policy.rate)
        << policy.rate << " with " << burst;
  }
}

// With a burst of 1 no two calls are nearer than the interval, so they keep whole nanoseconds
// apart.
TEST_F(RateLimitTest, ABurstOfOneSpacesCalls) {
  const RateLimitPolicy policy = Numbers(3, absl::Seconds(1), 1);
  RateLimit limit(policy, now_);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(limit.TryTake(policy, now_).taken);
    const absl::Duration wait = limit.TryTake(policy, now_).retry_after;
    EXPECT_EQ(wait, absl::Nanoseconds(333'333'334));
    now_ += wait;
  }
}

// Who comes back when told is let in; a nanosecond sooner is too soon.
TEST_F(RateLimitTest, RetryAfterIsExact) {
  for (const uint32_t rate : {1u, 3u, 7u, 10u, 999'999u}) {
    const RateLimitPolicy policy = Numbers(rate, absl::Seconds(1), 5);
    RateLimit limit(policy, now_);
    for (int i = 0; i < 50; ++i) {
      Drain(limit, policy);
      const absl::Duration wait = limit.TryTake(policy, now_).retry_after;
      ASSERT_GT(wait, absl::ZeroDuration());
      now_ += wait - kNs();
      EXPECT_FALSE(limit.TryTake(policy, now_).taken) << rate;
      now_ += kNs();
      EXPECT_TRUE(limit.TryTake(policy, now_).taken) << rate;
    }
  }
}

// Else callers that do not wait would keep everybody out.
TEST_F(RateLimitTest, ARefusalCostsNothing) {
  const RateLimitPolicy policy = Numbers(1, absl::Seconds(1));
  RateLimit limit(policy, now_);
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  for (int i = 0; i < 999; ++i) {
    now_ += absl::Milliseconds(1);
    ASSERT_FALSE(limit.TryTake(policy, now_).taken);
  }
  now_ += absl::Milliseconds(1);
  EXPECT_TRUE(limit.TryTake(policy, now_).taken);
}

// A quiet night is no licence for a morning of calls.
TEST_F(RateLimitTest, SavesNoMoreThanTheBurst) {
  const RateLimitPolicy policy = Numbers(5, absl::Seconds(1), 8);
  RateLimit limit(policy, now_);
  for (const absl::Duration idle : {absl::Seconds(2), absl::Hours(10), absl::Hours(100'000)}) {
    EXPECT_EQ(Drain(limit, policy), 8u);
    now_ += idle;
    EXPECT_EQ(limit.Available(policy, now_), 8u);
  }
}

// What a status page shows.
TEST_F(RateLimitTest, TellsHowManyAreAvailable) {
  const RateLimitPolicy policy = Numbers(3, absl::Seconds(1), 4);
  RateLimit limit(policy, now_);
  for (uint32_t left = 4; left > 0; --left) {
    EXPECT_EQ(limit.Available(policy, now_), left);
    limit.TryTake(policy, now_);
  }
  EXPECT_EQ(limit.Available(policy, now_), 0u);
  EXPECT_EQ(limit.Available(policy, now_ + absl::Nanoseconds(333'333'333)), 0u);
  EXPECT_EQ(limit.Available(policy, now_ + absl::Nanoseconds(333'333'334)), 1u);
  EXPECT_EQ(limit.Available(policy, now_ + absl::Seconds(1)), 3u);
}

// A later part refused the call: nothing of it may be left.
TEST_F(RateLimitTest, GivesBackAtOnceWithoutATrace) {
  const RateLimitPolicy policy = Numbers(3, absl::Seconds(1), 20);
  RateLimit limit(policy, now_);
  for (int i = 0; i < 20; ++i) {
    const std::vector<absl::Duration> before = Waits(limit, policy, now_);
    ASSERT_TRUE(limit.TryTake(policy, now_).taken);
    limit.GiveBack(policy, now_);
    EXPECT_EQ(Waits(limit, policy, now_), before) << i;
    limit.TryTake(policy, now_);
    now_ += absl::Milliseconds(50);
  }
  EXPECT_EQ(limit.granted(), 20u);
}

// Others may take between: a shared retry budget is asked outside of the breaker's lock.
TEST_F(RateLimitTest, GivesBackExactlyBehindOthers) {
  const RateLimitPolicy policy = Numbers(7, absl::Seconds(1), 100);
  RateLimit limit(policy, now_), without(policy, now_);
  for (int i = 0; i < 50; ++i) {
    limit.TryTake(policy, now_);
    without.TryTake(policy, now_);
  }
  std::vector<Tick> taken;
  for (int i = 0; i < 20; ++i) {
    now_ += absl::Microseconds(333);
    ASSERT_TRUE(limit.TryTake(policy, now_).taken);
    taken.push_back(now_);
    ASSERT_TRUE(limit.TryTake(policy, now_ += kNs()).taken);
    ASSERT_TRUE(without.TryTake(policy, now_).taken);
  }
  for (const size_t i : {3, 19, 0, 7, 1, 18, 2, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}) {
    limit.GiveBack(policy, taken[i]);
  }
  EXPECT_EQ(Waits(limit, policy, now_), Waits(without, policy, now_));
  EXPECT_EQ(limit.granted(), without.granted());
}

// A bucket that was full since has forgotten the token; to give it back were to give it twice.
TEST_F(RateLimitTest, DoesNotGiveTwiceWhatCameBackByItself) {
  const RateLimitPolicy policy = Numbers(1, absl::Seconds(1), 3);
  RateLimit limit(policy, now_);
  const Tick taken = now_;
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  now_ += absl::Seconds(10);
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  limit.GiveBack(policy, taken);
  EXPECT_EQ(limit.Available(policy, now_), 2u);
  EXPECT_EQ(limit.granted(), 1u);
}

// Nobody took since, so nothing is in doubt: what had not come back by itself does now.
TEST_F(RateLimitTest, GivesBackThePartThatHadNotComeBack) {
  const RateLimitPolicy policy = Numbers(1, absl::Seconds(1), 3);
  RateLimit limit(policy, now_);
  const Tick taken = now_;
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  now_ += absl::Milliseconds(400);
  ASSERT_EQ(limit.Available(policy, now_), 2u);
  limit.GiveBack(policy, taken);
  EXPECT_EQ(Drain(limit, policy), 3u);
  EXPECT_EQ(limit.TryTake(policy, now_).retry_after, absl::Seconds(1));
}

// Two tokens out at once, each of which kept the bucket from being full for the other: given back
// one after the other they must not both count as if they had been alone.
TEST_F(RateLimitTest, GivingBackManyNeverGivesMoreThanWasTaken) {
  const RateLimitPolicy policy = Numbers(1, absl::Seconds(1), 3);
  RateLimit limit(policy, now_);
  const Tick taken = now_;
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  now_ += absl::Milliseconds(500);
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  limit.GiveBack(policy, taken);
  limit.GiveBack(policy, taken);
  EXPECT_EQ(limit.Available(policy, now_), 1u);  // Alone, that one would have left two.
  now_ += absl::Milliseconds(500);
  EXPECT_EQ(limit.Available(policy, now_), 2u);
}

// A call that came and went at once says nothing about those that are still in doubt.
TEST_F(RateLimitTest, ATokenGivenBackAtOnceSpoilsNoOther) {
  const RateLimitPolicy policy = Numbers(1, absl::Seconds(1), 5);
  RateLimit limit(policy, now_);
  const Tick taken = now_;
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  now_ += absl::Milliseconds(500);
  ASSERT_TRUE(limit.TryTake(policy, now_).taken);
  limit.GiveBack(policy, now_);
  limit.GiveBack(policy, taken);
  EXPECT_EQ(limit.Available(policy, now_), 4u);
}

// How long the last of a queue will wait, so that who cannot wait so long is told at once.
TEST_F(RateLimitTest, WaitCountsThoseAhead) {
  const RateLimitPolicy policy = Numbers(4, absl::Seconds(1));
  RateLimit limit(policy, now_);
  limit.TryTake(policy, now_);
  EXPECT_EQ(limit.Wait(policy, 0, now_), absl::ZeroDuration());
  EXPECT_EQ(limit.Wait(policy, 2, now_), absl::ZeroDuration());
  EXPECT_EQ(limit.Wait(policy, 3, now_), absl::Milliseconds(250));
  EXPECT_EQ(limit.Wait(policy, 13, now_), absl::Milliseconds(2'750));
  EXPECT_EQ(limit.Wait(policy, 13, now_ + absl::Milliseconds(200)), absl::Milliseconds(2'550));
}

// And it is no estimate: calls that go one by one, each as soon as it can, go then.
TEST_F(RateLimitTest, AQueueMovesAsWaitSaid) {
  const RateLimitPolicy policy = Numbers(7, absl::Seconds(1), 2);
  RateLimit limit(policy, now_);
  Drain(limit, policy);
  const std::vector<absl::Duration> promised = Waits(limit, policy, now_);
  const Tick start = now_;
  for (const absl::Duration wait : promised) {
    now_ += limit.Wait(policy, 0, now_);
    ASSERT_TRUE(limit.TryTake(policy, now_).taken);
    EXPECT_EQ(now_ - start, wait);
  }
}

// Half of the old burst is spent, so half of the new one is.
TEST_F(RateLimitTest, AChangedPolicyKeepsTheShareThatIsSpent) {
  const RateLimitPolicy before = Numbers(10, absl::Seconds(1));
  for (const RateLimitPolicy& after : {Numbers(100, absl::Seconds(1)), Numbers(4, absl::Minutes(1)),
                                       Numbers(1, kNs() * 1'000'003, 30)}) {
    RateLimit limit(before, now_);
    for (int i = 0; i < 5; ++i) limit.TryTake(before, now_);
    limit.ChangePolicy(before, after, now_);
    EXPECT_EQ(limit.Available(after, now_), (after.burst == 0 ? after.rate : after.burst) / 2);
    EXPECT_EQ(limit.granted(), 5u);
  }
}

// Rounded, if at all, to the side of the dependency.
TEST_F(RateLimitTest, AChangedPolicyDoesNotMakeTokens) {
  const RateLimitPolicy before = Numbers(3, absl::Seconds(1)),
                        after = Numbers(10, absl::Seconds(1));
  RateLimit limit(before, now_);
  limit.TryTake(before, now_);
  limit.ChangePolicy(before, after, now_);
  EXPECT_EQ(limit.Available(after, now_), 6u);
  limit.ChangePolicy(after, before, now_);
  EXPECT_EQ(limit.Available(before, now_), 1u);
  EXPECT_EQ(limit.Wait(before, 1, now_), kNs());
}

// A default that is written out is no other number.
TEST_F(RateLimitTest, TheSameNumbersChangeNothing) {
  const RateLimitPolicy before = Numbers(3, absl::Seconds(1));
  const RateLimitPolicy after = Numbers(3, absl::Seconds(1), 3);
  RateLimit limit(before, now_);
  const Tick taken = now_;
  limit.TryTake(before, now_);
  now_ += absl::Milliseconds(100);
  const std::vector<absl::Duration> waits = Waits(limit, before, now_);
  limit.ChangePolicy(before, after, now_);
  EXPECT_EQ(Waits(limit, after, now_), waits);
  limit.GiveBack(after, taken);
  EXPECT_EQ(Drain(limit, after), 3u);
}

// What a token of the old numbers is worth under the new ones, nobody can say.
TEST_F(RateLimitTest, DoesNotGiveBackWhatWasTakenUnderOtherNumbers) {
  const RateLimitPolicy before = Numbers(2, absl::Seconds(1)), after = Numbers(4, absl::Seconds(1));
  RateLimit limit(before, now_);
  const Tick taken = now_;
  limit.TryTake(before, now_);
  now_ += kNs();
  limit.ChangePolicy(before, after, now_);
  limit.GiveBack(after, taken);
  EXPECT_EQ(limit.Available(after, now_), 2u);
  EXPECT_EQ(limit.granted(), 0u);
}

// The largest numbers, at the end of time: nothing wraps around.
TEST_F(RateLimitTest, DoesNotOverflow) {
  const RateLimitPolicy huge = Numbers(1'000'000, absl::Hours(1), 1'000'000);
  const RateLimitPolicy slow = Numbers(1, absl::Hours(1), 1'000'000);
  for (const Tick now : {Tick(), Tick::FromNanos(std::numeric_limits<int64_t>::max() - 1)}) {
    now_ = now;
    RateLimit limit(huge, now_);
    EXPECT_EQ(Drain(limit, huge), 1'000'000u);
    EXPECT_EQ(limit.TryTake(huge, now_).retry_after, absl::Microseconds(3'600));
    limit.ChangePolicy(huge, slow, now_);
    EXPECT_EQ(limit.TryTake(slow, now_).retry_after, absl::Hours(1));
    EXPECT_EQ(limit.Wait(slow, 100'000, now_), absl::Hours(100'001));
    EXPECT_GT(limit.Wait(slow, 4'000'000'000, now_), absl::Hours(1'000'000));
  }
}

// Nor in what is remembered of what was spent.
TEST_F(RateLimitTest, GivesBackOutOfTheLargestBucket) {
  const RateLimitPolicy slow = Numbers(1, absl::Hours(1), 1'000'000);
  RateLimit limit(slow, now_);
  const Tick first = now_;
  for (int i = 1; i < 1'000'000; ++i) ASSERT_TRUE(limit.TryTake(slow, now_).taken);
  now_ += absl::Nanoseconds(1);
  ASSERT_TRUE(limit.TryTake(slow, now_).taken);
  EXPECT_EQ(limit.Available(slow, now_), 0u);
  limit.GiveBack(slow, first);
  EXPECT_EQ(limit.Available(slow, now_), 1u);
  limit.GiveBack(slow, now_);
  EXPECT_EQ(limit.Available(slow, now_), 2u);
  EXPECT_EQ(limit.granted(), 999'998u);
}

// Only one that never did anything may be forgotten: its totals are shown.
TEST_F(RateLimitTest, IsBlankUntilUsed) {
  const RateLimitPolicy policy = Numbers(2, absl::Seconds(1));
  RateLimit limit(policy, now_);
  EXPECT_TRUE(limit.IsBlank(policy, now_));
  limit.TryTake(policy, now_);
  EXPECT_FALSE(limit.IsBlank(policy, now_));
  limit.GiveBack(policy, now_);
  EXPECT_TRUE(limit.IsBlank(policy, now_));
  limit.TryTake(policy, now_);
  EXPECT_FALSE(limit.IsBlank(policy, now_ + absl::Hours(1)));
}

}  // namespace
}  // namespace fusebox
