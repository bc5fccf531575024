// Policies and retry budgets as operators and the file define them.
#include "server/control/control_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;

class PolicyChangesTest : public ControlTest {};

TEST_F(PolicyChangesTest, ACreatedPolicyRulesBreakersThatExistAndKeepsTheirCounts) {
  EXPECT_EQ(PolicyOf("db/orders"), "default");
  ASSERT_TRUE(engine_.Record("db/orders", "", {.result = Result::Of(Outcome::kFailure)}).ok());
  ASSERT_TRUE(Create(PolicyFor("database", "db/*")).ok());
  EXPECT_EQ(PolicyOf("db/orders"), "database");
  EXPECT_EQ(engine_.Get("db/orders")->policy_match, "db/*");
  EXPECT_EQ(engine_.Get("db/orders")->snapshot.consecutive_failures, 1u);
}

TEST_F(PolicyChangesTest, ItSaysWhoMadeItAndWhen) {
  const absl::StatusOr<v1::Policy> made = Create(PolicyFor("database", "db/*"));
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->info().source(), v1::SOURCE_API);
  EXPECT_EQ(made->info().updated_by(), "ada");
  EXPECT_EQ(FromProto(made->info().create_time()), clock_.WallNow());
  EXPECT_FALSE(made->info().etag().empty());
  ASSERT_EQ(rows_.all().size(), 1u);
  EXPECT_EQ(rows_.all()[0].key, "database");
  EXPECT_EQ(*rows_.all()[0].value, made->SerializeAsString());
}

TEST_F(PolicyChangesTest, EveryProblemIsNamedAtOnce) {
  v1::Policy bad = PolicyFor("Database", "db/*");
  bad.mutable_circuit_breaker()->set_failure_rate_threshold(50);
  bad.mutable_circuit_breaker()->set_max_probes(0);
  const absl::Status status = Create(bad).status();
  ExpectError(status, absl::StatusCode::kInvalidArgument, "POLICY_INVALID", {"0.5", "Database"});
  std::vector<std::string> fields;
  for (const FieldError& error : ErrorFields(status)) fields.push_back(error.field);
  EXPECT_THAT(fields,
              ::testing::UnorderedElementsAre("name", "circuit_breaker.failure_rate_threshold",
                                              "circuit_breaker.max_probes"));
}

TEST_F(PolicyChangesTest, ANameIsTakenOnce) {
  ASSERT_TRUE(Create(PolicyFor("database", "db/*")).ok());
  ExpectError(Create(PolicyFor("database", "sql/*")).status(), absl::StatusCode::kAlreadyExists,
              "POLICY_NAME_TAKEN", {"database", "API"});
  v1::Policy standard;
  standard.set_name("default");
  ExpectError(Create(standard).status(), absl::StatusCode::kAlreadyExists, "POLICY_NAME_TAKEN",
              {"update"});
}

TEST_F(PolicyChangesTest, TwoGlobsThatTieAreRefusedAndChangeNothing) {
  ASSERT_TRUE(Create(PolicyFor("one", "db/*")).ok());
  ExpectError(Create(PolicyFor("two", "db/*")).status(), absl::StatusCode::kInvalidArgument,
              "POLICY_MATCH_TIE", {"one", "two"});
  EXPECT_EQ(control_.book()->policies.size(), 2u);
  EXPECT_TRUE(rows_.empty());
}

TEST_F(PolicyChangesTest, NoMorePoliciesThanMayBe) {
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_TRUE(Create(PolicyFor(name, std::string(name) + "/*")).ok());
  }
  ExpectError(Create(PolicyFor("d", "d/*")).status(), absl::StatusCode::kResourceExhausted,
              "TOO_MANY_POLICIES", {"4", "--max-policies"});
}

TEST_F(PolicyChangesTest, AnUpdateTakesTheFieldsOfTheMaskAndNoOthers) {
  v1::Policy policy = PolicyFor("database", "db/*");
  policy.mutable_circuit_breaker()->set_max_probes(7);
  ASSERT_TRUE(Create(policy).ok());
  v1::Policy change;
  change.set_name("database");
  change.mutable_circuit_breaker()->set_consecutive_failures(9);
  const auto updated = Update(change, {"circuit_breaker.consecutive_failures"});
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->circuit_breaker().consecutive_failures(), 9u);
  EXPECT_EQ(updated->circuit_breaker().max_probes(), 7u);
  EXPECT_THAT(updated->match(), ElementsAre("db/*"));
}

TEST_F(PolicyChangesTest, AnUpdateWithoutAMaskTakesAll) {
  v1::Policy policy = PolicyFor("database", "db/*");
  policy.mutable_circuit_breaker()->set_max_probes(7);
  ASSERT_TRUE(Create(policy).ok());
  const auto updated = Update(PolicyFor("database", "sql/*"));
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_FALSE(updated->has_circuit_breaker());
  EXPECT_EQ(PolicyOf("sql/orders"), "database");
  EXPECT_EQ(PolicyOf("db/orders"), "default");
}

TEST_F(PolicyChangesTest, AMaskOfNoFieldIsAnError) {
  ASSERT_TRUE(Create(PolicyFor("database", "db/*")).ok());
  for (const char* path : {"name", "info", "info.etag", "circuit_breaker.nonsense"}) {
    ExpectError(Update(PolicyFor("database", "db/*"), {path}).status(),
                absl::StatusCode::kInvalidArgument, "UPDATE_MASK_INVALID", {path});
  }
}

TEST_F(PolicyChangesTest, EveryChangeHasItsEtag) {
  const std::string first = Create(PolicyFor("database", "db/*"))->info().etag();
  v1::Policy change = PolicyFor("database", "sql/*");
  change.mutable_info()->set_etag(first);
  const auto updated = Update(change);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_NE(updated->info().etag(), first);
  // Somebody who read it before the update.
  change.add_match("more/*");
  ExpectError(Update(change).status(), absl::StatusCode::kAborted, "ETAG_STALE", {first});
  ExpectError(Delete("database", first), absl::StatusCode::kAborted, "ETAG_STALE");
  EXPECT_TRUE(Delete("database", updated->info().etag()).ok());
}

// Applied again, a file changes nothing, and writes nothing.
TEST_F(PolicyChangesTest, AnUpdateThatChangesNothingKeepsTheEtag) {
  const auto made = Create(PolicyFor("database", "db/*"));
  const auto again = Update(PolicyFor("database", "db/*"));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->info().etag(), made->info().etag());
  EXPECT_TRUE(rows_.empty());
}

TEST_F(PolicyChangesTest, TheDefaultCanBeChangedAndComesBack) {
  v1::Policy strict;
  strict.set_name("default");
  strict.mutable_circuit_breaker()->set_consecutive_failures(1);
  ASSERT_TRUE(Update(strict).ok());
  ASSERT_TRUE(engine_.Record("db/orders", "", {.result = Result::Of(Outcome::kFailure)}).ok());
  EXPECT_EQ(engine_.Get("db/orders")->snapshot.state, State::kOpen);
  ASSERT_TRUE(Delete("default").ok());
  EXPECT_EQ(control_.book()->policies.at("default")->info().source(), v1::SOURCE_BUILT_IN);
  ExpectError(Delete("default"), absl::StatusCode::kFailedPrecondition, "POLICY_READ_ONLY");
}

TEST_F(PolicyChangesTest, WhatIsNotThereIsAnError) {
  ExpectError(Update(PolicyFor("nobody", "x/*")).status(), absl::StatusCode::kNotFound,
              "POLICY_NOT_FOUND", {"nobody"});
  ExpectError(Delete("nobody"), absl::StatusCode::kNotFound, "POLICY_NOT_FOUND", {"nobody"});
}

TEST_F(PolicyChangesTest, ABudgetThatAPolicyNamesIsThereAndStays) {
  v1::Policy policy = PolicyFor("database", "db/*");
  policy.set_shared_retry_budget("fleet");
  ExpectError(Create(policy).status(), absl::StatusCode::kInvalidArgument, "RETRY_BUDGET_UNKNOWN",
              {"fleet"});
  ASSERT_TRUE(CreateBudget("fleet").ok());
  ASSERT_TRUE(Create(policy).ok());
  const auto remove = [](Draft& draft) { return DeleteRetryBudget("fleet", "", draft); };
  ExpectError(Make(remove), absl::StatusCode::kFailedPrecondition, "RETRY_BUDGET_IN_USE",
              {"fleet", "database"});
  ASSERT_TRUE(Delete("database").ok());
  EXPECT_TRUE(Make(remove).ok());
}

TEST_F(PolicyChangesTest, ABudgetsNumbersAreChecked) {
  v1::RetryBudget bad = BudgetOf("Fleet");
  bad.mutable_settings()->set_retry_ratio(-1);
  const absl::Status status = Make([&](Draft& draft) {
    return CreateRetryBudget(bad, Ada(), control_.limits(), draft).status();
  });
  ExpectError(status, absl::StatusCode::kInvalidArgument, "RETRY_BUDGET_INVALID");
  EXPECT_EQ(ErrorFields(status).size(), 2u);
}

class FileTest : public ControlTest {
 protected:
  absl::Status Reload(const std::vector<v1::Policy>& policies,
                      const std::vector<v1::RetryBudget>& budgets = {}) {
    return Make([&](Draft& draft) { return ReplaceFileResources(policies, budgets, draft); },
                absl::UnavailableError("the disk is full"), Control::Kind::kVolatile);
  }
};

TEST_F(FileTest, WhatTheFileSaysIsReadOnly) {
  ASSERT_TRUE(Reload({PolicyFor("database", "db/*")}).ok());
  EXPECT_EQ(control_.book()->policies.at("database")->info().source(), v1::SOURCE_FILE);
  ExpectError(Update(PolicyFor("database", "x/*")).status(), absl::StatusCode::kFailedPrecondition,
              "POLICY_READ_ONLY", {"database", "file"});
  ExpectError(Delete("database"), absl::StatusCode::kFailedPrecondition, "POLICY_READ_ONLY");
  ExpectError(Create(PolicyFor("database", "x/*")).status(), absl::StatusCode::kAlreadyExists,
              "POLICY_NAME_TAKEN", {"file"});
}

TEST_F(FileTest, TheNextFileReplacesTheOneBeforeAndLeavesTheApisAlone) {
  ASSERT_TRUE(Create(PolicyFor("kept", "kept/*")).ok());
  ASSERT_TRUE(Reload({PolicyFor("old", "old/*"), PolicyFor("same", "same/*")}).ok());
  const std::string etag = control_.book()->policies.at("same")->info().etag();
  ASSERT_TRUE(Reload({PolicyFor("new", "new/*"), PolicyFor("same", "same/*")}).ok());
  EXPECT_EQ(PolicyOf("old/x"), "default");
  EXPECT_EQ(PolicyOf("new/x"), "new");
  EXPECT_EQ(PolicyOf("kept/x"), "kept");
  EXPECT_EQ(control_.book()->policies.at("same")->info().etag(), etag);
}

TEST_F(FileTest, AFileThatDoesNotGoWithTheRestChangesNothing) {
  ASSERT_TRUE(Reload({PolicyFor("old", "old/*")}).ok());
  ASSERT_TRUE(Create(PolicyFor("mine", "mine/*")).ok());
  ExpectError(Reload({PolicyFor("mine", "other/*")}), absl::StatusCode::kAlreadyExists,
              "POLICY_NAME_TAKEN", {"mine", "API"});
  ExpectError(Reload({PolicyFor("theirs", "mine/*")}), absl::StatusCode::kInvalidArgument,
              "POLICY_MATCH_TIE");
  EXPECT_EQ(PolicyOf("old/x"), "old");
}

TEST_F(FileTest, ABudgetThatTheApiUsesCannotLeaveTheFile) {
  ASSERT_TRUE(Reload({}, {BudgetOf("fleet")}).ok());
  v1::Policy policy = PolicyFor("database", "db/*");
  policy.set_shared_retry_budget("fleet");
  ASSERT_TRUE(Create(policy).ok());
  ExpectError(Reload({}), absl::StatusCode::kInvalidArgument, "RETRY_BUDGET_UNKNOWN", {"fleet"});
}

TEST_F(FileTest, TheFilesDefaultReplacesTheBuiltInOneWhileItIsThere) {
  v1::Policy standard;
  standard.set_name("default");
  standard.mutable_circuit_breaker()->set_max_probes(9);
  ASSERT_TRUE(Reload({standard}).ok());
  EXPECT_EQ(control_.book()->policies.at("default")->circuit_breaker().max_probes(), 9u);
  ASSERT_TRUE(Reload({}).ok());
  EXPECT_EQ(control_.book()->policies.at("default")->info().source(), v1::SOURCE_BUILT_IN);
}

}  // namespace
}  // namespace fusebox
