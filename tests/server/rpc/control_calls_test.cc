// What operators call: policies, retry budgets, overrides, reset and delete. What is true of the
// changes themselves is tested where they are made; here, that the calls make them.
#include <set>

#include "proto/convert/convert.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;

class ControlCallsTest : public RpcTest {
 protected:
  // Calls one of the stub's methods.
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                    const Request& request, Response* response) {
    grpc::ClientContext context;
    Bound(context);
    return (admin_.get()->*method)(&context, request, response);
  }
  template <typename Request, typename Response>
  grpc::Status Call(grpc::Status (v1::AdminService::Stub::*method)(grpc::ClientContext*,
                                                                   const Request&, Response*),
                    const Request& request) {
    Response response;
    return Call(method, request, &response);
  }

  static v1::CreatePolicyRequest NewPolicy(absl::string_view name, absl::string_view match) {
    v1::CreatePolicyRequest request;
    request.mutable_policy()->set_name(std::string(name));
    request.mutable_policy()->add_match(std::string(match));
    request.set_actor("ada");
    return request;
  }
  grpc::Status Create(const v1::CreatePolicyRequest& request) {
    return Call(&v1::AdminService::Stub::CreatePolicy, request);
  }
  static v1::OverrideBreakerRequest Force(absl::string_view match) {
    v1::OverrideBreakerRequest request;
    request.set_match(std::string(match));
    request.set_mode(v1::OVERRIDE_MODE_FORCED_OPEN);
    request.set_reason("maintenance");
    return request;
  }
};

TEST_F(ControlCallsTest, APolicyIsCreatedReadChangedListedAndDeleted) {
  v1::CreatePolicyResponse created;
  ASSERT_TRUE(
      Call(&v1::AdminService::Stub::CreatePolicy, NewPolicy("database", "db/*"), &created).ok());
  EXPECT_EQ(created.policy().info().updated_by(), "ada");
  Allow();
  EXPECT_EQ(Get().policy(), "database");
  EXPECT_EQ(Get().policy_match(), "db/*");

  v1::UpdatePolicyRequest update;
  *update.mutable_policy() = created.policy();
  update.mutable_policy()->mutable_circuit_breaker()->set_consecutive_failures(2);
  update.mutable_update_mask()->add_paths("circuit_breaker.consecutive_failures");
  v1::UpdatePolicyResponse updated;
  ASSERT_TRUE(Call(&v1::AdminService::Stub::UpdatePolicy, update, &updated).ok());
  EXPECT_EQ(ErrorOf(Call(&v1::AdminService::Stub::UpdatePolicy, update)).reason, "ETAG_STALE");

  v1::GetPolicyRequest get;
  get.set_name("database");
  v1::GetPolicyResponse got;
  ASSERT_TRUE(Call(&v1::AdminService::Stub::GetPolicy, get, &got).ok());
  EXPECT_EQ(got.policy().SerializeAsString(), updated.policy().SerializeAsString());

  v1::ListPoliciesResponse listed;
  ASSERT_TRUE(Call(&v1::AdminService::Stub::ListPolicies, v1::ListPoliciesRequest(), &listed).ok());
  ASSERT_EQ(listed.policies_size(), 2);
  EXPECT_EQ(listed.policies(0).name(), "database");
  EXPECT_EQ(listed.policies(1).name(), "default");
  EXPECT_EQ(listed.policies(1).info().source(), v1::SOURCE_BUILT_IN);

  v1::DeletePolicyRequest remove;
  remove.set_name("database");
  ASSERT_TRUE(Call(&v1::AdminService::Stub::DeletePolicy, remove).ok());
  EXPECT_EQ(ErrorOf(Call(&v1::AdminService::Stub::GetPolicy, get)).reason, "POLICY_NOT_FOUND");
  EXPECT_EQ(Get().policy(), "default");
}

// A form with three mistakes is answered with three violations.
TEST_F(ControlCallsTest, EveryBadFieldIsAViolation) {
  v1::CreatePolicyRequest request = NewPolicy("Database", "db/*");
  request.mutable_policy()->mutable_circuit_breaker()->set_failure_rate_threshold(50);
  const RpcError error = ErrorOf(Create(request));
  EXPECT_EQ(error.reason, "POLICY_INVALID");
  EXPECT_THAT(error.fields,
              ::testing::UnorderedElementsAre("name", "circuit_breaker.failure_rate_threshold"));
}

TEST_F(ControlCallsTest, ATrialIsAnsweredAndNotMade) {
  v1::CreatePolicyRequest request = NewPolicy("database", "db/*");
  request.set_validate_only(true);
  EXPECT_TRUE(Create(request).ok());
  EXPECT_EQ(Info().policies(), 1u);
  v1::OverrideBreakerRequest force = Force("db/*");
  force.set_validate_only(true);
  EXPECT_TRUE(Call(&v1::AdminService::Stub::OverrideBreaker, force).ok());
  EXPECT_EQ(Info().overrides(), 0u);
}

// What is kept is shown to people, and is bounded.
TEST_F(ControlCallsTest, AnActorThatCannotBeShownIsRefusedByEveryMethod) {
  using Stub = v1::AdminService::Stub;
  for (const std::string& actor : {std::string(257, 'x'), std::string("ada\x1b[2J")}) {
    const auto refused = [&](auto method, auto request) {
      request.set_actor(actor);
      EXPECT_EQ(ErrorOf(Call(method, request)).reason, "ACTOR_INVALID");
    };
    refused(&Stub::CreatePolicy, NewPolicy("database", "db/*"));
    refused(&Stub::UpdatePolicy, v1::UpdatePolicyRequest());
    refused(&Stub::DeletePolicy, v1::DeletePolicyRequest());
    refused(&Stub::CreateRetryBudget, v1::CreateRetryBudgetRequest());
    refused(&Stub::UpdateRetryBudget, v1::UpdateRetryBudgetRequest());
    refused(&Stub::DeleteRetryBudget, v1::DeleteRetryBudgetRequest());
    refused(&Stub::OverrideBreaker, Force("db/*"));
    refused(&Stub::ClearOverride, v1::ClearOverrideRequest());
    refused(&Stub::ResetBreaker, v1::ResetBreakerRequest());
    refused(&Stub::DeleteBreaker, v1::DeleteBreakerRequest());
  }
}

TEST_F(ControlCallsTest, FieldsThatTheServerDoesNotKnowAreNotKept) {
  v1::CreatePolicyRequest request = NewPolicy("database", "db/*");
  v1::Policy& policy = *request.mutable_policy();
  v1::Policy::GetReflection()->MutableUnknownFields(&policy)->AddLengthDelimited(
      999, std::string(100'000, 'x'));
  v1::CreatePolicyResponse created;
  ASSERT_TRUE(Call(&v1::AdminService::Stub::CreatePolicy, request, &created).ok());
  EXPECT_LT(created.ByteSizeLong(), 1'000u);
}

// The override is true only after the round; the name is held before.
TEST_F(ControlCallsTest, ABreakerThatIsBeingOverriddenIsNotDeleted) {
  Allow();
  ASSERT_TRUE(Call(&v1::AdminService::Stub::OverrideBreaker, Force("db/orders")).ok());
  v1::DeleteBreakerRequest request;
  request.set_name("db/orders");
  request.set_reason("gone");
  EXPECT_EQ(ErrorOf(Call(&v1::AdminService::Stub::DeleteBreaker, request)).reason,
            "BREAKER_OVERRIDDEN");
}

TEST_F(ControlCallsTest, PagesListEveryPolicyOnce) {
  for (const char* name : {"a", "b", "c", "d"}) {
    ASSERT_TRUE(Create(NewPolicy(name, std::string(name) + "/*")).ok());
  }
  std::vector<std::string> names;
  v1::ListPoliciesRequest request;
  request.set_page_size(2);
  do {
    v1::ListPoliciesResponse page;
    ASSERT_TRUE(Call(&v1::AdminService::Stub::ListPolicies, request, &page).ok());
    for (const v1::Policy& policy : page.policies()) names.push_back(policy.name());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(names, ElementsAre("a", "b", "c", "d", "default"));
  request.set_page_token("not a name");
  ExpectBadRequest(Call(&v1::AdminService::Stub::ListPolicies, request), "PAGE_TOKEN_INVALID",
                   "page_token");
  request.set_page_size(1001);
  ExpectBadRequest(Call(&v1::AdminService::Stub::ListPolicies, request), "PAGE_SIZE_INVALID",
                   "page_size");
}

TEST_F(ControlCallsTest, ARetryBudgetShowsWhatIsLeftOfIt) {
  v1::CreateRetryBudgetRequest budget;
  budget.mutable_retry_budget()->set_name("fleet");
  budget.mutable_retry_budget()->mutable_settings()->set_min_retries_per_second(1);
  ASSERT_TRUE(Call(&v1::AdminService::Stub::CreateRetryBudget, budget).ok());
  v1::CreatePolicyRequest policy = NewPolicy("database", "db/*");
  policy.mutable_policy()->set_shared_retry_budget("fleet");
  ASSERT_TRUE(Create(policy).ok());
  const v1::AllowResponse first = Allow();
  Record(Outcome(v1::OUTCOME_SUCCESS, first.permit()));  // Earns a fifth of a retry.
  for (int i = 0; i < 12; ++i) Allow("db/orders", 2);

  v1::GetRetryBudgetRequest get;
  get.set_name("fleet");
  v1::GetRetryBudgetResponse got;
  ASSERT_TRUE(Call(&v1::AdminService::Stub::GetRetryBudget, get, &got).ok());
  EXPECT_EQ(got.retry_budget().status().capacity_millis(), 10'200);
  EXPECT_EQ(got.retry_budget().status().balance_millis(), 200);
  EXPECT_EQ(got.retry_budget().status().spent(), 10u);
  EXPECT_EQ(got.retry_budget().status().refused(), 2u);

  v1::DeleteRetryBudgetRequest remove;
  remove.set_name("fleet");
  EXPECT_EQ(ErrorOf(Call(&v1::AdminService::Stub::DeleteRetryBudget, remove)).reason,
            "RETRY_BUDGET_IN_USE");
  v1::UpdateRetryBudgetRequest update;
  update.mutable_retry_budget()->set_name("fleet");
  update.mutable_retry_budget()->mutable_settings()->set_min_retries_per_second(2);
  ASSERT_TRUE(Call(&v1::AdminService::Stub::UpdateRetryBudget, update).ok());
  v1::ListRetryBudgetsResponse listed;
  ASSERT_TRUE(
      Call(&v1::AdminService::Stub::ListRetryBudgets, v1::ListRetryBudgetsRequest(), &listed).ok());
  ASSERT_EQ(listed.retry_budgets_size(), 1);
  EXPECT_EQ(listed.retry_budgets(0).status().balance_millis(), 10'200);  // What was spent stays so.
}

TEST_F(ControlCallsTest, AnOverrideIsImposedListedAndCleared) {
  v1::OverrideBreakerRequest request = Force("db/*");
  request.mutable_ttl()->set_seconds(600);
  request.set_drill(true);
  v1::OverrideBreakerResponse imposed;
  ASSERT_TRUE(Call(&v1::AdminService::Stub::OverrideBreaker, request, &imposed).ok());
  EXPECT_EQ(imposed.override().actor(), "127.0.0.1");  // Who did not say who it is.
  EXPECT_EQ(Allow().reason(), v1::REASON_FORCED_OPEN);
  EXPECT_EQ(Get().override().match(), "db/*");
  EXPECT_EQ(Get().override().remaining().seconds(), 600);
  EXPECT_TRUE(Get().override().drill());

  v1::ListOverridesResponse listed;
  ASSERT_TRUE(
      Call(&v1::AdminService::Stub::ListOverrides, v1::ListOverridesRequest(), &listed).ok());
  ASSERT_EQ(listed.overrides_size(), 1);
  EXPECT_EQ(listed.overrides(0).reason(), "maintenance");

  v1::ClearOverrideRequest clear;
  clear.set_match("db/*");
  ASSERT_TRUE(Call(&v1::AdminService::Stub::ClearOverride, clear).ok());
  EXPECT_EQ(Allow().decision(), v1::DECISION_ALLOWED);
  EXPECT_EQ(ErrorOf(Call(&v1::AdminService::Stub::ClearOverride, clear)).reason,
            "OVERRIDE_NOT_FOUND");
}

TEST_F(ControlCallsTest, PagesListEveryOverrideOnce) {
  for (const char* match : {"c", "a/*", "b"}) {
    ASSERT_TRUE(Call(&v1::AdminService::Stub::OverrideBreaker, Force(match)).ok());
  }
  std::vector<std::string> matches;
  v1::ListOverridesRequest request;
  request.set_page_size(2);
  do {
    v1::ListOverridesResponse page;
    ASSERT_TRUE(Call(&v1::AdminService::Stub::ListOverrides, request, &page).ok());
    for (const v1::Override& override : page.overrides()) matches.push_back(override.match());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_THAT(matches, ElementsAre("a/*", "b", "c"));
}

TEST_F(ControlCallsTest, AResetBreakerIsShownAsItIs) {
  Trip();
  v1::ResetBreakerRequest request;
  request.set_name("db/orders");
  ExpectBadRequest(Call(&v1::AdminService::Stub::ResetBreaker, request), "REASON_INVALID",
                   "reason");
  request.set_reason("fixed");
  v1::ResetBreakerResponse response;
  ASSERT_TRUE(Call(&v1::AdminService::Stub::ResetBreaker, request, &response).ok());
  EXPECT_EQ(response.breaker().state(), v1::STATE_CLOSED);
  EXPECT_EQ(response.breaker().last_transition().cause(), v1::CAUSE_RESET);
  EXPECT_EQ(Allow().decision(), v1::DECISION_ALLOWED);
}

TEST_F(ControlCallsTest, ADeletedBreakerIsGone) {
  Trip();
  v1::DeleteBreakerRequest request;
  request.set_name("db/orders");
  request.set_reason("renamed");
  ASSERT_TRUE(Call(&v1::AdminService::Stub::DeleteBreaker, request).ok());
  EXPECT_EQ(ErrorOf(TryGet("db/orders")).reason, "BREAKER_NOT_FOUND");
  EXPECT_EQ(ErrorOf(Call(&v1::AdminService::Stub::DeleteBreaker, request)).reason,
            "BREAKER_NOT_FOUND");
}

}  // namespace
}  // namespace fusebox
