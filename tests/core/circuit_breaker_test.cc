// The circuit breaker by itself: what its owner must be able to rely on.
#include "core/circuit_breaker.h"

#include <gtest/gtest.h>

#include "testing/fake_transition_source.h"

namespace fusebox {
namespace {

using Seen = ReplayFilter::Seen;

class CircuitBreakerTest : public ::testing::Test {
 protected:
  void Advance() { breaker_.Advance(policy_, now_, source_, transitions_); }
  Counted Observe(Outcome outcome, uint32_t calls = 1) {
    return breaker_.Observe(policy_, calls, {.outcome = outcome}, now_, source_, transitions_);
  }
  Counted Record(uint64_t permit, Outcome outcome) {
    return breaker_.Record(policy_, permit, {.outcome = outcome}, now_, source_, transitions_);
  }
  void HalfOpen() {
    Observe(Outcome::kFailure, 5);
    now_ = breaker_.open_until();
    Advance();
    ASSERT_EQ(breaker_.state(), State::kHalfOpen);
  }

  CircuitBreakerPolicy policy_;
  Tick now_ = Tick::FromNanos(1'000'000'000'000);
  FakeTransitionSource source_;
  Transitions transitions_;
  CircuitBreaker breaker_{7, now_};
};

// A new breaker is closed, knows nothing and waits for nothing.
TEST_F(CircuitBreakerTest, StartsClosedInTheGivenEpoch) {
  EXPECT_EQ(breaker_.state(), State::kClosed);
  EXPECT_EQ(breaker_.epoch(), 7u);
  EXPECT_EQ(breaker_.NextDeadline(), Tick::Max());
  EXPECT_EQ(breaker_.last_transition(), nullptr);
  EXPECT_EQ(breaker_.Counts(now_), WindowCounts{});
  EXPECT_EQ(breaker_.Reopens(policy_, now_), 0u);
  EXPECT_EQ(breaker_.ProbesOut(), 0u);
  EXPECT_EQ(breaker_.RampShare(policy_, now_).millionths(), Share::kOne);
  EXPECT_TRUE(breaker_.FailingClientNames(now_).empty());
}

// Permits are numbered within their epoch, so that few bits tell them apart.
TEST_F(CircuitBreakerTest, PermitsAreNumberedFromZeroInEveryEpoch) {
  EXPECT_EQ(breaker_.Mint(policy_, now_), 0u);
  EXPECT_EQ(breaker_.Mint(policy_, now_), 1u);
  EXPECT_EQ(breaker_.MintWithoutVote(policy_, now_), 2u);
  HalfOpen();
  EXPECT_EQ(breaker_.Mint(policy_, now_), 0u);
}

// What comes without a vote holds no slot that a probe could use.
TEST_F(CircuitBreakerTest, APermitWithoutAVoteHoldsNoLease) {
  HalfOpen();
  for (int i = 0; i < 100; ++i) breaker_.MintWithoutVote(policy_, now_);
  EXPECT_EQ(breaker_.ProbesOut(), 0u);
  EXPECT_TRUE(breaker_.Admit(policy_, now_).allowed);
}

// Asking takes nothing; only a minted permit holds a slot.
TEST_F(CircuitBreakerTest, AdmitTakesNoProbeSlot) {
  HalfOpen();
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(breaker_.Admit(policy_, now_).allowed);
  EXPECT_EQ(breaker_.ProbesOut(), 0u);
}

// The present epoch and one round before it are remembered, older ones are not.
TEST_F(CircuitBreakerTest, RemembersWhatCameBackForTheLastEpochs) {
  breaker_.Mint(policy_, now_);
  EXPECT_EQ(breaker_.MarkReturned(7, 0), Seen::kFirst);
  EXPECT_EQ(breaker_.MarkReturned(7, 0), Seen::kRepeated);
  HalfOpen();
  EXPECT_EQ(breaker_.MarkReturned(7, 0), Seen::kRepeated);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(breaker_.MarkReturned(7, 0), Seen::kRepeated) << round;
    Record(breaker_.Mint(policy_, now_), Outcome::kFailure);
    now_ = breaker_.open_until();
    Advance();
  }
  EXPECT_EQ(breaker_.MarkReturned(7, 0), Seen::kOutOfReach);
  EXPECT_EQ(breaker_.MarkReturned(12'345, 0), Seen::kOutOfReach);
}

// Each call to Advance() does all that was due, in its order, each thing at its own time.
TEST_F(CircuitBreakerTest, AdvanceDoesEverythingThatWasDue) {
  policy_.max_probes = 1;
  HalfOpen();
  const Tick leased = now_;
  breaker_.Mint(policy_, now_);
  now_ += absl::Hours(24);
  Advance();
  ASSERT_EQ(transitions_.size(), 4u);
  EXPECT_EQ(transitions_[2].time, leased + policy_.probe_timeout);
  EXPECT_EQ(transitions_[3].time, leased + policy_.probe_timeout + policy_.open_duration);
  Advance();
  EXPECT_EQ(transitions_.size(), 4u);
}

// An idle breaker costs little: what it saw is given back once it means nothing.
TEST_F(CircuitBreakerTest, TrimGivesBackAnEmptyWindowOnly) {
  EXPECT_FALSE(breaker_.Trim(policy_, now_));  // Nothing to give.
  Observe(Outcome::kFailure);
  EXPECT_FALSE(breaker_.Trim(policy_, now_));
  now_ += policy_.window_duration;
  EXPECT_TRUE(breaker_.Trim(policy_, now_));
  EXPECT_FALSE(breaker_.Trim(policy_, now_));
}

// A trimmed breaker decides as before: the run and the numbering go on.
TEST_F(CircuitBreakerTest, TrimChangesNoDecision) {
  Observe(Outcome::kFailure, 4);
  const uint64_t permit = breaker_.Mint(policy_, now_);
  now_ += policy_.window_duration;
  ASSERT_FALSE(breaker_.Trim(policy_, now_)) << "a permit is out and may come back twice";
  ASSERT_EQ(breaker_.MarkReturned(breaker_.epoch(), permit), ReplayFilter::Seen::kFirst);
  ASSERT_TRUE(breaker_.Trim(policy_, now_));
  EXPECT_EQ(breaker_.consecutive_failures(), 4u);
  EXPECT_EQ(breaker_.Mint(policy_, now_), permit + 1);
  Observe(Outcome::kFailure);
  EXPECT_EQ(breaker_.state(), State::kOpen);
}

// An outcome votes at most once, also when its repetition comes after an idle stretch.
TEST_F(CircuitBreakerTest, TrimForgetsNoPermitThatCameBack) {
  const uint64_t permit = breaker_.Mint(policy_, now_);
  ASSERT_EQ(breaker_.MarkReturned(7, permit), Seen::kFirst);
  ASSERT_TRUE(breaker_.Trim(policy_, now_));
  EXPECT_EQ(breaker_.MarkReturned(7, permit), Seen::kRepeated);
  const uint64_t next = breaker_.Mint(policy_, now_);
  EXPECT_EQ(breaker_.MarkReturned(7, permit), Seen::kRepeated);
  EXPECT_EQ(breaker_.MarkReturned(7, next), Seen::kFirst);
  HalfOpen();
  EXPECT_EQ(breaker_.MarkReturned(7, permit), Seen::kRepeated);
}

// A permit that was taken back is not out: it must not keep the memory for ever.
TEST_F(CircuitBreakerTest, AReturnedPermitDoesNotHinderTrim) {
  breaker_.Return(policy_, breaker_.Mint(policy_, now_), now_);
  EXPECT_TRUE(breaker_.Trim(policy_, now_));
}

// A window of calls holds its calls for ever, and probes must not be told apart from nothing.
TEST_F(CircuitBreakerTest, TrimLeavesWhatStillMatters) {
  HalfOpen();
  breaker_.Mint(policy_, now_);
  EXPECT_FALSE(breaker_.Trim(policy_, now_ + absl::Hours(1)));
  policy_.window_calls = 100;
  CircuitBreaker by_calls(1, now_);
  by_calls.Observe(policy_, 1, {.outcome = Outcome::kFailure}, now_, source_, transitions_);
  EXPECT_FALSE(by_calls.Trim(policy_, now_ + absl::Hours(1)));
}

// Returning is for calls that were never made: no vote, no trace.
TEST_F(CircuitBreakerTest, AReturnedProbeFreesItsSlotAtOnce) {
  policy_.max_probes = 1;
  HalfOpen();
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(breaker_.Admit(policy_, now_).allowed);
    const uint64_t permit = breaker_.Mint(policy_, now_);
    ASSERT_FALSE(breaker_.Admit(policy_, now_).allowed);
    breaker_.Return(policy_, permit, now_);
  }
  EXPECT_EQ(breaker_.state(), State::kHalfOpen);
  EXPECT_EQ(breaker_.ProbesOut(), 0u);
}

// A closed breaker has nothing that a restart must not lose.
TEST_F(CircuitBreakerTest, ClosedItHasNoOutageToSave) {
  EXPECT_FALSE(breaker_.SaveOutage().has_value());
  HalfOpen();
  breaker_.Mint(policy_, now_);
  breaker_.Mint(policy_, now_);
  Record(0, Outcome::kSuccess);
  Record(1, Outcome::kSuccess);
  ASSERT_EQ(breaker_.state(), State::kClosed);
  EXPECT_FALSE(breaker_.SaveOutage().has_value());
}

// The wait goes on where it was, in a new epoch, and nothing is said to have happened.
TEST_F(CircuitBreakerTest, ARestoredBreakerWaitsForTheRest) {
  Observe(Outcome::kFailure, 5);
  const Tick open_until = breaker_.open_until();
  const Outage outage = *breaker_.SaveOutage();
  transitions_.clear();

  now_ = now_ + (open_until - now_ - absl::Seconds(1));
  CircuitBreaker restored(9, now_);
  restored.RestoreOutage(policy_, outage, now_);
  EXPECT_EQ(restored.state(), State::kOpen);
  EXPECT_EQ(restored.epoch(), 9u);
  EXPECT_EQ(restored.Admit(policy_, now_).retry_after, absl::Seconds(1));
  EXPECT_EQ(restored.last_transition()->cause, Cause::kConsecutiveFailures);
  restored.Advance(policy_, open_until, source_, transitions_);
  EXPECT_EQ(restored.state(), State::kHalfOpen);
  ASSERT_EQ(transitions_.size(), 1u);
  EXPECT_EQ(transitions_[0].from, State::kOpen);
}

// A wait that ended while there was no server is over.
TEST_F(CircuitBreakerTest, ARestoredBreakerWhoseWaitIsOverProbes) {
  Observe(Outcome::kFailure, 5);
  const Outage outage = *breaker_.SaveOutage();
  now_ = breaker_.open_until() + absl::Hours(1);
  CircuitBreaker restored(9, now_);
  restored.RestoreOutage(policy_, outage, now_);
  restored.Advance(policy_, now_, source_, transitions_);
  EXPECT_EQ(restored.state(), State::kHalfOpen);
}

// Probes of before the restart may still be out: until they cannot be, there are no others.
TEST_F(CircuitBreakerTest, HalfOpenComesBackOpenForTheProbeTimeout) {
  HalfOpen();
  breaker_.Mint(policy_, now_);
  const Outage outage = *breaker_.SaveOutage();
  CircuitBreaker restored(9, now_);
  restored.RestoreOutage(policy_, outage, now_);
  EXPECT_EQ(restored.state(), State::kOpen);
  EXPECT_EQ(restored.open_until(), now_ + policy_.probe_timeout);
  EXPECT_EQ(restored.ProbesOut(), 0u);
}

// The next wait is as long as it would have been without the restart.
TEST_F(CircuitBreakerTest, ARestoredBreakerGoesOnCountingReopens) {
  HalfOpen();
  breaker_.Mint(policy_, now_);
  Record(0, Outcome::kFailure);
  ASSERT_EQ(breaker_.Reopens(policy_, now_), 1u);
  CircuitBreaker restored(9, now_);
  restored.RestoreOutage(policy_, *breaker_.SaveOutage(), now_);
  EXPECT_EQ(restored.Reopens(policy_, now_), 1u);
  now_ = restored.open_until();
  restored.Advance(policy_, now_, source_, transitions_);
  restored.Mint(policy_, now_);
  restored.Record(policy_, 0, {.outcome = Outcome::kFailure}, now_, source_, transitions_);
  EXPECT_EQ(restored.Reopens(policy_, now_), 2u);
}

}  // namespace
}  // namespace fusebox
