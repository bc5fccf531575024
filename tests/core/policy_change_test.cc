// A policy that changes under a running breaker: nothing that was learned is lost.
#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using PolicyChangeTest = GuardTest;

// A config change that resets counters would hide an outage from itself.
TEST_F(PolicyChangeTest, KeepsTheCountsAndTheRun) {
  Call(Outcome::kSuccess, 2);
  Call(Outcome::kFailure, 3);
  breaker().open_duration = absl::Seconds(1);
  EXPECT_EQ(Look().window, (WindowCounts{5, 3, 0}));
  EXPECT_EQ(Look().consecutive_failures, 3u);
  EXPECT_EQ(Call(Outcome::kFailure, 2).state, State::kOpen);
}

// Permits of before stay good.
TEST_F(PolicyChangeTest, KeepsTheEpochAndRaisesTheRevision) {
  const Permit permit = Granted();
  const Snapshot before = Look();
  breaker().minimum_calls = 7;
  const Snapshot after = Look();
  EXPECT_EQ(after.epoch, before.epoch);
  EXPECT_EQ(after.revision, before.revision + 1);
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kCounted);
}

// Who was told to come back in 30 s comes back in 30 s.
TEST_F(PolicyChangeTest, KeepsARunningWait) {
  Trip();
  breaker().open_duration = breaker().max_open_duration = absl::Seconds(1);
  Pass(absl::Seconds(10));
  EXPECT_EQ(Acquire().retry_after, absl::Seconds(20));
  Pass(absl::Seconds(20));
  FailProbe();
  EXPECT_EQ(last().open_for, absl::Seconds(1));
}

// The number of re-opens is what was learned about the dependency.
TEST_F(PolicyChangeTest, KeepsTheReopens) {
  HalfOpen();
  FailProbe();
  breaker().open_multiplier = Share::FromFraction(2);
  EXPECT_EQ(Look().reopens, 1u);
  Pass(breaker().open_duration);
  FailProbe();
  EXPECT_EQ(last().open_for, absl::Minutes(2));
}

// What was forgiven under the old numbers stays forgiven under the new ones.
TEST_F(PolicyChangeTest, ALongerWindowDoesNotBringBackReopens) {
  HalfOpen();
  FailProbe();
  Pass(breaker().open_duration);
  Close();
  Pass(breaker().window_duration);
  ASSERT_EQ(Look().reopens, 0u);
  breaker().window_duration = absl::Hours(1);
  EXPECT_EQ(Look().reopens, 0u);
  Trip();
  EXPECT_EQ(Look().reopens, 0u);
}

// An operator who tightens a threshold should not cause an outage by it.
TEST_F(PolicyChangeTest, NeverTripsByItself) {
  Call(Outcome::kFailure, 4);
  breaker().consecutive_failures = 2;
  breaker().minimum_calls = 1;
  Advance();
  Pass(absl::Seconds(1));
  Advance();
  EXPECT_EQ(state(), State::kClosed);
  EXPECT_EQ(Call(Outcome::kSuccess).state, State::kOpen);  // The next outcome may: 4 of 5.
}

// What was due before the change is not judged by the numbers after it: of the leases that ran out,
// two do not re-open a breaker that had three.
TEST_F(PolicyChangeTest, WhatWasDueIsDoneByTheOldPolicy) {
  HalfOpen();
  ASSERT_EQ(breaker().max_probes, 3u);
  Acquire();
  Acquire();
  Pass(breaker().probe_timeout);
  breaker().max_probes = 2;
  EXPECT_EQ(Look().state, State::kHalfOpen);
  EXPECT_EQ(Look().probes, 0u);
}

// A changed window starts with what the old one held, as if it had just come.
TEST_F(PolicyChangeTest, OldTotalsEnterTheNewestBucket) {
  Call(Outcome::kSuccess, 6);
  Call(Outcome::kFailure, 4);
  Pass(absl::Seconds(9));
  breaker().window_duration = absl::Seconds(20);
  EXPECT_EQ(Look().window, (WindowCounts{10, 4, 0}));
  Pass(absl::Seconds(17));
  EXPECT_EQ(Look().window, (WindowCounts{10, 4, 0}));
  Pass(absl::Seconds(3));
  EXPECT_EQ(Look().window, WindowCounts{});
}

// What had left the old window stays out.
TEST_F(PolicyChangeTest, WhatHadLeftTheOldWindowStaysOut) {
  breaker().min_failing_clients = 2;
  Call(Outcome::kFailure, 2, "long-gone");
  Pass(absl::Minutes(5));
  Call(Outcome::kFailure, 2, "recent");
  breaker().window_duration = absl::Minutes(10);
  EXPECT_EQ(Look().window, (WindowCounts{2, 2, 0}));
  EXPECT_THAT(Look().failing_clients, ElementsAre("recent"));
  EXPECT_EQ(Call(Outcome::kFailure, 5, "recent").state, State::kClosed);
}

// With nothing inside there is nobody who failed inside.
TEST_F(PolicyChangeTest, AnEmptyWindowBringsNoFailingClients) {
  Call(Outcome::kFailure, 2, "long-gone");
  Pass(absl::Minutes(5));
  breaker().window_calls = 100;
  EXPECT_THAT(Look().failing_clients, IsEmpty());
}

// The voices of a quorum enter the new window together with their failures.
TEST_F(PolicyChangeTest, FailingClientsEnterTheNewWindow) {
  breaker().min_failing_clients = 2;
  Call(Outcome::kFailure, 4, "a");
  Pass(absl::Seconds(9));
  breaker().window_duration = absl::Seconds(60);
  EXPECT_THAT(Look().failing_clients, ElementsAre("a"));
  Pass(absl::Seconds(30));
  EXPECT_EQ(Call(Outcome::kFailure, 1, "b").state, State::kOpen);
}

// From time to calls and back: the totals come along.
TEST_F(PolicyChangeTest, TheWindowMayChangeItsKind) {
  breaker().consecutive_failures = 0;
  Call(Outcome::kSuccess, 7);
  Call(Outcome::kFailure, 3);
  breaker().window_calls = 20;
  EXPECT_EQ(Look().window, (WindowCounts{10, 3, 0}));
  Pass(absl::Hours(1));
  EXPECT_EQ(Look().window, (WindowCounts{10, 3, 0}));
  breaker().window_calls = 0;
  EXPECT_EQ(Look().window, (WindowCounts{10, 3, 0}));
  Pass(absl::Seconds(10));
  EXPECT_EQ(Look().window, WindowCounts{});
}

// A smaller window of calls holds fewer, but not worse ones: else the change would trip.
TEST_F(PolicyChangeTest, ASmallerWindowOfCallsKeepsTheRate) {
  breaker().consecutive_failures = 0;
  breaker().window_calls = 100;
  breaker().minimum_calls = 10;
  for (int i = 0; i < 100; ++i) Call(i % 5 < 3 ? Outcome::kSuccess : Outcome::kFailure);
  breaker().window_calls = 20;
  EXPECT_EQ(Look().window, (WindowCounts{20, 8, 0}));
  EXPECT_EQ(Call(Outcome::kSuccess).state, State::kClosed);
}

// Probes keep their leases; the new numbers rule the next question.
TEST_F(PolicyChangeTest, FewerProbesTakeEffectWithTheNextOne) {
  HalfOpen();
  const Permit probe = Granted();
  Granted();
  breaker().max_probes = 1;
  EXPECT_EQ(Look().probes, 2u);
  EXPECT_FALSE(Acquire().allowed);
  EXPECT_EQ(Record(probe, Outcome::kSuccess).counted, Counted::kCounted);
  EXPECT_FALSE(Acquire().allowed);
}

// Past deposits stay; the reserve is what the new numbers say.
TEST_F(PolicyChangeTest, TheBudgetKeepsItsDepositsAndRecomputesItsReserve) {
  budget() = {Share::FromFraction(0.5), 1, absl::Seconds(10)};
  Call(Outcome::kSuccess, 4);
  EXPECT_EQ(Look().budget_balance, 12'000);
  budget().min_retries_per_second = 3;
  EXPECT_EQ(Look().budget_balance, 32'000);
  budget().retry_ratio = Share();
  EXPECT_EQ(Look().budget_balance, 32'000);
  budget().window = absl::Seconds(20);
  EXPECT_EQ(Look().budget_balance, 62'000);
}

// New classes hold from the next outcome on.
TEST_F(PolicyChangeTest, ClassificationChangesForTheWholeFleetAtOnce) {
  const Ending not_found = {.result = Result::Http(404)};
  EXPECT_EQ(Record(not_found).outcome, Outcome::kCallerError);
  policy_.classification.http[404] = Outcome::kFailure;
  EXPECT_EQ(Record(not_found).outcome, Outcome::kFailure);
  EXPECT_EQ(Look().window, (WindowCounts{2, 1, 0}));
}

// A breaker that nobody called has nothing to carry over.
TEST_F(PolicyChangeTest, AnIdleBreakerJustTakesTheNewNumbers) {
  Advance();
  breaker().window_duration = absl::Seconds(60);
  breaker().consecutive_failures = 1;
  EXPECT_EQ(Call(Outcome::kFailure).state, State::kOpen);
}

}  // namespace
}  // namespace fusebox
