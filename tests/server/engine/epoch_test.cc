// Per breaker the epoch only grows, whatever happens to breaker and server.
#include <set>

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

class EpochTest : public EngineTest {
 protected:
  EpochTest() : EngineTest({.idle_ttl = absl::Minutes(1)}) {}
};

// A life is the upper part, a counter the lower one.
TEST(TransitionNumbersTest, EpochsStartWithTheLife) {
  TransitionNumbers numbers(7);
  EXPECT_EQ(numbers.life(), 7u);
  EXPECT_EQ(numbers.first_epoch(), uint64_t{7} << 20);
  uint64_t last = numbers.NextEpoch();
  EXPECT_GE(last, numbers.first_epoch());
  for (int i = 0; i < 1'000; ++i) {
    const uint64_t next = numbers.NextEpoch();
    EXPECT_GT(next, last);
    last = next;
  }
}

// A counter that overflows carries into the life and goes on growing.
TEST(TransitionNumbersTest, EpochsGrowBeyondTheCounter) {
  TransitionNumbers numbers(7);
  for (int i = 0; i < (1 << TransitionNumbers::kCounterBits); ++i) numbers.NextEpoch();
  EXPECT_EQ(numbers.NextEpoch(), uint64_t{8} << 20);
  EXPECT_EQ(numbers.life(), 7u);
}

// Transitions are numbered from 1 without gaps, so that readers notice what they miss.
TEST(TransitionNumbersTest, NumbersHaveNoGaps) {
  TransitionNumbers numbers(7);
  EXPECT_EQ(numbers.transitions(), 0u);
  for (uint64_t i = 1; i <= 100; ++i) EXPECT_EQ(numbers.NextNumber(), i);
  EXPECT_EQ(numbers.transitions(), 100u);
}

// Waits are spread by these: the same bits every time would spread nothing.
TEST(TransitionNumbersTest, RandomBitsDiffer) {
  TransitionNumbers numbers(7);
  std::set<uint64_t> bits;
  for (int i = 0; i < 100; ++i) bits.insert(numbers.RandomBits());
  EXPECT_EQ(bits.size(), 100u);
}

// Each transition takes a higher epoch.
TEST_F(EpochTest, GrowsWithEveryTransition) {
  uint64_t last = Allow().decision.epoch;
  for (int round = 0; round < 5; ++round) {
    HalfOpen();
    EXPECT_GT(Look().epoch, last);
    for (int i = 0; i < 2; ++i) Record(Granted(), Outcome::kSuccess);
    last = Look().epoch;
  }
  uint64_t before = 0;
  for (const Event& event : engine_.events().After(0, 100)) {
    EXPECT_GT(event.transition.epoch, before);
    before = event.transition.epoch;
  }
}

// A client that kept the old epoch must not take the new breaker for an old one.
TEST_F(EpochTest, GrowsOverEvictionAndRecreation) {
  uint64_t last = 0;
  for (int round = 0; round < 5; ++round) {
    const uint64_t epoch = Allow().decision.epoch;
    EXPECT_GT(epoch, last);
    HalfOpen();
    last = Look().epoch;
    Pass(absl::Minutes(2));
    Sweep();
    ASSERT_FALSE(Exists());
  }
}

// A restart begins above everything that the life before handed out.
TEST_F(EpochTest, GrowsOverARestart) {
  HalfOpen();
  Engine next({}, clock_, kLife + 1);
  const absl::StatusOr<AllowAnswer> answer = next.Allow(kOrders, {}, "");
  ASSERT_TRUE(answer.ok());
  EXPECT_GT(answer->decision.epoch, Look().epoch);
  EXPECT_EQ(next.life(), kLife + 1);
}

}  // namespace
}  // namespace fusebox
