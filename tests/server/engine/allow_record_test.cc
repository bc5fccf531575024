// The data plane: what Allow answers and what Record counts.
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using AllowRecordTest = EngineTest;

class SmallEngineTest : public EngineTest {
 protected:
  SmallEngineTest() : EngineTest({.max_breakers = 1}) {}
};

// Nothing needs to be configured before the first call.
TEST_F(AllowRecordTest, TheFirstCallMakesTheBreaker) {
  const AllowAnswer answer = Allow();
  EXPECT_TRUE(answer.decision.allowed);
  EXPECT_FALSE(answer.decision.probe);
  EXPECT_EQ(answer.decision.state, State::kClosed);
  EXPECT_GE(answer.decision.epoch, kLife << TransitionNumbers::kCounterBits);
  EXPECT_EQ(answer.permit.bytes().size(), SealedPermit::kSize);
  EXPECT_EQ(View().ruling->policy.name, "default");
  EXPECT_EQ(engine_.breakers(), 1u);
}

// Names arrive from anyone; a bad one must leave nothing behind.
TEST_F(AllowRecordTest, RefusesABadBreakerNameAndKeepsNothing) {
  const std::string too_long(257, 'x');
  for (const std::string& name :
       {std::string(), too_long, std::string("/db"), std::string("db/"), std::string("a//b"),
        std::string("with space"), std::string("a\0b", 3), std::string("ümlaut")}) {
    const Ending ending{.result = Result::Of(Outcome::kFailure)};
    ExpectError(engine_.Allow(name, {}, "").status(), absl::StatusCode::kInvalidArgument,
                "BREAKER_NAME_INVALID");
    ExpectError(engine_.Record(name, "", ending).status(), absl::StatusCode::kInvalidArgument,
                "BREAKER_NAME_INVALID");
    ExpectError(engine_.Get(name).status(), absl::StatusCode::kInvalidArgument,
                "BREAKER_NAME_INVALID");
    EXPECT_EQ(ErrorField(engine_.Get(name).status()), "name");
    ExpectError(engine_.SetOverride(name, {}), absl::StatusCode::kInvalidArgument, "GLOB_INVALID");
    ExpectError(engine_.Reset(name, {}), absl::StatusCode::kInvalidArgument,
                "BREAKER_NAME_INVALID");
    ExpectError(engine_.Forget(name, {}), absl::StatusCode::kInvalidArgument,
                "BREAKER_NAME_INVALID");
  }
  EXPECT_EQ(engine_.breakers(), 0u);
  EXPECT_EQ(engine_.counters().allowed, 0u);
}

// The same for who calls.
TEST_F(AllowRecordTest, RefusesABadClientNameAndKeepsNothing) {
  for (const std::string& client : {std::string(257, 'x'), std::string("line\nbreak")}) {
    ExpectError(engine_.Allow(kOrders, {}, client).status(), absl::StatusCode::kInvalidArgument,
                "CLIENT_NAME_INVALID");
    const Ending ending{.result = Result::Of(Outcome::kFailure), .client = client};
    ExpectError(engine_.Record(kOrders, "", ending).status(), absl::StatusCode::kInvalidArgument,
                "CLIENT_NAME_INVALID");
  }
  EXPECT_EQ(engine_.breakers(), 0u);
}

// The first few failures protect everybody.
TEST_F(AllowRecordTest, FailuresOpenTheBreakerForEveryone) {
  for (int i = 0; i < 5; ++i) {
    const Verdict verdict = Record(Granted(), Outcome::kFailure);
    EXPECT_EQ(verdict.counted, Counted::kCounted);
    EXPECT_EQ(verdict.state, i < 4 ? State::kClosed : State::kOpen);
  }
  const AllowAnswer refused = Allow();
  EXPECT_FALSE(refused.decision.allowed);
  EXPECT_EQ(refused.decision.reason, Reason::kOpen);
  EXPECT_EQ(refused.decision.retry_after, absl::Seconds(30));
  EXPECT_EQ(Look().totals.refused, 1u);
}

// Breakers are bulkheads of each other.
TEST_F(AllowRecordTest, BreakersDoNotTouchEachOther) {
  Trip(kOrders);
  EXPECT_TRUE(Allow(kUsers).decision.allowed);
  EXPECT_EQ(Look(kUsers).window.calls, 0u);
}

// A client that does not know how its call began may still say how it ended.
TEST_F(AllowRecordTest, AnObservationMakesTheBreaker) {
  EXPECT_EQ(Observe(Outcome::kFailure, 3).counted, Counted::kCounted);
  EXPECT_EQ(Look().window.failures, 3u);
}

// An observation of another epoch says nothing about this one.
TEST_F(AllowRecordTest, AnObservationOfAnotherEpochIsLate) {
  const uint64_t epoch = Allow().decision.epoch;
  const Ending now{.result = Result::Of(Outcome::kFailure), .epoch = epoch, .calls = 2};
  EXPECT_EQ(engine_.Record(kOrders, "", now)->counted, Counted::kCounted);
  const Ending before{.result = Result::Of(Outcome::kFailure), .epoch = epoch - 1, .calls = 2};
  EXPECT_EQ(engine_.Record(kOrders, "", before)->counted, Counted::kLate);
  EXPECT_EQ(Look().window.calls, 2u);
  EXPECT_EQ(Look().totals.late, 2u);
}

// A call from before the trip says nothing about after, and must not extend the wait.
TEST_F(AllowRecordTest, AnOutcomeFromBeforeTheTripIsLate) {
  const std::string permit = Granted();
  Trip();
  Pass(absl::Seconds(10));
  const Verdict verdict = Record(permit, Outcome::kFailure);
  EXPECT_EQ(verdict.counted, Counted::kLate);
  EXPECT_EQ(verdict.state, State::kOpen);
  EXPECT_EQ(Look().retry_after, absl::Seconds(20));
}

// Networks repeat requests.
TEST_F(AllowRecordTest, APermitVotesOnce) {
  const std::string permit = Granted();
  EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kCounted);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Record(permit, Outcome::kFailure).counted, Counted::kRepeated);
  }
  EXPECT_EQ(Look().window.failures, 1u);
  EXPECT_EQ(Look().state, State::kClosed);
}

// The policy classifies, so that the whole fleet changes its mind at once.
TEST_F(AllowRecordTest, ThePolicyClassifiesRawCodes) {
  constexpr int kNotFound = 5;
  const Ending not_found{.result = Result::Grpc(kNotFound)};
  EXPECT_EQ(engine_.Record(kOrders, "", not_found)->outcome, Outcome::kCallerError);
  Policy strict;
  strict.classification.grpc[kNotFound] = Outcome::kFailure;
  SetPolicies({strict});
  EXPECT_EQ(engine_.Record(kOrders, "", not_found)->outcome, Outcome::kFailure);
}

// The bound holds on every way in, and what exists goes on.
TEST_F(SmallEngineTest, RefusesOneBreakerTooManyOnEveryWayIn) {
  const std::string permit = Granted();
  const auto code = absl::StatusCode::kResourceExhausted;
  const Ending ending{.result = Result::Of(Outcome::kFailure)};
  ExpectError(engine_.Allow(kUsers, {}, "").status(), code, "TOO_MANY_BREAKERS",
              {"db/users", "--max-breakers", "all 1"});
  ExpectError(engine_.Record(kUsers, "", ending).status(), code, "TOO_MANY_BREAKERS");
  EXPECT_EQ(Record(permit, Outcome::kSuccess).counted, Counted::kCounted);
}

// Overload is never a refusal: it must not look like an open breaker in the counts.
TEST_F(SmallEngineTest, AnErrorIsNotCountedAsARefusal) {
  Allow();
  EXPECT_FALSE(engine_.Allow(kUsers, {}, "").ok());
  for (const uint64_t denied : engine_.counters().denied) EXPECT_EQ(denied, 0u);
}

// A question about a breaker is no reason to make one.
TEST_F(AllowRecordTest, LookingMakesNoBreaker) {
  ExpectError(engine_.Get(kOrders).status(), absl::StatusCode::kNotFound, "BREAKER_NOT_FOUND",
              {"db/orders", "Allow"});
  EXPECT_EQ(engine_.breakers(), 0u);
}

// Readers of the log see each transition once, in order, with whose it was.
TEST_F(AllowRecordTest, TransitionsAreLoggedInOrder) {
  Trip(kOrders);
  Trip(kUsers);
  const std::vector<Event> events = engine_.events().After(0, 10);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].breaker, kOrders);
  EXPECT_EQ(events[1].breaker, kUsers);
  EXPECT_EQ(events[1].transition.number, 2u);
  EXPECT_EQ(events[1].transition.cause, Cause::kConsecutiveFailures);
  EXPECT_EQ(engine_.transitions(), 2u);
}

// The wall clock is for people: set back by an hour it neither opens nor pins a breaker.
TEST_F(AllowRecordTest, TheWallClockDecidesNothing) {
  Trip();
  clock_.JumpWall(-absl::Hours(1));
  EXPECT_EQ(Look().retry_after, absl::Seconds(30));
  Pass(absl::Seconds(30));
  EXPECT_EQ(Look().state, State::kHalfOpen);
}

// A listing looks at every breaker once, a page at a time.
TEST_F(AllowRecordTest, AListingPagesThroughAllBreakers) {
  for (int i = 0; i < 10; ++i) Allow("db/" + std::to_string(i));
  Allow("cache/a");
  std::vector<std::string> names;
  Slot cursor = 0;
  while (!engine_.IsListed(cursor)) {
    const std::vector<BreakerView> page = engine_.List(*Glob::Parse("db/*"), 3, cursor);
    EXPECT_LE(page.size(), 3u);
    for (const BreakerView& view : page) names.push_back(view.name);
  }
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("db/0", "db/1", "db/2", "db/3", "db/4", "db/5",
                                                     "db/6", "db/7", "db/8", "db/9"));
}

// A page that matches little is bounded work, not a walk over a million breakers.
TEST_F(AllowRecordTest, AListingLooksAtABoundedNumberOfBreakers) {
  for (int i = 0; i < 200; ++i) Allow("db/" + std::to_string(i));
  Slot cursor = 0;
  EXPECT_TRUE(engine_.List(*Glob::Parse("cache/*"), 1, cursor).empty());
  EXPECT_EQ(cursor, 64u);
  EXPECT_FALSE(engine_.IsListed(cursor));
}

}  // namespace
}  // namespace fusebox
