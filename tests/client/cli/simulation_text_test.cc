#include "client/cli/simulation_text.h"

#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

Candidate Named(const std::string& name) {
  Policy policy;
  policy.name = name;
  return {.file = name + ".yaml", .ruling = std::make_shared<const RulingPolicy>(policy)};
}

// Opened by five failures at 1 s, and at 3 s looked at again.
SimulationResult Outage() {
  SimulationResult result;
  result.traced = {.calls = 20, .failures = 8, .successes = 12};
  result.refused = {.calls = 5, .failures = 4, .successes = 1};
  result.refused_for[Reason::kOpen] = result.refused;
  result.opened = 1;
  result.length = absl::Seconds(10);
  result.open = absl::Seconds(2);
  result.state = State::kHalfOpen;
  result.transition_count = 2;
  result.transitions = {{.to = State::kOpen,
                         .cause = Cause::kConsecutiveFailures,
                         .time = Tick() + absl::Seconds(1),
                         .consecutive_failures = 5,
                         .open_for = absl::Seconds(2)},
                        {.from = State::kOpen,
                         .to = State::kHalfOpen,
                         .cause = Cause::kWaitOver,
                         .time = Tick() + absl::Seconds(3)}};
  return result;
}

std::string Written(const SimulationReport& report) {
  std::ostringstream out;
  SimulationTable(report).Write(out, /*colour=*/false);
  return out.str();
}

TEST(SimulationTextTest, StandsSideBySideAndMomentsInOneRow) {
  SimulationReport report;
  report.set_breaker("db/orders");
  AddTrial(Named("a"), Outage(), report);
  SimulationResult later = Outage();
  later.refused_for[Reason::kRateLimit] = {.calls = 2};
  later.transitions[0].time = Tick() + absl::Milliseconds(1500);
  AddTrial(Named("b"), later, report);
  EXPECT_EQ(
      Written(report),
      "Breaker           db/orders\n"
      "File              a.yaml                                          b.yaml\n"
      "Policy            a                                               b\n"
      "Calls             20                                              20\n"
      "  that failed     8 of 20 (40.0%)                                 8 of 20 (40.0%)\n"
      "Refused           5 of 20 (25.0%)                                 5 of 20 (25.0%)\n"
      "  for OPEN        5                                               5\n"
      "  for RATE_LIMIT  -                                               2\n"
      "Failures spared   4 of 8 (50.0%)                                  4 of 8 (50.0%)\n"
      "Good calls lost   1 of 12 (8.3%)                                  1 of 12 (8.3%)\n"
      "Late outcomes     0                                               0\n"
      "Times opened      1                                               1\n"
      "Time open         2s of 10s (20.0%)                               2s of 10s (20.0%)\n"
      "Time half-open    0s of 10s (0.0%)                                0s of 10s (0.0%)\n"
      "At the end        HALF_OPEN                                       HALF_OPEN\n"
      "\n"
      "Transitions\n"
      "  1.000s          CLOSED -> OPEN for 2s: 5 calls failed in a row\n"
      "  1.500s                                                          CLOSED -> OPEN for 2s: "
      "5 calls failed in a row\n"
      "  3.000s          OPEN -> HALF_OPEN: the wait was over            OPEN -> HALF_OPEN: "
      "the wait was over\n");
}

TEST(SimulationTextTest, SaysWhenNothingHappened) {
  SimulationReport report;
  AddTrial(Named("a"), SimulationResult(), report);
  EXPECT_THAT(Written(report), testing::HasSubstr("\nFailures spared  0\n"));
  EXPECT_THAT(Written(report), testing::EndsWith("\n\nTransitions      none\n"));
}

TEST(SimulationTextTest, SaysHowManyTransitionsItLeavesOut) {
  SimulationReport report;
  SimulationResult result = Outage();
  result.transition_count = 1'002;
  AddTrial(Named("a"), result, report);
  EXPECT_THAT(Written(report), testing::EndsWith("\n  and later      1000\n"));
}

TEST(SimulationTextTest, TransitionsHaveTheTimeOfTheTraceAndNoOther) {
  SimulationReport report;
  report.set_breaker("db/orders");
  AddTrial(Named("a"), Outage(), report);
  const TrialTransition& first = report.policies(0).transitions(0);
  EXPECT_EQ(first.time().seconds(), 1);
  EXPECT_FALSE(first.transition().has_time());
  EXPECT_EQ(first.transition().breaker(), "db/orders");
  EXPECT_EQ(first.transition().policy(), "a");
  EXPECT_EQ(first.transition().cause(), v1::CAUSE_CONSECUTIVE_FAILURES);
}

}  // namespace
}  // namespace fusebox::cli
