// Which policy rules a breaker, and how breakers follow when policies change.
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

Policy MakePolicy(std::string name, std::vector<std::string> match, uint32_t failures) {
  Policy policy;
  policy.name = std::move(name);
  policy.match = std::move(match);
  policy.circuit_breaker.consecutive_failures = failures;
  return policy;
}

class PolicyMatchTest : public EngineTest {
 protected:
  std::string PolicyOf(absl::string_view breaker) {
    Allow(breaker);
    return View(breaker).ruling->policy.name;
  }
};

// One policy rules whole, and the most specific one.
TEST_F(PolicyMatchTest, TheMostSpecificMatchRules) {
  SetPolicies({MakePolicy("databases", {"db/**"}, 3), MakePolicy("orders", {"db/orders"}, 2)});
  EXPECT_EQ(PolicyOf("db/orders"), "orders");
  EXPECT_EQ(PolicyOf("db/users"), "databases");
  EXPECT_EQ(PolicyOf("cache/users"), "default");
  EXPECT_EQ(engine_.policies(), 3u);
}

// A change over a million names costs nothing at once: each follows when it is used.
TEST_F(PolicyMatchTest, LiveBreakersFollowAndKeepWhatTheyCounted) {
  Observe(Outcome::kFailure, 4);
  const Snapshot before = Look();
  SetPolicies({MakePolicy("default", {}, 7)});
  const Snapshot after = Look();
  EXPECT_EQ(after.epoch, before.epoch);
  EXPECT_EQ(after.revision, before.revision + 1);
  EXPECT_EQ(after.consecutive_failures, 4u);
  EXPECT_EQ(after.window.failures, 4u);

  EXPECT_EQ(Observe(Outcome::kFailure, 2).state, State::kClosed);
  EXPECT_EQ(Observe(Outcome::kFailure).state, State::kOpen);
}

// The change itself never trips: an operator who tightens a policy does not cause an outage.
TEST_F(PolicyMatchTest, ATighterPolicyTripsWithTheNextOutcome) {
  Observe(Outcome::kFailure, 4);
  SetPolicies({MakePolicy("default", {}, 2)});
  EXPECT_EQ(Look().state, State::kClosed);
  EXPECT_TRUE(Allow().decision.allowed);
  EXPECT_EQ(Observe(Outcome::kFailure).state, State::kOpen);
}

// Permits from before the change are still of this epoch.
TEST_F(PolicyMatchTest, PermitsOutliveAChangeOfPolicy) {
  const std::string permit = Granted();
  SetPolicies({MakePolicy("default", {}, 7)});
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kCounted);
}

// A wait that runs goes on as it was promised.
TEST_F(PolicyMatchTest, ARunningWaitIsKept) {
  Trip();
  Policy longer;
  longer.circuit_breaker.open_duration = absl::Minutes(5);
  SetPolicies({longer});
  EXPECT_EQ(Look().retry_after, absl::Seconds(30));
  Pass(absl::Seconds(30));
  EXPECT_EQ(Look().state, State::kHalfOpen);
}

// Reloading a file that did not change is no event.
TEST_F(PolicyMatchTest, TheSameNumbersRaiseNoRevision) {
  Allow();
  const uint32_t revision = Look().revision;
  SetPolicies({MakePolicy("other", {"cache/*"}, 9)});
  SetPolicies({});
  EXPECT_EQ(Look().revision, revision);
}

// A policy of another name with the same numbers is another policy, and people look for its name.
TEST_F(PolicyMatchTest, ABreakerSaysWhichPolicyRulesItNow) {
  Allow();
  SetPolicies({MakePolicy("databases", {"db/**"}, 5)});
  EXPECT_EQ(View().ruling->policy.name, "databases");
  SetPolicies({});
  EXPECT_EQ(View().ruling->policy.name, "default");
}

// A listing shows what a look at each would show.
TEST_F(PolicyMatchTest, AListingShowsThePolicyOfNow) {
  Allow();
  SetPolicies({MakePolicy("databases", {"db/**"}, 5)});
  Slot cursor = 0;
  const std::vector<BreakerView> views = engine_.List(Glob::All(), 10, cursor);
  ASSERT_EQ(views.size(), 1u);
  EXPECT_EQ(views[0].ruling->policy.name, "databases");
}

// All or nothing: half a configuration is nobody's intention.
TEST_F(PolicyMatchTest, ABadSetChangesNothing) {
  SetPolicies({MakePolicy("databases", {"db/**"}, 3)});
  Policy lost = MakePolicy("lost", {"x/*"}, 3);
  lost.shared_retry_budget = "nowhere";
  const auto code = absl::StatusCode::kInvalidArgument;
  const absl::Status unknown = engine_.SetPolicies({lost}, {{"somewhere", {}}});
  ExpectError(unknown, code, "RETRY_BUDGET_UNKNOWN", {"lost", "nowhere", "define it"});
  EXPECT_EQ(ErrorField(unknown), "shared_retry_budget");
  ExpectError(engine_.SetPolicies({MakePolicy("a", {"x*"}, 1), MakePolicy("b", {"x*"}, 1)}, {}),
              code, "POLICY_MATCH_TIE", {"\"a\"", "\"b\""});
  ExpectError(engine_.SetPolicies({MakePolicy("a", {"x*"}, 1), MakePolicy("a", {"y*"}, 1)}, {}),
              code, "POLICY_NAME_TAKEN", {"\"a\""});
  EXPECT_EQ(engine_.policies(), 2u);
  EXPECT_EQ(PolicyOf("db/orders"), "databases");
  EXPECT_TRUE(engine_.Budgets().empty());
}

}  // namespace
}  // namespace fusebox
