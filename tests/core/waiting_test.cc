// Calls that wait for a place in the bulkhead or for a token of the rate limit.
#include <vector>

#include "core/guard_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WaitingTest : public GuardTest {
 protected:
  WaitingTest() {
    budget() = {Share(), 0, absl::Seconds(1)};
    policy_.queue = {.max_wait = absl::Minutes(1), .max_queue = 3};
  }

  void Bulkhead(uint32_t places) { policy_.bulkhead.max_concurrent = places; }
  void RateLimit(uint32_t per_second) { policy_.rate_limit = {.rate = per_second, .burst = 1}; }

  // Asks for a call that may wait.
  Decision AskFor(uint64_t id, absl::Duration longest = absl::Seconds(5)) {
    return Ask({.wait = Wait{id, longest}});
  }
  std::vector<Turn> Serve(size_t limit = 100) {
    std::vector<Turn> turns;
    guard_.ServeWaiters(Ruling(), limit, now_, source_, transitions_, turns);
    return turns;
  }
  // Who was served.
  std::vector<uint64_t> Served(size_t limit = 100) {
    std::vector<uint64_t> ids;
    for (const Turn& turn : Serve(limit)) ids.push_back(turn.asked.id());
    return ids;
  }
  absl::Duration UntilNextTurn() { return guard_.NextTurn(Ruling()) - now_; }
};

TEST_F(WaitingTest, WhoFindsAPlaceDoesNotWait) {
  Bulkhead(1);
  EXPECT_TRUE(AskFor(1).allowed);
  EXPECT_EQ(guard_.waiting(), 0u);
}

TEST_F(WaitingTest, APlaceThatComesBackGoesToTheFirstInTheQueue) {
  Bulkhead(1);
  const Permit out = Granted();
  const Decision waits = AskFor(1);
  EXPECT_TRUE(waits.waits);
  EXPECT_FALSE(waits.allowed);
  EXPECT_EQ(waits.reason, Reason::kBulkhead);
  EXPECT_TRUE(AskFor(2).waits);
  EXPECT_THAT(Served(), IsEmpty());
  Record(out, Outcome::kSuccess);
  const std::vector<Turn> turns = Serve();
  ASSERT_EQ(turns.size(), 1u);
  EXPECT_EQ(turns[0].asked.id(), 1u);
  EXPECT_TRUE(turns[0].decision.allowed);
  Record(turns[0].decision.permit, Outcome::kSuccess);
  EXPECT_THAT(Served(), ElementsAre(2));
}

TEST_F(WaitingTest, WhoComesWhileOthersWaitIsBehindThemWhateverIsFree) {
  Bulkhead(1);
  const Permit out = Granted();
  AskFor(1);
  Record(out, Outcome::kSuccess);
  const Decision impatient = Acquire();
  EXPECT_FALSE(impatient.allowed);
  EXPECT_EQ(impatient.reason, Reason::kBulkhead);
  EXPECT_TRUE(AskFor(2).waits);
  EXPECT_THAT(Served(), ElementsAre(1));
}

TEST_F(WaitingTest, WhoWaitsHoldsNothing) {
  Bulkhead(1);
  RateLimit(100);
  policy_.idempotency.ttl = absl::Minutes(1);
  HalfOpen();
  Granted();
  const uint32_t probes = Look().probes;
  const uint64_t refused = Look().totals.refused;
  EXPECT_TRUE(Ask({.idempotency_key = "order-7", .wait = Wait{1, absl::Seconds(5)}}).waits);
  const Snapshot snapshot = Look();
  EXPECT_EQ(snapshot.probes, probes);
  EXPECT_EQ(snapshot.bulkhead->in_use, 1u);
  EXPECT_EQ(snapshot.rate_limit->granted, 1u);
  EXPECT_EQ(snapshot.idempotency->keys, 0u);
  EXPECT_EQ(snapshot.waiting, 1u);
  EXPECT_EQ(snapshot.totals.calls, 1u);
  EXPECT_EQ(snapshot.totals.refused, refused);
}

TEST_F(WaitingTest, AFullQueueRefusesAtOnce) {
  Bulkhead(1);
  Granted();
  for (uint64_t id = 1; id <= 3; ++id) EXPECT_TRUE(AskFor(id).waits);
  const Decision refused = AskFor(4);
  EXPECT_FALSE(refused.waits);
  EXPECT_EQ(refused.reason, Reason::kBulkhead);
  EXPECT_GT(refused.retry_after, absl::ZeroDuration());
  EXPECT_EQ(Look().bulkhead->refused, 1u);
}

TEST_F(WaitingTest, AWaitThatIsOverIsARefusalWithItsReason) {
  Bulkhead(1);
  Granted();
  AskFor(1, absl::Seconds(2));
  AskFor(2, absl::Seconds(1));
  EXPECT_EQ(UntilNextTurn(), absl::Seconds(1));
  Pass(absl::Seconds(1));
  const std::vector<Turn> turns = Serve();
  ASSERT_EQ(turns.size(), 1u);
  EXPECT_EQ(turns[0].asked.id(), 2u);
  EXPECT_FALSE(turns[0].decision.allowed);
  EXPECT_EQ(turns[0].decision.reason, Reason::kBulkhead);
  EXPECT_EQ(Look().totals.refused, 1u);
  Pass(absl::Seconds(1));
  EXPECT_THAT(Served(), ElementsAre(1));
}

TEST_F(WaitingTest, NobodyWaitsLongerThanThePolicyLets) {
  Bulkhead(1);
  policy_.queue.max_wait = absl::Seconds(3);
  Granted();
  EXPECT_TRUE(AskFor(1, absl::Hours(1)).waits);
  EXPECT_EQ(UntilNextTurn(), absl::Seconds(3));
  policy_.queue.max_wait = absl::ZeroDuration();
  EXPECT_FALSE(AskFor(2, absl::Hours(1)).waits);
}

TEST_F(WaitingTest, ATokenGoesToTheFirstInTheQueueWhenItIsThere) {
  RateLimit(10);
  Granted();
  EXPECT_EQ(AskFor(1).reason, Reason::kRateLimit);
  EXPECT_TRUE(AskFor(2).waits);
  EXPECT_EQ(UntilNextTurn(), absl::Milliseconds(100));
  EXPECT_THAT(Served(), IsEmpty());
  Pass(absl::Milliseconds(100));
  EXPECT_THAT(Served(), ElementsAre(1));
  EXPECT_EQ(UntilNextTurn(), absl::Milliseconds(100));
}

TEST_F(WaitingTest, WhoCouldHaveNoTokenInTimeIsRefusedAtOnce) {
  RateLimit(10);
  Granted();
  EXPECT_TRUE(AskFor(1, absl::Milliseconds(100)).waits);
  const Decision refused = AskFor(2, absl::Milliseconds(199));
  EXPECT_FALSE(refused.waits);
  EXPECT_EQ(refused.reason, Reason::kRateLimit);
  EXPECT_EQ(refused.retry_after, absl::Milliseconds(200));
  EXPECT_TRUE(AskFor(3, absl::Milliseconds(200)).waits);
}

TEST_F(WaitingTest, ABreakerThatOpensRefusesAllWhoWait) {
  Bulkhead(1);
  Granted();
  AskFor(1);
  AskFor(2);
  Trip();
  const std::vector<Turn> turns = Serve();
  ASSERT_EQ(turns.size(), 2u);
  EXPECT_EQ(turns[0].decision.reason, Reason::kOpen);
  EXPECT_EQ(turns[1].decision.reason, Reason::kOpen);
}

TEST_F(WaitingTest, AnOperatorWhoForcesItOpenRefusesAllWhoWait) {
  Bulkhead(1);
  Granted();
  AskFor(1);
  Impose({.mode = OverrideMode::kForcedOpen, .expires = Tick::Max(), .match = "*"});
  const std::vector<Turn> turns = Serve();
  ASSERT_EQ(turns.size(), 1u);
  EXPECT_EQ(turns[0].decision.reason, Reason::kForcedOpen);
}

TEST_F(WaitingTest, UnderShadowNobodyWaits) {
  Bulkhead(1);
  Granted();
  Impose({.mode = OverrideMode::kShadow, .expires = Tick::Max(), .match = "*"});
  const Decision passed = AskFor(1);
  EXPECT_TRUE(passed.allowed);
  EXPECT_TRUE(passed.shadow_denied);
  EXPECT_EQ(passed.reason, Reason::kBulkhead);
}

TEST_F(WaitingTest, ADuplicateIsToldAtOnce) {
  Bulkhead(1);
  policy_.idempotency.ttl = absl::Minutes(1);
  EXPECT_TRUE(Ask({.idempotency_key = "order-7"}).allowed);
  const Decision second = Ask({.idempotency_key = "order-7", .wait = Wait{1, absl::Seconds(5)}});
  EXPECT_FALSE(second.waits);
  EXPECT_EQ(second.reason, Reason::kDuplicate);
}

// Both stood in the queue, when no call with their key was under way.
TEST_F(WaitingTest, TheSecondOfTwoWithOneKeyIsADuplicateWhenItsTurnComes) {
  Bulkhead(1);
  policy_.idempotency.ttl = absl::Minutes(1);
  const Permit out = Granted();
  EXPECT_TRUE(Ask({.idempotency_key = "order-7", .wait = Wait{1, absl::Seconds(5)}}).waits);
  EXPECT_TRUE(Ask({.idempotency_key = "order-7", .wait = Wait{2, absl::Seconds(5)}}).waits);
  Record(out, Outcome::kSuccess);
  const std::vector<Turn> first = Serve();
  ASSERT_EQ(first.size(), 1u);
  Record(first[0].decision.permit, Outcome::kSuccess);
  const std::vector<Turn> second = Serve();
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].decision.reason, Reason::kDuplicate);
  EXPECT_EQ(second[0].decision.first, IdempotencyKeys::Begun::kSucceeded);
}

TEST_F(WaitingTest, WhoGivesUpLeavesTheQueue) {
  Bulkhead(1);
  const Permit out = Granted();
  AskFor(1);
  AskFor(2);
  EXPECT_TRUE(guard_.CancelWait(1));
  EXPECT_FALSE(guard_.CancelWait(1));
  Record(out, Outcome::kSuccess);
  EXPECT_THAT(Served(), ElementsAre(2));
  EXPECT_FALSE(guard_.CancelWait(2));
}

TEST_F(WaitingTest, WhoseWaitIsEndedIsRefusedWhileAPlaceLacks) {
  Bulkhead(1);
  Granted();
  AskFor(1);
  AskFor(2);
  std::vector<Turn> turns;
  guard_.EndWaits(Ruling(), 100, now_, source_, transitions_, turns);
  ASSERT_EQ(turns.size(), 2u);
  EXPECT_EQ(turns[0].decision.reason, Reason::kBulkhead);
  EXPECT_EQ(turns[1].decision.reason, Reason::kBulkhead);
  EXPECT_EQ(guard_.waiting(), 0u);
}

TEST_F(WaitingTest, NoMoreAreServedThanAskedForAndTheRestIsDueAtOnce) {
  Bulkhead(1);
  Granted();
  for (uint64_t id = 1; id <= 3; ++id) AskFor(id);
  Trip();
  EXPECT_THAT(Served(2), ElementsAre(1, 2));
  EXPECT_EQ(UntilNextTurn(), absl::ZeroDuration());
  EXPECT_THAT(Served(2), ElementsAre(3));
  EXPECT_EQ(guard_.NextTurn(Ruling()), Tick::Max());
}

TEST_F(WaitingTest, APolicyThatSwitchesThePartsOffServesAllWhoWait) {
  Bulkhead(1);
  Granted();
  AskFor(1);
  AskFor(2);
  Bulkhead(0);
  EXPECT_THAT(Served(), ElementsAre(1, 2));
}

// A place that nobody gives back comes back by itself, and somebody has to see it.
TEST_F(WaitingTest, AnExpiredLeaseIsATurn) {
  Bulkhead(1);
  policy_.bulkhead.lease_timeout = absl::Seconds(3);
  Granted();
  AskFor(1);
  EXPECT_EQ(UntilNextTurn(), absl::Seconds(3));
  Pass(absl::Seconds(3));
  EXPECT_TRUE(Serve().at(0).decision.allowed);
}

TEST_F(WaitingTest, ABreakerWithAQueueIsNotForgotten) {
  RateLimit(10);
  Granted();
  AskFor(1);
  EXPECT_FALSE(guard_.IsForgettable(Ruling(), now_));
  guard_.CancelWait(1);
  EXPECT_FALSE(guard_.IsForgettable(Ruling(), now_));  // Its token is not back yet.
  Pass(absl::Milliseconds(100));
  EXPECT_TRUE(guard_.IsForgettable(Ruling(), now_));
}

// A wait that ends for want of a token, though a place was all that lacked when it began.
TEST_F(WaitingTest, WhoseTurnHasComeNeedsAllParts) {
  Bulkhead(1);
  RateLimit(1);
  const Permit out = Granted();
  EXPECT_EQ(AskFor(1).reason, Reason::kBulkhead);
  Record(out, Outcome::kSuccess);
  EXPECT_THAT(Served(), IsEmpty());
  EXPECT_EQ(UntilNextTurn(), absl::Seconds(1));
  Pass(absl::Seconds(1));
  EXPECT_THAT(Served(), ElementsAre(1));
}

}  // namespace
}  // namespace fusebox
