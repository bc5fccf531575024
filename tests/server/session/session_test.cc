// What a session tells its client, and when.
#include "server/session/session.h"

#include "google/rpc/error_details.pb.h"
#include "server/session/session_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string ReasonOf(const google::rpc::Status& error) {
  google::rpc::ErrorInfo info;
  EXPECT_TRUE(error.details(0).UnpackTo(&info));
  return info.reason();
}

v1::SessionRequest AskFor(uint32_t handle, uint32_t count, uint32_t attempt = 1) {
  v1::SessionRequest request;
  v1::PermitRequest& permits = *request.add_permits();
  permits.set_handle(handle);
  permits.set_count(count);
  permits.set_attempt(attempt);
  if (attempt > 1) permits.set_previous_outcome(v1::OUTCOME_FAILURE);
  return request;
}

// The first thing that it learns of a breaker is all that it needs to decide.
TEST_F(SessionTest, TellsStateAndPolicyOfWhatIsSubscribed) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(7, kOrders).ok());
  const v1::SessionResponse heard = client.Hear();
  ASSERT_EQ(heard.states_size(), 1);
  const v1::BreakerState& state = heard.states(0);
  EXPECT_EQ(state.handle(), 7u);
  EXPECT_EQ(state.state(), v1::STATE_CLOSED);
  EXPECT_EQ(state.epoch(), Look().epoch);
  EXPECT_EQ(state.local_share(), 1);
  EXPECT_EQ(state.policy().name(), "default");
  // Also the numbers that nobody had set.
  EXPECT_EQ(state.policy().circuit_breaker().consecutive_failures(), 5u);
}

// A trip reaches who follows the breaker, with what is left of the wait, and nobody else.
TEST_F(SessionTest, TellsATripToThoseWhoFollowTheBreaker) {
  FakeClient follower = Client("follower"), other = Client("other");
  ASSERT_TRUE(follower.Subscribe(1, kOrders).ok());
  ASSERT_TRUE(other.Subscribe(1, kUsers).ok());
  follower.Hear();
  other.Hear();
  Deliver();  // That they were born, which is no news.
  EXPECT_THAT(follower.Hear().states(), IsEmpty());
  EXPECT_THAT(other.Hear().states(), IsEmpty());
  const int wakes = follower.wakes(), others_wakes = other.wakes();
  Trip();
  clock_.Advance(absl::Seconds(10));
  Deliver();
  EXPECT_EQ(follower.wakes(), wakes + 1);
  follower.Hear();
  EXPECT_EQ(follower.known(1).state(), v1::STATE_OPEN);
  EXPECT_EQ(follower.known(1).retry_after().seconds(), 20);
  EXPECT_FALSE(follower.known(1).has_policy());  // It knows it.
  EXPECT_EQ(other.wakes(), others_wakes);
  EXPECT_THAT(other.Hear().states(), IsEmpty());
}

// Who does not read is told the newest state when they do, and costs nothing meanwhile.
TEST_F(SessionTest, TellsASlowReaderTheNewestStateOnly) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  for (int i = 0; i < 50; ++i) {
    Trip();
    Pass(absl::Hours(1));
    for (int probe = 0; probe < 2; ++probe) Record(Granted(), Outcome::kSuccess);
    Deliver();
  }
  const v1::SessionResponse heard = client.Hear();
  EXPECT_EQ(heard.states_size(), 1);
  EXPECT_EQ(client.known(1).state(), v1::STATE_CLOSED);
  EXPECT_EQ(client.known(1).epoch(), Look().epoch);
  EXPECT_EQ(client.messages(), 1);
}

// One wake for all that happens until it has been heard.
TEST_F(SessionTest, WakesOnceUntilItHasSaidAll) {
  FakeClient client = Client();
  for (uint32_t handle : {1, 2, 3}) {
    ASSERT_TRUE(client.Subscribe(handle, absl::StrCat("db/", handle)).ok());
  }
  client.Hear();
  for (const char* breaker : {"db/1", "db/2", "db/3"}) Trip(breaker);
  Deliver();
  EXPECT_EQ(client.wakes(), 1);
  EXPECT_EQ(client.Hear().states_size(), 3);
  EXPECT_EQ(client.messages(), 2);
}

// What an operator imposes is part of where a breaker stands, and so is a new policy.
TEST_F(SessionTest, TellsOverridesAndNewPolicies) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  client.Hear();
  const uint32_t revision = client.known(1).revision();
  ASSERT_TRUE(engine_
                  .SetOverride(kOrders, {.mode = OverrideMode::kForcedOpen,
                                         .expires = clock_.Now() + absl::Minutes(2),
                                         .match = std::string(kOrders),
                                         .by_name = true})
                  .ok());
  Deliver();
  client.Hear();
  EXPECT_EQ(client.known(1).override(), v1::OVERRIDE_MODE_FORCED_OPEN);
  EXPECT_EQ(client.known(1).override_ttl().seconds(), 120);
  EXPECT_GT(client.known(1).revision(), revision);

  Policy careful;
  careful.name = "careful";
  careful.match = {"db/*"};
  careful.circuit_breaker.consecutive_failures = 2;
  SetPolicies({careful});
  Sweep();
  Deliver();
  client.Hear();
  EXPECT_EQ(client.known(1).policy().name(), "careful");
  EXPECT_EQ(client.known(1).policy().circuit_breaker().consecutive_failures(), 2u);
}

// So many share the fleet's numbers; one that must decide alone takes its part of them.
TEST_F(SessionTest, TellsWhatShareOneOfSoManyHas) {
  std::vector<std::unique_ptr<FakeClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(
        std::make_unique<FakeClient>(engine_, topics_, counts_, book_, absl::StrCat("client-", i)));
    ASSERT_TRUE(clients.back()->Subscribe(1, kOrders).ok());
    clients.back()->Hear();
  }
  // Told anew whenever they have become twice or half as many.
  Deliver();
  clients[0]->Hear();
  EXPECT_EQ(clients[0]->known(1).local_share(), 1.0 / 8);
  clients.resize(4);
  Deliver();
  clients[0]->Hear();
  EXPECT_EQ(clients[0]->known(1).local_share(), 1.0 / 4);
}

// A breaker that is gone is gone for its followers, who subscribe anew when they need it.
TEST_F(SessionTest, TellsWhatWasForgotten) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  client.Hear();
  ASSERT_TRUE(engine_.Forget(kOrders, {}).ok());
  Deliver();
  EXPECT_THAT(client.Hear().forgotten(), ElementsAre(1));
  EXPECT_EQ(topics_.size(), 0u);
  ASSERT_TRUE(client.Subscribe(2, kOrders).ok());
  EXPECT_EQ(client.Hear().states_size(), 1);
}

// One bad name must not cost the others their breakers.
TEST_F(SessionTest, RefusesASubscriptionAlone) {
  FakeClient client = Client();
  client.Forbid("secret/keys");
  v1::SessionRequest request;
  uint32_t handle = 0;
  for (const char* name : {"db/orders", "no good", "secret/keys"}) {
    request.add_subscribe()->set_handle(++handle);
    request.mutable_subscribe(request.subscribe_size() - 1)->set_breaker(name);
  }
  ASSERT_TRUE(client.Say(request).ok());
  EXPECT_TRUE(client.session().OwesAnswers());
  const v1::SessionResponse heard = client.Hear();
  ASSERT_EQ(heard.refused_size(), 2);
  EXPECT_EQ(heard.refused(0).handle(), 2u);
  EXPECT_EQ(ReasonOf(heard.refused(0).error()), "BREAKER_NAME_INVALID");
  EXPECT_EQ(heard.refused(1).handle(), 3u);
  EXPECT_EQ(ReasonOf(heard.refused(1).error()), "PERMISSION_DENIED");
  EXPECT_EQ(client.known(1).state(), v1::STATE_CLOSED);
  EXPECT_FALSE(Exists("secret/keys"));
  EXPECT_FALSE(client.session().OwesAnswers());
}

// Memory per session is bounded by a flag, which the refusal names.
TEST_F(SessionTest, RefusesOneSubscriptionTooMany) {
  FakeClient client = Client("client", /*max_subscriptions=*/2);
  for (uint32_t handle : {1, 2, 3}) {
    ASSERT_TRUE(client.Subscribe(handle, absl::StrCat("db/", handle)).ok());
  }
  const v1::SessionResponse heard = client.Hear();
  ASSERT_EQ(heard.refused_size(), 1);
  EXPECT_EQ(ReasonOf(heard.refused(0).error()), "TOO_MANY_SUBSCRIPTIONS");
  EXPECT_THAT(heard.refused(0).error().message(), ::testing::HasSubstr("--max-subscriptions"));
  v1::SessionRequest request;
  request.add_unsubscribe(1);
  ASSERT_TRUE(client.Say(request).ok());
  ASSERT_TRUE(client.Subscribe(4, "db/4").ok());
  EXPECT_EQ(client.Hear().states_size(), 1);
}

// A handle that means two things, one after the other, would count one breaker's failures for
// another: what is on its way may mean the first.
TEST_F(SessionTest, EndsWithAHandleThatWasUsedBefore) {
  FakeClient client = Client();
  ExpectError(client.Subscribe(0, kUsers), absl::StatusCode::kInvalidArgument, "HANDLE_INVALID");
  ASSERT_TRUE(client.Subscribe(5, kOrders).ok());
  v1::SessionRequest request;
  request.add_unsubscribe(5);
  ASSERT_TRUE(client.Say(request).ok());
  for (const uint32_t handle : {5u, 4u}) {
    ExpectError(client.Subscribe(handle, kUsers), absl::StatusCode::kInvalidArgument,
                "HANDLE_INVALID", {absl::StrCat("is ", handle, " after 5")});
  }
}

// Else one client would be many, of which each has a small share.
TEST_F(SessionTest, RefusesASecondHandleForABreaker) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  ASSERT_TRUE(client.Subscribe(2, kOrders).ok());
  const v1::SessionResponse heard = client.Hear();
  ASSERT_EQ(heard.refused_size(), 1);
  EXPECT_EQ(heard.refused(0).handle(), 2u);
  EXPECT_EQ(ReasonOf(heard.refused(0).error()), "ALREADY_SUBSCRIBED");
  EXPECT_EQ(client.known(1).local_share(), 1);
}

// One message must not make more work, nor a larger answer, than is good for the others.
TEST_F(SessionTest, EndsWithAMessageThatAsksForTooMuch) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  v1::SessionRequest much;
  for (int i = 0; i <= Session::kMaxPermitRequests; ++i) {
    much.add_permits()->set_handle(1);
    much.mutable_permits(i)->set_count(1);
  }
  ExpectError(client.Say(much), absl::StatusCode::kInvalidArgument, "MESSAGE_TOO_LARGE", {"101"});
  much.Clear();
  for (int i = 0; i <= Session::kMaxSubscribe; ++i) much.add_subscribe()->set_handle(i + 2);
  ExpectError(client.Say(much), absl::StatusCode::kInvalidArgument, "MESSAGE_TOO_LARGE", {"1001"});
  EXPECT_EQ(engine_.counters().allowed, 0u);
}

// Who comes and goes without reading costs no more than what it is subscribed to.
TEST_F(SessionTest, ForgetsWhatWasLeftBeforeItWasSaid) {
  FakeClient client = Client();
  for (uint32_t handle = 1; handle <= 5'000; ++handle) {
    ASSERT_TRUE(client.Subscribe(handle, kOrders).ok());
    v1::SessionRequest request;
    request.add_unsubscribe(handle);
    ASSERT_TRUE(client.Say(request).ok());
  }
  EXPECT_LE(client.session().unsaid(), 1'000u);
  EXPECT_THAT(client.Hear().states(), IsEmpty());
}

// What is learned of latencies reaches those who hedge.
TEST_F(SessionTest, TellsWhenToHedge) {
  Policy policy;
  policy.hedge = {.percentile = Share::FromFraction(0.9), .delay = {}, .min_samples = 10};
  SetPolicies({policy});
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  client.Hear();
  EXPECT_FALSE(client.known(1).has_hedge_delay());
  EXPECT_FALSE(client.known(1).policy().match_size() > 0);
  v1::Tally tally;
  tally.set_handle(1);
  tally.set_epoch(client.known(1).epoch());
  tally.set_successes(50);
  for (int i = 0; i < 5; ++i) tally.add_latency_samples()->set_nanos(30'000'000);
  ASSERT_TRUE(client.Report(tally).ok());
  Deliver();
  client.Hear();
  EXPECT_NEAR(client.known(1).hedge_delay().nanos(), 30e6, 2e6);
}

// What it has left it hears nothing of, and nothing is left of a session that ended.
TEST_F(SessionTest, LeavesNothingBehind) {
  {
    FakeClient client = Client();
    ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
    ASSERT_TRUE(client.Subscribe(2, kUsers).ok());
    Deliver();  // That they were born.
    client.Hear();
    v1::SessionRequest request;
    request.add_unsubscribe(1);
    ASSERT_TRUE(client.Say(request).ok());
    EXPECT_EQ(topics_.size(), 1u);
    Trip();
    Deliver();
    EXPECT_THAT(client.Hear().states(), IsEmpty());
  }
  EXPECT_EQ(topics_.size(), 0u);
}

// Half-open, exactly as many probes go out as the policy says, whoever asks for how many.
TEST_F(SessionTest, GrantsProbesAheadOfCalls) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  HalfOpen();
  ASSERT_TRUE(client.Say(AskFor(1, 10)).ok());
  const v1::SessionResponse heard = client.Hear();
  ASSERT_EQ(heard.permits_size(), 1);
  EXPECT_EQ(heard.permits(0).permits_size(), 3);
  EXPECT_EQ(heard.permits(0).lease().seconds(), 60);
  EXPECT_EQ(heard.permits(0).reason(), v1::REASON_PROBES_BUSY);
  v1::Report report;
  for (int i = 0; i < 2; ++i) {
    v1::SessionEnding& ending = *report.add_endings();
    ending.set_handle(1);
    ending.mutable_ending()->set_permit(heard.permits(0).permits(i));
    ending.mutable_ending()->set_outcome(v1::OUTCOME_SUCCESS);
  }
  ASSERT_TRUE(client.Report(report).ok());
  EXPECT_EQ(Look().state, State::kClosed);
}

// A budget never grants more than it holds, whatever clients ask for.
TEST_F(SessionTest, GrantsRetriesOfTheBudget) {
  Policy policy;
  policy.retry_budget = {Share(), 2, absl::Seconds(1)};
  SetPolicies({policy});
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  ASSERT_TRUE(client.Say(AskFor(1, 5, /*attempt=*/2)).ok());
  const v1::SessionResponse heard = client.Hear();
  EXPECT_EQ(heard.permits(0).permits_size(), 2);
  EXPECT_EQ(heard.permits(0).reason(), v1::REASON_RETRY_BUDGET);
  EXPECT_GT(heard.permits(0).retry_after().nanos(), 0);
}

// A place that nobody needed is the next one's.
TEST_F(SessionTest, APermitThatWasNotNeededGivesItsPlaceBack) {
  Policy policy;
  policy.bulkhead = {.max_concurrent = 1};
  SetPolicies({policy});
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  ASSERT_TRUE(client.Say(AskFor(1, 2)).ok());
  const v1::SessionResponse heard = client.Hear();
  ASSERT_EQ(heard.permits(0).permits_size(), 1);
  EXPECT_EQ(heard.permits(0).reason(), v1::REASON_BULKHEAD);
  v1::Report report;
  v1::SessionEnding& ending = *report.add_endings();
  ending.set_handle(1);
  ending.mutable_ending()->set_permit(heard.permits(0).permits(0));
  ending.mutable_ending()->set_outcome(v1::OUTCOME_IGNORED);
  ASSERT_TRUE(client.Report(report).ok());
  ASSERT_TRUE(client.Say(AskFor(1, 1)).ok());
  EXPECT_EQ(client.Hear().permits(0).permits_size(), 1);
}

// Each request has its answer, also one about a breaker that was forgotten meanwhile.
TEST_F(SessionTest, AnswersARequestForWhatIsGone) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Say(AskFor(9, 1)).ok());
  const v1::SessionResponse heard = client.Hear();
  ASSERT_EQ(heard.permits_size(), 1);
  EXPECT_EQ(heard.permits(0).handle(), 9u);
  EXPECT_THAT(heard.permits(0).permits(), IsEmpty());
  EXPECT_EQ(heard.permits(0).retry_after().seconds(), 1);
}

// The count is the client's to keep in range.
TEST_F(SessionTest, EndsWithARequestForTooManyPermits) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  for (const uint32_t count : {0u, 101u}) {
    ExpectError(client.Say(AskFor(1, count)), absl::StatusCode::kInvalidArgument, "COUNT_INVALID",
                {absl::StrCat("is ", count)});
  }
}

}  // namespace
}  // namespace fusebox
