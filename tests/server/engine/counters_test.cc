// What the metrics say a server did.
#include "server/engine/counters.h"

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
  EXPECT_EQ(totals.evicted, 1u);
}

}  // namespace
}  // namespace fusebox
