// What happened, as readers of the history see it.
#include "proto/convert/convert.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// A header of a trace that consists of this digit.
std::string TraceparentOf(char digit) {
  return absl::StrCat("00-", std::string(32, digit), "-00f067aa0ba902b7-01");
}

class HistoryTest : public RpcTest {
 protected:
  HistoryTest() : RpcTest({.max_events = 10'000}) {}

  grpc::Status TryHistory(const v1::ListTransitionsRequest& request,
                          v1::ListTransitionsResponse* response) {
    grpc::ClientContext context;
    Bound(context);
    return admin_->ListTransitions(&context, request, response);
  }
  grpc::Status TryHistory(const v1::ListTransitionsRequest& request) {
    v1::ListTransitionsResponse response;
    return TryHistory(request, &response);
  }
  // The names of what is listed, on all pages.
  std::vector<std::string> Listed(v1::ListTransitionsRequest request) {
    std::vector<std::string> names;
    do {
      v1::ListTransitionsResponse page;
      EXPECT_TRUE(TryHistory(request, &page).ok());
      for (const v1::Transition& transition : page.transitions()) {
        names.push_back(transition.breaker());
      }
      request.set_page_token(page.next_page_token());
    } while (!request.page_token().empty());
    return names;
  }
  void Force(absl::string_view match) {
    ASSERT_TRUE(engine_.SetOverride(match, {.reason = "maintenance", .actor = "ada"}).ok());
  }
};

TEST_F(HistoryTest, IsEmptyAtFirst) { EXPECT_THAT(Listed({}), IsEmpty()); }

TEST_F(HistoryTest, TellsTheNewestFirstWithAllThatWasKnown) {
  Trip("db/orders");
  Pass(absl::Seconds(30));
  engine_.Maintain();
  v1::ListTransitionsResponse response;
  ASSERT_TRUE(TryHistory({}, &response).ok());
  ASSERT_EQ(response.transitions_size(), 2);
  EXPECT_EQ(response.transitions(0).cause(), v1::CAUSE_WAIT_OVER);
  const v1::Transition& trip = response.transitions(1);
  EXPECT_EQ(trip.number(), 1u);
  EXPECT_EQ(trip.breaker(), "db/orders");
  EXPECT_EQ(trip.from(), v1::STATE_CLOSED);
  EXPECT_EQ(trip.to(), v1::STATE_OPEN);
  EXPECT_EQ(trip.cause(), v1::CAUSE_CONSECUTIVE_FAILURES);
  EXPECT_EQ(trip.window().failures(), 5u);
  EXPECT_EQ(trip.policy(), "default");
  EXPECT_EQ(trip.open_for().seconds(), 30);
  EXPECT_EQ(trip.failing_clients_size(), 1);
  EXPECT_GT(trip.epoch(), 0u);
}

TEST_F(HistoryTest, NamesTheTraceOfTheCallThatTrippedIt) {
  const v1::RecordRequest failure = Outcome(v1::OUTCOME_FAILURE);
  for (const char digit : {'1', '2', '3', '4', '5'}) {
    grpc::ClientContext context;
    Bound(context);
    context.AddMetadata("traceparent", TraceparentOf(digit));
    v1::RecordResponse response;
    ASSERT_TRUE(breakers_->Record(&context, failure, &response).ok());
  }
  Pass(absl::Seconds(30));
  engine_.Maintain();
  v1::ListTransitionsResponse response;
  ASSERT_TRUE(TryHistory({}, &response).ok());
  ASSERT_EQ(response.transitions_size(), 2);
  EXPECT_EQ(response.transitions(0).trace_id(), "") << "its wait was over by itself";
  EXPECT_EQ(response.transitions(1).trace_id(), std::string(32, '5'));
}

TEST_F(HistoryTest, NamesTheTraceOfWhatAnOperatorDid) {
  Trip("db/orders");
  const auto traced = [](grpc::ClientContext& context, char digit) {
    Bound(context);
    context.AddMetadata("traceparent", TraceparentOf(digit));
  };
  grpc::ClientContext overriding, clearing, resetting;
  traced(overriding, 'a');
  v1::OverrideBreakerRequest request;
  request.set_match("db/orders");
  request.set_mode(v1::OVERRIDE_MODE_FORCED_OPEN);
  request.set_reason("maintenance");
  v1::OverrideBreakerResponse overridden;
  ASSERT_TRUE(admin_->OverrideBreaker(&overriding, request, &overridden).ok());
  traced(clearing, 'b');
  v1::ClearOverrideRequest clear;
  clear.set_match("db/orders");
  v1::ClearOverrideResponse cleared;
  ASSERT_TRUE(admin_->ClearOverride(&clearing, clear, &cleared).ok());
  traced(resetting, 'c');
  v1::ResetBreakerRequest reset;
  reset.set_name("db/orders");
  reset.set_reason("it is well");
  v1::ResetBreakerResponse done;
  ASSERT_TRUE(admin_->ResetBreaker(&resetting, reset, &done).ok());

  v1::ListTransitionsResponse response;
  ASSERT_TRUE(TryHistory({}, &response).ok());
  ASSERT_EQ(response.transitions_size(), 4);
  EXPECT_EQ(response.transitions(0).trace_id(), std::string(32, 'c'));
  EXPECT_EQ(response.transitions(1).trace_id(), std::string(32, 'b'));
  EXPECT_EQ(response.transitions(2).trace_id(), std::string(32, 'a'));
  EXPECT_EQ(response.transitions(3).trace_id(), "") << "who tripped it said none";
}

TEST_F(HistoryTest, OverridesAreToldWithoutAState) {
  Force("db/*");
  v1::ListTransitionsResponse response;
  ASSERT_TRUE(TryHistory({}, &response).ok());
  ASSERT_EQ(response.transitions_size(), 1);
  const v1::Transition& begun = response.transitions(0);
  EXPECT_EQ(begun.breaker(), "db/*");
  EXPECT_EQ(begun.cause(), v1::CAUSE_OVERRIDDEN);
  EXPECT_EQ(begun.from(), v1::STATE_UNSPECIFIED);
  EXPECT_EQ(begun.to(), v1::STATE_UNSPECIFIED);
  EXPECT_EQ(begun.actor(), "ada");
  EXPECT_EQ(begun.override().mode(), v1::OVERRIDE_MODE_FORCED_OPEN);
}

TEST_F(HistoryTest, CanBeFilteredByName) {
  Trip("db/orders");
  Trip("http/search");
  Force("db/*");
  Force("http/*");
  v1::ListTransitionsRequest request;
  request.set_match("db/orders");
  // The override of a glob was imposed on it, too.
  EXPECT_THAT(Listed(request), ElementsAre("db/*", "db/orders"));
  request.set_match("nobody/*");
  EXPECT_THAT(Listed(request), IsEmpty());
}

TEST_F(HistoryTest, CanBeFilteredByCause) {
  Trip("db/orders");
  Force("db/orders");
  v1::ListTransitionsRequest request;
  request.add_causes(v1::CAUSE_OVERRIDDEN);
  request.add_causes(v1::CAUSE_RESET);
  EXPECT_THAT(Listed(request), ElementsAre("db/orders"));
}

TEST_F(HistoryTest, CanBeFilteredByTime) {
  Trip("one");
  Pass(absl::Seconds(10));
  Trip("two");
  const absl::Time second = engine_.WallNow();
  Pass(absl::Seconds(10));
  Trip("three");
  v1::ListTransitionsRequest request;
  *request.mutable_after() = ToProto(second);
  EXPECT_THAT(Listed(request), ElementsAre("three", "two"));
  request.clear_after();
  *request.mutable_before() = ToProto(second);
  EXPECT_THAT(Listed(request), ElementsAre("one"));
  *request.mutable_after() = ToProto(second);
  ExpectBadRequest(TryHistory(request), "TIME_INVALID", "after");
}

TEST_F(HistoryTest, PagesTellEveryEventOnce) {
  for (int i = 0; i < 25; ++i) Trip("b" + std::to_string(i));
  v1::ListTransitionsRequest request;
  request.set_page_size(10);
  const std::vector<std::string> all = Listed(request);
  ASSERT_EQ(all.size(), 25u);
  EXPECT_EQ(all.front(), "b24");
  EXPECT_EQ(all.back(), "b0");
}

// What happens meanwhile is newer than every page that follows.
TEST_F(HistoryTest, PagesAreNotDisturbedByWhatHappensMeanwhile) {
  for (int i = 0; i < 4; ++i) Trip("b" + std::to_string(i));
  v1::ListTransitionsRequest request;
  request.set_page_size(2);
  v1::ListTransitionsResponse first;
  ASSERT_TRUE(TryHistory(request, &first).ok());
  Trip("meanwhile");
  request.set_page_token(first.next_page_token());
  EXPECT_THAT(Listed(request), ElementsAre("b1", "b0"));
}

TEST_F(HistoryTest, BadRequestsNameTheirField) {
  v1::ListTransitionsRequest request;
  request.set_match("a/**b");
  ExpectBadRequest(TryHistory(request), "GLOB_INVALID", "match");
  request.clear_match();
  request.add_causes(static_cast<v1::Cause>(77));
  ExpectBadRequest(TryHistory(request), "CAUSE_INVALID", "causes");
  request.clear_causes();
  request.set_page_size(-1);
  ExpectBadRequest(TryHistory(request), "PAGE_SIZE_INVALID", "page_size");
  request.clear_page_size();
  request.set_page_token("x");
  ExpectBadRequest(TryHistory(request), "PAGE_TOKEN_INVALID", "page_token");
}

}  // namespace
}  // namespace fusebox
