// Allow and Record over a connection.
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

class BreakerServiceTest : public RpcTest {
 protected:
  static v1::RecordRequest From(const std::string& client) {
    v1::RecordRequest request = Outcome(v1::OUTCOME_FAILURE);
    request.set_client(client);
    return request;
  }
};

class OneBreakerTest : public RpcTest {
 protected:
  OneBreakerTest() : RpcTest({.max_breakers = 1}) {}
};

// The answer carries all that a caller needs to make the call and to report it.
TEST_F(BreakerServiceTest, AllowGrantsACall) {
  const v1::AllowResponse answer = Allow();
  EXPECT_EQ(answer.decision(), v1::DECISION_ALLOWED);
  EXPECT_EQ(answer.breaker(), "db/orders");
  EXPECT_EQ(answer.reason(), v1::REASON_UNSPECIFIED);
  EXPECT_EQ(answer.permit().size(), SealedPermit::kSize);
  EXPECT_FALSE(answer.probe());
  EXPECT_EQ(answer.state(), v1::STATE_CLOSED);
  EXPECT_GT(answer.epoch(), 0u);
  EXPECT_FALSE(answer.has_retry_after());
}

// A refusal is an OK response: it must not look like an outage of ours.
TEST_F(BreakerServiceTest, ARefusalIsAnAnswer) {
  Trip();
  const v1::AllowResponse answer = Allow();
  EXPECT_EQ(answer.decision(), v1::DECISION_DENIED);
  EXPECT_EQ(answer.reason(), v1::REASON_OPEN);
  EXPECT_EQ(answer.state(), v1::STATE_OPEN);
  EXPECT_EQ(answer.retry_after().seconds(), 30);
  EXPECT_TRUE(answer.permit().empty());
}

// What the verdict says, after a call that was granted.
TEST_F(BreakerServiceTest, RecordSaysWhatBecameOfTheOutcome) {
  const v1::AllowResponse granted = Allow();
  const v1::RecordResponse verdict = Record(Outcome(v1::OUTCOME_TIMEOUT, granted.permit()));
  EXPECT_EQ(verdict.counted(), v1::COUNTED_COUNTED);
  EXPECT_EQ(verdict.outcome(), v1::OUTCOME_TIMEOUT);
  EXPECT_EQ(verdict.state(), v1::STATE_CLOSED);
  EXPECT_EQ(verdict.epoch(), granted.epoch());
  EXPECT_EQ(Record(Outcome(v1::OUTCOME_TIMEOUT, granted.permit())).counted(), v1::COUNTED_REPEATED);
  EXPECT_EQ(Record(Outcome(v1::OUTCOME_IGNORED)).counted(), v1::COUNTED_NOT_COUNTED);
}

// Raw codes are classified by the policy of the breaker.
TEST_F(BreakerServiceTest, RecordClassifiesRawCodes) {
  v1::RecordRequest request = Outcome(v1::OUTCOME_UNSPECIFIED);
  request.set_grpc_code(14);
  EXPECT_EQ(Record(request).outcome(), v1::OUTCOME_FAILURE);
  request.set_http_status(404);
  EXPECT_EQ(Record(request).outcome(), v1::OUTCOME_CALLER_ERROR);
  request.set_http_status(429);
  EXPECT_EQ(Record(request).outcome(), v1::OUTCOME_RATE_LIMITED);
}

// A half-open breaker says that the call is a probe, so that it is reported for sure.
TEST_F(BreakerServiceTest, ProbesAreSaidToBeProbes) {
  Trip();
  Pass(absl::Seconds(30));
  const v1::AllowResponse probe = Allow();
  EXPECT_TRUE(probe.probe());
  EXPECT_EQ(probe.state(), v1::STATE_HALF_OPEN);
  EXPECT_EQ(Record(Outcome(v1::OUTCOME_FAILURE, probe.permit())).state(), v1::STATE_OPEN);
}

// A retry spends budget, and a refusal for that says so.
TEST_F(BreakerServiceTest, RetriesSpendTheBudget) {
  Policy policy;
  policy.retry_budget.min_retries_per_second = 1;
  ASSERT_TRUE(engine_.SetPolicies({policy}, {}).ok());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Allow("db/orders", 2).decision(), v1::DECISION_ALLOWED);
  const v1::AllowResponse refused = Allow("db/orders", 2);
  EXPECT_EQ(refused.decision(), v1::DECISION_DENIED);
  EXPECT_EQ(refused.reason(), v1::REASON_RETRY_BUDGET);
  EXPECT_TRUE(refused.has_retry_after());
  const v1::RetryBudgetStatus budget = Get().retry_budget();
  EXPECT_EQ(budget.spent(), 10u);
  EXPECT_EQ(budget.refused(), 1u);
  EXPECT_EQ(budget.balance_millis(), 0);
}

// Which client: the field, else the peer's address without its port, so that connections of one
// host do not pass for a quorum.
TEST_F(BreakerServiceTest, AClientIsItsFieldOrItsAddress) {
  Policy quorum;
  quorum.circuit_breaker.min_failing_clients = 3;
  ASSERT_TRUE(engine_.SetPolicies({quorum}, {}).ok());
  Record(From("")), Record(From("a")), Record(From(""));
  EXPECT_THAT(Get().failing_clients(), ::testing::UnorderedElementsAre("a", "127.0.0.1"));
  Record(From("a"));
  EXPECT_EQ(Record(From("a")).state(), v1::STATE_CLOSED);
  EXPECT_EQ(Record(From("b")).state(), v1::STATE_OPEN);
}

// A drill is told of clients by the same names, of calls with fallbacks too.
TEST_F(BreakerServiceTest, ADrillReportsClientsByTheirFieldOrTheirAddress) {
  ASSERT_TRUE(engine_.SetOverride("db/orders", {.reason = "exercise", .drill = true}).ok());
  v1::AllowRequest request;
  request.set_breaker("db/orders");
  EXPECT_TRUE(TryAllow(request).ok());
  request.set_client("web-7");
  EXPECT_TRUE(TryAllow(request).ok());
  request.add_fallbacks("db/replica");
  EXPECT_TRUE(TryAllow(request).ok());
  ASSERT_TRUE(engine_.ClearOverride("db/orders").ok());
  const auto report = engine_.events().Before(~uint64_t{0}, 1).at(0).drill_report;
  ASSERT_NE(report, nullptr);
  EXPECT_THAT(report->clients, ::testing::ElementsAre(::testing::Pair("web-7", 2u),
                                                      ::testing::Pair("127.0.0.1", 1u)));
}

// Overload is an RPC error with a RetryInfo, on which callers go on as if they were allowed.
TEST_F(OneBreakerTest, TooManyBreakersIsResourceExhausted) {
  Allow("db/orders");
  v1::AllowRequest request;
  request.set_breaker("db/users");
  for (const grpc::Status& status :
       {TryAllow(request), TryRecord(Outcome(v1::OUTCOME_FAILURE, "", "db/users"))}) {
    const RpcError error = ErrorOf(status);
    EXPECT_EQ(error.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(error.reason, "TOO_MANY_BREAKERS");
    EXPECT_EQ(error.domain, "fusebox");
    EXPECT_TRUE(error.fields.empty());
    EXPECT_TRUE(error.may_retry);
    EXPECT_THAT(error.message, ::testing::HasSubstr("--max-breakers"));
  }
}

// What people see of one breaker, with times on their clock.
TEST_F(BreakerServiceTest, GetBreakerShowsTheBreaker) {
  Trip();
  Pass(absl::Seconds(10));
  const v1::Breaker breaker = Get();
  EXPECT_EQ(breaker.name(), "db/orders");
  EXPECT_EQ(breaker.policy(), "default");
  EXPECT_EQ(breaker.retry_after().seconds(), 20);
  EXPECT_EQ(breaker.open_until().seconds(), absl::ToUnixSeconds(clock_.WallNow()) + 20);
  EXPECT_EQ(breaker.last_transition().time().seconds(), absl::ToUnixSeconds(clock_.WallNow()) - 10);
  EXPECT_EQ(breaker.last_transition().breaker(), "db/orders");
  EXPECT_EQ(breaker.last_transition().cause(), v1::CAUSE_CONSECUTIVE_FAILURES);
  EXPECT_EQ(breaker.last_transition().epoch(), breaker.epoch());
  EXPECT_EQ(breaker.health(), v1::HEALTH_UNHEALTHY);
}

// A breaker that is not there is not made by asking, and the error says how breakers come to be.
TEST_F(BreakerServiceTest, GetBreakerFindsNothing) {
  const RpcError error = ErrorOf(TryGet("db/orders"));
  EXPECT_EQ(error.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(error.reason, "BREAKER_NOT_FOUND");
  EXPECT_EQ(error.domain, "fusebox");
  EXPECT_THAT(error.message, ::testing::HasSubstr("Allow"));
  EXPECT_EQ(Info().breakers(), 0u);
}

// Which server it is, and how full.
TEST_F(BreakerServiceTest, GetServerInfoTellsAboutTheServer) {
  Trip();
  Pass(absl::Seconds(90));
  const v1::GetServerInfoResponse info = Info();
  EXPECT_EQ(info.version(), "1.2.3");
  EXPECT_EQ(info.life(), 1'000u);
  EXPECT_EQ(info.uptime().seconds(), 90);
  EXPECT_EQ(info.store(), "memory");
  EXPECT_EQ(info.breakers(), 1u);
  EXPECT_EQ(info.max_breakers(), 1'000'000u);
  EXPECT_EQ(info.watchers(), 0u);
  EXPECT_EQ(info.transitions(), 2u);
  EXPECT_EQ(info.policies(), 1u);
  EXPECT_FALSE(info.draining());
}

}  // namespace
}  // namespace fusebox
