#include <optional>
#include <sstream>
#include <string>

#include "client/cli/breaker_text.h"
#include "client/cli/limits_text.h"
#include "client/cli/resource_text.h"
#include "client/cli/top_view.h"
#include "client/cli/transition_text.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

template <typename M>
M Text(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

std::string Written(const Table& table) {
  std::ostringstream out;
  table.Write(out, /*colour=*/false);
  return out.str();
}

std::string Why(const std::string& text) { return WhyText(Text<v1::Transition>(text)); }
std::string Change(const std::string& text) { return ChangeText(Text<v1::Transition>(text)); }

TEST(TransitionTextTest, SaysWhyABreakerOpened) {
  EXPECT_EQ(Why("cause: CAUSE_CONSECUTIVE_FAILURES consecutive_failures: 5"),
            "5 calls failed in a row");
  EXPECT_EQ(Why("cause: CAUSE_FAILURE_RATE window { calls: 20 failures: 12 failure_rate: 0.6 }"),
            "12 of 20 calls failed (60.0%)");
  EXPECT_EQ(Why("cause: CAUSE_SLOW_CALL_RATE window { calls: 20 slow: 5 slow_rate: 0.25 }"),
            "5 of 20 calls were slow (25.0%)");
  EXPECT_EQ(Why("cause: CAUSE_PROBE_FAILED"), "a probe failed");
}

TEST(TransitionTextTest, SaysWhoDidItAndWhy) {
  EXPECT_EQ(Why("cause: CAUSE_RESET actor: 'ann' reason: 'it is back'"),
            "ann reset it: it is back");
  EXPECT_EQ(Why("cause: CAUSE_DELETED"), "somebody deleted it");
  EXPECT_EQ(Why("cause: CAUSE_OVERRIDDEN actor: 'ann' override { drill: true }"),
            "ann began a drill");
  EXPECT_EQ(Why("cause: CAUSE_OVERRIDE_CLEARED actor: 'bob' reason: 'done'"),
            "bob took the override back: done");
}

TEST(TransitionTextTest, HasWordsForEveryCauseThatItKnows) {
  const auto& causes = *v1::Cause_descriptor();
  for (int i = 1; i < causes.value_count(); ++i) {
    v1::Transition transition;
    transition.set_cause(static_cast<v1::Cause>(causes.value(i)->number()));
    EXPECT_THAT(WhyText(transition), HasSubstr(" ")) << causes.value(i)->name();
  }
}

// A newer server may know more.
TEST(TransitionTextTest, ShowsTheNumberOfACauseThatItDoesNotKnow) {
  EXPECT_EQ(Why("cause: 999"), "999");
}

TEST(TransitionTextTest, ShowsOverridesByTheirMode) {
  EXPECT_EQ(Change("from: STATE_CLOSED to: STATE_OPEN cause: CAUSE_FAILURE_RATE"),
            "CLOSED -> OPEN");
  const std::string shadow = " override { mode: OVERRIDE_MODE_SHADOW }";
  EXPECT_EQ(Change("cause: CAUSE_OVERRIDDEN" + shadow), "SHADOW");
  EXPECT_EQ(Change("cause: CAUSE_OVERRIDE_EXPIRED" + shadow), "SHADOW ended");
  EXPECT_EQ(Change("cause: CAUSE_OVERRIDE_CLEARED" + shadow), "SHADOW ended");
}

TEST(DrillTextTest, TellsWhomItRefused) {
  const auto report = Text<v1::DrillReport>(
      "lasted { seconds: 60 } refused: 9 clients { client: 'shop' calls: 5 } clients { calls: 1 } "
      "refused_to_others: 3");
  EXPECT_EQ(Written(DrillTable(report)),
            "lasted                   1m\n"
            "refused                  9\n"
            "refused to shop          5\n"
            "refused to the nameless  1\n"
            "refused to others        3\n");
}

TEST(BudgetTextTest, SaysWhatIsLeft) {
  EXPECT_EQ(BudgetText(Text<v1::RetryBudgetStatus>(
                "name: 'checkout' balance_millis: 12000 capacity_millis: 20000 spent: 3")),
            "shared checkout: 12.0 of 20.0 retries left, 3 spent, 0 refused");
}

TEST(BudgetTextTest, LeavesOutWhatIsNotKnown) {
  EXPECT_EQ(BudgetText(Text<v1::RetryBudgetStatus>("balance_millis: 100000 refused: 2")),
            "its own: 100.0 retries left, 0 spent, 2 refused");
}

TEST(BreakerTextTest, SaysWhatTheOverrideIsFor) {
  EXPECT_EQ(OverrideText(Text<v1::Breaker>("name: 'a/b'")), "-");
  EXPECT_EQ(OverrideText(Text<v1::Breaker>(
                "name: 'a/b' override { mode: OVERRIDE_MODE_FORCED_OPEN match: 'a/b' actor: 'ann' "
                "reason: 'game day' drill: true remaining { seconds: 270 } }")),
            "FORCED_OPEN (drill) by ann: game day, 4m30s left");
  EXPECT_EQ(OverrideText(Text<v1::Breaker>(
                "name: 'a/b' override { mode: OVERRIDE_MODE_SHADOW match: 'a/**' reason: 'new' }")),
            "SHADOW on a/**: new");
}

// The server says what is left of a wait, so that two clocks need not agree.
TEST(BreakerTextTest, KnowsSinceWhenItIsOpenWithoutAClock) {
  const auto open = Text<v1::Breaker>(
      "retry_after { seconds: 20 } last_transition { open_for { seconds: 30 } time { seconds: 99 } "
      "}");
  EXPECT_EQ(TimeInState(open, absl::FromUnixSeconds(5)), absl::Seconds(10));
}

TEST(BreakerTextTest, NeverSaysThatAStateIsOfTheFuture) {
  const auto closed = Text<v1::Breaker>("last_transition { time { seconds: 100 } }");
  EXPECT_EQ(TimeInState(closed, absl::FromUnixSeconds(160)), absl::Minutes(1));
  EXPECT_EQ(TimeInState(closed, absl::FromUnixSeconds(99)), absl::ZeroDuration());
  EXPECT_EQ(TimeInState(v1::Breaker(), absl::FromUnixSeconds(99)), std::nullopt);
}

TEST(BreakerTextTest, TheHealthOfManyIsSummedUpAndTheWorstAreNamed) {
  EXPECT_EQ(Written(HealthTable(Text<v1::GetHealthResponse>(
                "health: HEALTH_DEGRADED score: 0.4 healthy: 12 degraded: 1 unhealthy: 1 "
                "worst { name: 'db/users' state: STATE_OPEN health: HEALTH_UNHEALTHY score: 1 } "
                "worst { name: 'db/x' state: STATE_CLOSED health: HEALTH_DEGRADED score: 0.4 }"))),
            "health    DEGRADED\n"
            "score     0.40\n"
            "breakers  12 healthy, 1 degraded, 1 unhealthy\n"
            "worst     db/users: UNHEALTHY, OPEN, score 1.00\n"
            "          db/x: DEGRADED, CLOSED, score 0.40\n");
}

TEST(BreakerTextTest, WhereAllAreWellThereIsNoWorst) {
  EXPECT_EQ(Written(HealthTable(
                Text<v1::GetHealthResponse>("health: HEALTH_HEALTHY score: 1 healthy: 2"))),
            "health    HEALTHY\n"
            "score     1.00\n"
            "breakers  2 healthy, 0 degraded, 0 unhealthy\n");
}

TEST(LimitsTextTest, ComparesEveryRuleWithWhatIs) {
  CircuitBreakerPolicy policy;
  policy.slow_call_rate_threshold = Share::FromFraction(0.2);
  policy.min_failing_clients = 3;
  const auto breaker = Text<v1::Breaker>(
      "consecutive_failures: 4 failing_clients: 'a' failing_clients: 'b' window { calls: 40 "
      "failures: 10 slow: 8 failure_rate: 0.25 slow_rate: 0.2 }");
  Table table;
  AddLimits(breaker, policy, table);
  EXPECT_EQ(Written(table),
            "  failures in a row  4, limit 5\n"
            "  failed             25.0% of 40 calls, limit 50.0% of at least 20\n"
            "  slow               20.0% of 40 calls, limit 20.0% of at least 20\n"
            "  failing clients    2, and at least 3\n");
}

TEST(LimitsTextTest, SaysWhichRulesAreOff) {
  CircuitBreakerPolicy policy;
  policy.consecutive_failures = 0;
  policy.failure_rate_threshold = Share();
  Table table;
  AddLimits(v1::Breaker(), policy, table);
  EXPECT_EQ(Written(table),
            "  failures in a row  0, off\n"
            "  failed             0.0% of 0 calls, off\n"
            "  slow               0.0% of 0 calls, off\n");
}

TEST(LimitsTextTest, WarnsFromHalfOfTheLimitOnceThereAreEnoughCalls) {
  const CircuitBreakerPolicy policy;  // Half of at least twenty.
  const auto cell = [&policy](const std::string& window) {
    return FailureRateCell(Text<v1::Breaker>("window { " + window + " }"), policy);
  };
  EXPECT_EQ(cell("calls: 20 failure_rate: 0.2").colour, Colour::kNone);
  EXPECT_EQ(cell("calls: 20 failure_rate: 0.25").colour, Colour::kYellow);
  EXPECT_EQ(cell("calls: 20 failure_rate: 0.5").colour, Colour::kRed);
  EXPECT_EQ(cell("calls: 19 failure_rate: 1").colour, Colour::kNone);
  EXPECT_EQ(cell("calls: 19 failure_rate: 1").text, "100.0% / 50.0%");
  EXPECT_EQ(cell("").text, "- / 50.0%");
}

TEST(LimitsTextTest, NamesTheWindow) {
  CircuitBreakerPolicy policy;
  EXPECT_EQ(WindowName(policy), "of the last 10s");
  policy.window_calls = 100;
  EXPECT_EQ(WindowName(policy), "of the last 100 calls");
}

Sample OneOpen() {
  Sample sample;
  sample.seen = 3;
  sample.open = 1;
  sample.policies["strict"].circuit_breaker.failure_rate_threshold = Share::FromFraction(0.1);
  *sample.breakers.add_breakers() = Text<v1::Breaker>(
      "name: 'db/orders-primary' state: STATE_OPEN policy: 'strict' retry_after { seconds: 20 } "
      "last_transition { open_for { seconds: 30 } }");
  sample.rates["db/orders-primary"] = {12.34, 12};
  return sample;
}

TEST(TopViewTest, ShowsABreakerInARow) {
  EXPECT_THAT(Written(TopTable(OneOpen())),
              EndsWith("\ndb/orders-primary  OPEN   10s  - / 10.0%     12.3     12.0       20s"
                       "         -\n"));
}

TEST(TopViewTest, CutsNamesThatAreTooWide) {
  EXPECT_THAT(Written(TopTable(OneOpen(), 16)), HasSubstr("\ndb/orders-pri...  OPEN "));
}

TEST(TopViewTest, ShowsNoRatesOfWhatItSawOnce) {
  Sample sample = OneOpen();
  sample.rates.clear();
  EXPECT_THAT(Written(TopTable(sample)), HasSubstr("- / 10.0%     -        -          20s"));
}

TEST(TopViewTest, SaysWhatItLeavesOut) {
  EXPECT_EQ(SummaryText(OneOpen()), "3 breakers: 1 open, 0 half-open, 0 overridden; the worst 1");
}

}  // namespace
}  // namespace fusebox::cli
