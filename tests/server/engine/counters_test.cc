// What the metrics say a server did.
#include "server/engine/counters.h"

#include <array>

#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

template <typename Enum>
size_t Index(Enum value) {
  return static_cast<size_t>(value);
}

// Stripes only keep threads apart: the sum is of all of them.
TEST(CountersTest, SumsOverAllStripes) {
  Counters counters;
  for (size_t stripe = 0; stripe < 100; ++stripe) {
    counters.CountDecision(stripe, {.allowed = true});
    counters.CountDecision(stripe, {.reason = Reason::kOpen});
    counters.CountRecord(stripe, {.outcome = Outcome::kTimeout, .counted = Counted::kLate}, 3);
  }
  const CounterTotals totals = counters.Sum();
  EXPECT_EQ(totals.allowed, 100u);
  EXPECT_EQ(totals.denied[Index(Reason::kOpen)], 100u);
  EXPECT_EQ(totals.recorded[Index(Outcome::kTimeout)][Index(Counted::kLate)], 300u);
}

// Each decision is counted once, under what it was.
TEST(CountersTest, TellsDecisionsApart) {
  Counters counters;
  for (size_t reason = 1; reason < CounterTotals::kReasons; ++reason) {
    const Reason why = static_cast<Reason>(reason);
    for (size_t i = 0; i < reason; ++i) counters.CountDecision(0, {.reason = why});
    counters.CountDecision(0, {.allowed = true, .shadow_denied = true, .reason = why});
  }
  counters.CountDecision(0, {.allowed = true});
  const CounterTotals totals = counters.Sum();
  EXPECT_EQ(totals.allowed, CounterTotals::kReasons);
  EXPECT_EQ(totals.denied[0], 0u);
  for (size_t reason = 1; reason < CounterTotals::kReasons; ++reason) {
    EXPECT_EQ(totals.denied[reason], reason);
    EXPECT_EQ(totals.shadow_denied[reason], 1u);
  }
}

// Every outcome and every fate has a cell of its own.
TEST(CountersTest, TellsRecordsApart) {
  Counters counters;
  uint32_t calls = 0;
  for (size_t outcome = 0; outcome < CounterTotals::kOutcomes; ++outcome) {
    for (size_t counted = 0; counted < CounterTotals::kCounted; ++counted) {
      counters.CountRecord(
          0, {.outcome = static_cast<Outcome>(outcome), .counted = static_cast<Counted>(counted)},
          ++calls);
    }
  }
  const CounterTotals totals = counters.Sum();
  calls = 0;
  for (const auto& by_counted : totals.recorded) {
    for (const uint64_t cell : by_counted) EXPECT_EQ(cell, ++calls);
  }
}

// What a breaker went through, by from, to and cause.
TEST_F(EngineTest, CountsTransitions) {
  HalfOpen();
  for (int i = 0; i < 2; ++i) Record(Granted(), Outcome::kSuccess);
  const auto& moves = engine_.counters().transitions;
  const size_t closed = Index(State::kClosed), open = Index(State::kOpen),
               half_open = Index(State::kHalfOpen);
  EXPECT_EQ(moves[closed][open][Index(Cause::kConsecutiveFailures)], 1u);
  EXPECT_EQ(moves[open][half_open][Index(Cause::kWaitOver)], 1u);
  EXPECT_EQ(moves[half_open][closed][Index(Cause::kProbesSucceeded)], 1u);
  EXPECT_EQ(engine_.transitions(), 3u);
}

using ByState = std::array<uint64_t, CounterTotals::kStates>;  // CLOSED, OPEN, HALF_OPEN.

// A breaker is in one state, whatever it went through to get there.
TEST(CountersTest, KnowsHowManyBreakersAreInEachState) {
  Counters counters;
  EXPECT_EQ(counters.Sum().BreakersByState(5), (ByState{5, 0, 0}));
  const auto move = [&](State from, State to, Cause cause) {
    counters.CountTransition({.from = from, .to = to, .cause = cause});
  };
  move(State::kClosed, State::kOpen, Cause::kFailureRate);
  move(State::kClosed, State::kOpen, Cause::kRetryAfter);
  EXPECT_EQ(counters.Sum().BreakersByState(5), (ByState{3, 2, 0}));
  move(State::kOpen, State::kHalfOpen, Cause::kWaitOver);
  EXPECT_EQ(counters.Sum().BreakersByState(5), (ByState{3, 1, 1}));
  counters.CountEviction(State::kHalfOpen);
  counters.CountEviction(State::kClosed);
  EXPECT_EQ(counters.Sum().BreakersByState(3), (ByState{2, 1, 0}));
}

// What is under way is counted in pieces: a sum in between is off by one, and never by 2^64.
TEST(CountersTest, TakesAHalfCountedMoveForNone) {
  Counters counters;
  counters.CountTransition(
      {.from = State::kOpen, .to = State::kHalfOpen, .cause = Cause::kWaitOver});
  EXPECT_EQ(counters.Sum().BreakersByState(1), (ByState{0, 0, 1}));
  EXPECT_EQ(counters.Sum().BreakersByState(0), (ByState{0, 0, 0}));
}

// Every way into a state and out of it, eviction included, against looking at each breaker.
TEST_F(EngineTest, AgreesWithALookAtEveryBreaker) {
  Allow("closed");
  Trip("open");
  Trip("half-open");
  Trip("closes");
  Pass(absl::Seconds(30));
  for (int i = 0; i < 2; ++i) Record(Granted("closes"), Outcome::kSuccess, "closes");
  Record(Granted("open"), Outcome::kFailure, "open");
  ASSERT_EQ(Look("open").state, State::kOpen);
  const auto by_state = [this] { return engine_.counters().BreakersByState(engine_.breakers()); };
  EXPECT_EQ(by_state(), (ByState{2, 1, 1}));

  Pass(absl::Hours(1));  // Half-open ones are forgotten, too.
  Sweep();
  for (const char* breaker : {"closed", "half-open", "closes"}) ASSERT_FALSE(Exists(breaker));
  ByState looked{};
  if (Exists("open")) ++looked[Index(Look("open").state)];
  EXPECT_EQ(by_state(), looked);
}

// A retry is asked of the breaker's own budget, if the breaker lets it through and no other is
// named.
TEST_F(EngineTest, CountsWhatPrivateBudgetsSpendAndRefuse) {
  Policy tight, shares;
  tight.retry_budget = {.min_retries_per_second = 1, .window = absl::Seconds(2)};
  shares.name = shares.shared_retry_budget = "shop";
  shares.match = {"shares"};
  SetPolicies({tight, shares}, {{.name = "shop", .policy = {}}});
  const auto spent = [this] { return engine_.counters().private_retries_spent; };
  const auto refused = [this] { return engine_.counters().private_retries_refused; };
  Allow();
  Allow("shares", /*attempt=*/2);
  EXPECT_EQ(spent(), 0u);
  EXPECT_EQ(CountAllowed(3, kOrders, /*attempt=*/2), 2);
  EXPECT_EQ(CountAllowed(1, kUsers, /*attempt=*/2), 1);
  EXPECT_EQ(spent(), 3u);
  EXPECT_EQ(refused(), 1u);

  Trip();
  EXPECT_EQ(CountAllowed(1, kOrders, /*attempt=*/2), 0);  // The breaker refuses; none is spent.
  EXPECT_EQ(refused(), 1u);
  ASSERT_TRUE(engine_.SetOverride(kUsers, {.mode = OverrideMode::kShadow}).ok());
  EXPECT_EQ(CountAllowed(2, kUsers, /*attempt=*/2), 2);
  EXPECT_EQ(spent(), 4u);
  EXPECT_EQ(refused(), 2u);  // But for SHADOW.
}

// An observation counts for all the calls that it stands for.
TEST_F(EngineTest, CountsEveryCallOfAnObservation) {
  Observe(Outcome::kSuccess, 1'000);
  EXPECT_EQ(engine_.counters().recorded[Index(Outcome::kSuccess)][Index(Counted::kCounted)],
            1'000u);
}

// Outcomes without a breaker are late, and not lost.
TEST_F(EngineTest, CountsOutcomesOfBreakersThatAreGone) {
  const std::string permit = Granted();
  Pass(absl::Hours(1));
  Sweep();
  ASSERT_FALSE(Exists());
  Record(permit, Outcome::kFailure);
  const CounterTotals totals = engine_.counters();
  EXPECT_EQ(totals.recorded[Index(Outcome::kFailure)][Index(Counted::kLate)], 1u);
  EXPECT_EQ(totals.Evicted(), 1u);
}

}  // namespace
}  // namespace fusebox
