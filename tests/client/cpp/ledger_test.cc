#include "client/cpp/local/ledger.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::internal {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kNoRun = 0;

class LedgerTest : public ::testing::Test {
 protected:
  LedgerTest() { ledger_.Begin(1, 70); }

  void Add(Outcome outcome, uint32_t run = kNoRun) { ledger_.Add(1, {.outcome = outcome}, run); }

  Ledger ledger_;
};

TEST_F(LedgerTest, LatenciesOfSuccessesAreDrawnEvenly) {
  for (int i = 0; i < 1'000; ++i) {
    ledger_.Add(1, {.latency = absl::Milliseconds(i), .is_sampled = true}, kNoRun);
    ledger_.Add(1, {.outcome = Outcome::kTimeout, .latency = absl::Hours(1), .is_sampled = true},
                kNoRun);
  }
  const std::vector<absl::Duration> kept = ledger_.Take()[0].latency_samples.kept();
  ASSERT_GT(kept.size(), EvenSamples::kMost / 2);
  ASSERT_LE(kept.size(), EvenSamples::kMost);
  const absl::Duration step = kept[1] - kept[0];
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_EQ(kept[i], static_cast<int64_t>(i) * step);
  EXPECT_GT(kept.back() + step, absl::Milliseconds(999));
}

TEST_F(LedgerTest, CallsOfOneEpochAddUp) {
  ledger_.AddSuccesses(1, 5, 0, {});
  Add(Outcome::kFailure);
  Add(Outcome::kTimeout);
  Add(Outcome::kRateLimited);
  Add(Outcome::kCallerError);
  Add(Outcome::kFailure);
  const std::vector<LedgerRow> rows = ledger_.Take();
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].epoch, 70u);
  EXPECT_EQ(rows[0].outcomes.successes, 5u);
  EXPECT_EQ(rows[0].outcomes.failures, 2u);
  EXPECT_EQ(rows[0].outcomes.timeouts, 1u);
  EXPECT_EQ(rows[0].outcomes.rate_limited, 1u);
  EXPECT_EQ(rows[0].outcomes.caller_errors, 1u);
  EXPECT_EQ(rows[0].outcomes.trailing_failures, 1u);
  EXPECT_THAT(ledger_.Take(), IsEmpty());
}

TEST_F(LedgerTest, ASuccessEndsARunOfFailures) {
  Add(Outcome::kFailure);
  Add(Outcome::kFailure);
  ledger_.AddSuccesses(1, 1, 0, {});
  EXPECT_EQ(ledger_.Take()[0].outcomes.trailing_failures, 0u);
}

// So that a success after it does not hide it.
TEST_F(LedgerTest, ARunThatIsLongEnoughIsToldByItself) {
  for (int i = 0; i < 3; ++i) Add(Outcome::kFailure, /*run=*/3);
  ledger_.AddSuccesses(1, 9, 0, {});
  const std::vector<LedgerRow> rows = ledger_.Take();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].outcomes.trailing_failures, 3u);
  EXPECT_EQ(rows[0].outcomes.successes, 0u);
  EXPECT_EQ(rows[1].outcomes.successes, 9u);
}

// The server's run goes on over rows, too.
TEST_F(LedgerTest, ARunGoesOnOverWhatWasTold) {
  for (int i = 0; i < 3; ++i) Add(Outcome::kFailure, /*run=*/5);
  ledger_.Take();
  for (int i = 0; i < 2; ++i) Add(Outcome::kFailure, /*run=*/5);
  ledger_.AddSuccesses(1, 1, 0, {});
  const std::vector<LedgerRow> rows = ledger_.Take();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].outcomes.trailing_failures, 2u);
  EXPECT_EQ(rows[0].outcomes.successes, 0u);
}

TEST_F(LedgerTest, RetriesAreToldByKind) {
  const Ledger::One retry{.attempt = 2, .previous_failure = Outcome::kTimeout};
  ledger_.Add(1, retry, kNoRun);
  ledger_.Add(1,
              {.outcome = Outcome::kFailure, .attempt = 9, .previous_failure = Outcome::kFailure},
              kNoRun);
  ledger_.Add(1, retry, kNoRun);
  const std::vector<LedgerRow> rows = ledger_.Take();
  ASSERT_THAT(rows[0].retries, SizeIs(2));
  EXPECT_EQ(rows[0].retries[0].succeeded, 2u);
  EXPECT_EQ(rows[0].retries[1].attempt, 4u);
  EXPECT_EQ(rows[0].retries[1].failed, 1u);
}

TEST_F(LedgerTest, EachEpochHasItsRow) {
  Add(Outcome::kFailure);
  ledger_.Begin(2, 71);
  ledger_.AddSuccesses(2, 3, 0, {});
  Add(Outcome::kFailure);  // It had been granted before.
  const std::vector<LedgerRow> rows = ledger_.Take();
  ASSERT_THAT(rows, SizeIs(2));
  EXPECT_EQ(rows[0].epoch, 70u);
  EXPECT_EQ(rows[0].outcomes.failures, 2u);
  EXPECT_EQ(rows[1].epoch, 71u);
}

TEST_F(LedgerTest, GenerationsOfOneEpochShareItsRow) {
  ledger_.Begin(2, 70);
  Add(Outcome::kFailure);
  ledger_.AddSuccesses(2, 3, 0, {});
  EXPECT_THAT(ledger_.Take(), SizeIs(1));
}

TEST_F(LedgerTest, CallsOfNoEpochAreOfTheOneThatIsKnownNext) {
  ledger_.Begin(2, 0);
  ledger_.AddSuccesses(2, 3, 0, {});
  ledger_.Know(80);
  ledger_.AddSuccesses(2, 1, 0, {});
  const std::vector<LedgerRow> rows = ledger_.Take();
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows[0].epoch, 80u);
  EXPECT_EQ(rows[0].outcomes.successes, 4u);
}

TEST_F(LedgerTest, CallsOfAGenerationThatIsLongOverAreNotKept) {
  for (Ledger::Generation generation = 2; generation < 18; ++generation) {
    ledger_.Begin(generation, 70u + generation);
  }
  Add(Outcome::kFailure);
  EXPECT_TRUE(ledger_.empty());
}

TEST_F(LedgerTest, ManyCallsAreSeveralRows) {
  ledger_.AddSuccesses(1, 2'500'000, 2'500'000, absl::Seconds(5));
  const std::vector<LedgerRow> rows = ledger_.Take();
  ASSERT_THAT(rows, SizeIs(3));
  EXPECT_EQ(rows[0].outcomes.successes, Ledger::kMaxCalls);
  EXPECT_EQ(rows[0].timed, Ledger::kMaxCalls);
  EXPECT_EQ(rows[2].outcomes.successes, 500'000u);
  EXPECT_EQ(rows[0].latency + rows[1].latency + rows[2].latency, absl::Seconds(5));
}

TEST_F(LedgerTest, RowsAreBounded) {
  for (int i = 0; i < 1'000; ++i) {
    Add(Outcome::kFailure, /*run=*/1);
    ledger_.AddSuccesses(1, 1, 0, {});
  }
  const std::vector<LedgerRow> rows = ledger_.Take();
  EXPECT_THAT(rows, SizeIs(Ledger::kMaxRows));
  uint32_t calls = 0;
  for (const LedgerRow& row : rows) calls += row.outcomes.Calls();
  EXPECT_EQ(calls, 2'000u);  // All are told; only where a run was is lost.
}

TEST_F(LedgerTest, RefusalsAreByReason) {
  ledger_.AddRefusals(1, Reason::kOpen, 3);
  ledger_.AddRefusals(1, Reason::kRamping, 1);
  ledger_.AddRefusals(1, Reason::kOpen, 2);
  std::vector<Tally::Refusals> refusals;
  ledger_.Take()[0].View(refusals);
  ASSERT_THAT(refusals, SizeIs(2));
  EXPECT_EQ(refusals[0].reason, Reason::kOpen);
  EXPECT_EQ(refusals[0].calls, 5u);
  EXPECT_EQ(refusals[1].reason, Reason::kRamping);
}

}  // namespace
}  // namespace fusebox::internal
