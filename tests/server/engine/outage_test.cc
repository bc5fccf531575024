// What outlives a restart, and how it goes on.
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/engine/engine_fixture.h"

namespace fusebox {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::ResultOf;
using ::testing::UnorderedElementsAre;

class OutageTest : public EngineTest {
 protected:
  OutageTest() : EngineTest({.idle_ttl = absl::Minutes(1)}) { engine_.KeepOutages(); }

  // The engine of the next life, with what this one would have kept.
  void Restart(Engine& next) {
    for (const std::string& name : engine_.TakeChangedOutages()) {
      const std::optional<Outage> outage = engine_.SaveOutage(name);
      if (!outage.has_value()) continue;
      ASSERT_TRUE(next.RestoreOutages({{std::string(name), *outage}}).ok());
    }
    next.RestoreEvents(engine_.events().After(0, 1'000));
  }

  Engine next_{{}, clock_, kLife + 1};
};

// A breaker that never tripped costs no disk.
TEST_F(OutageTest, OnlyTrippedBreakersAreNamed) {
  Record(Granted(kUsers), Outcome::kFailure, kUsers);
  Trip();
  EXPECT_THAT(engine_.TakeChangedOutages(), UnorderedElementsAre(kOrders));
  EXPECT_THAT(engine_.TakeChangedOutages(), IsEmpty());
}

// However often it changed, it is looked at once.
TEST_F(OutageTest, AChangedBreakerIsNamedOnce) {
  HalfOpen();
  HalfOpen(kUsers);
  EXPECT_THAT(engine_.TakeChangedOutages(), UnorderedElementsAre(kOrders, kUsers));
}

TEST_F(OutageTest, NothingIsNamedWhileNobodyKeeps) {
  Engine careless({}, clock_, kLife);
  ASSERT_TRUE(
      careless.Record(kOrders, "", {.result = Result::Of(Outcome::kFailure), .calls = 5}).ok());
  ASSERT_EQ(careless.Get(kOrders)->snapshot.state, State::kOpen);
  EXPECT_THAT(careless.TakeChangedOutages(), IsEmpty());
}

// What was kept of it shall go, too.
TEST_F(OutageTest, AForgottenBreakerIsNamedOnceMore) {
  HalfOpen();
  engine_.TakeChangedOutages();
  Pass(absl::Minutes(2));
  Sweep();
  ASSERT_FALSE(Exists());
  EXPECT_THAT(engine_.TakeChangedOutages(), UnorderedElementsAre(kOrders));
  EXPECT_FALSE(engine_.SaveOutage(kOrders).has_value());
}

TEST_F(OutageTest, AClosedBreakerHasNone) {
  HalfOpen();
  for (int i = 0; i < 2; ++i) Record(Granted(), Outcome::kSuccess);
  ASSERT_EQ(Look().state, State::kClosed);
  EXPECT_THAT(engine_.TakeChangedOutages(), UnorderedElementsAre(kOrders));
  EXPECT_FALSE(engine_.SaveOutage(kOrders).has_value());
}

// A client must not take the restored breaker for the one it knew.
TEST_F(OutageTest, ARestoredBreakerIsOpenForTheRestInANewEpoch) {
  Trip();
  Pass(absl::Seconds(10));
  const uint64_t epoch = Look().epoch;
  Restart(next_);
  const absl::StatusOr<AllowAnswer> answer = next_.Allow(kOrders, {}, "");
  EXPECT_FALSE(answer->decision.allowed);
  EXPECT_EQ(answer->decision.reason, Reason::kOpen);
  EXPECT_EQ(answer->decision.retry_after, absl::Seconds(20));
  EXPECT_GT(answer->decision.epoch, epoch);
}

// The engine itself ends the wait, without a call.
TEST_F(OutageTest, ARestoredWaitEndsByItself) {
  Trip();
  Restart(next_);
  clock_.Advance(absl::Seconds(30));
  next_.Maintain();
  EXPECT_EQ(next_.Get(kOrders)->snapshot.state, State::kHalfOpen);
}

// Who was there first knows better.
TEST_F(OutageTest, ABreakerThatExistsKeepsItsOwnState) {
  Trip();
  const Outage outage = *engine_.SaveOutage(kOrders);
  ASSERT_TRUE(next_.Allow(kOrders, {}, "").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(next_.RestoreOutages({{std::string(kOrders), outage}})));
  EXPECT_EQ(next_.Get(kOrders)->snapshot.state, State::kClosed);
}

TEST_F(OutageTest, NoMoreBreakersAreRestoredThanMayBe) {
  Engine tiny({.max_breakers = 1}, clock_, kLife + 1);
  Trip();
  const Outage outage = *engine_.SaveOutage(kOrders);
  EXPECT_TRUE(tiny.RestoreOutages({{std::string(kOrders), outage}}).ok());
  ExpectError(tiny.RestoreOutages({{std::string(kUsers), outage}}),
              absl::StatusCode::kResourceExhausted, "TOO_MANY_BREAKERS", {std::string(kUsers)});
}

// As a start does it, on all cores; or a server that has found its disk again, while it serves.
TEST_F(OutageTest, ManyThreadsRestoreWhileOthersAsk) {
  constexpr int kThreads = 4, kEach = 500;
  Trip();
  const Outage outage = *engine_.SaveOutage(kOrders);
  const auto name = [](int part, int i) { return absl::StrCat("db/", part, "-", i); };
  // In the middle of each part is one that is used already.
  for (int part = 0; part < kThreads; ++part) {
    ASSERT_TRUE(next_.Allow(name(part, kEach / 2), {}, "").ok());
  }
  std::vector<absl::Status> said(kThreads);
  std::vector<std::thread> threads;
  for (int part = 0; part < kThreads; ++part) {
    threads.emplace_back([&, part] {
      std::vector<Engine::NamedOutage> outages;
      for (int i = 0; i < kEach; ++i) outages.emplace_back(name(part, i), outage);
      said[part] = next_.RestoreOutages(outages);
    });
  }
  threads.emplace_back([this] {
    for (int i = 0; i < kEach; ++i) (void)next_.Allow(absl::StrCat("cache/", i), {}, "");
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(said, Each(ResultOf(absl::IsAlreadyExists, true)));

  const auto states = [&] {
    std::map<State, int> count;
    for (int part = 0; part < kThreads; ++part) {
      for (int i = 0; i < kEach; ++i) ++count[next_.Get(name(part, i))->snapshot.state];
    }
    return count;
  };
  constexpr int kBack = kThreads * (kEach - 1);
  EXPECT_THAT(states(), ElementsAre(Pair(State::kClosed, kThreads), Pair(State::kOpen, kBack)));
  clock_.Advance(absl::Seconds(30));
  next_.Maintain();
  EXPECT_EQ(next_.transitions(), static_cast<uint64_t>(kBack));
}

// Readers that remember a number find what followed it.
TEST_F(OutageTest, TheHistoryGoesOnWithTheNextNumber) {
  HalfOpen();
  Restart(next_);
  clock_.Advance(absl::Seconds(60));
  next_.Maintain();
  const std::vector<Event> events = next_.events().After(0, 100);
  ASSERT_EQ(events.size(), 3u);
  for (size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].transition.number, i + 1);
  EXPECT_EQ(events[0].transition.cause, Cause::kConsecutiveFailures);
  EXPECT_EQ(events[2].breaker, kOrders);
}

}  // namespace
}  // namespace fusebox
