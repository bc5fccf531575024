// What one life of a server says is true in the next one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "core/error.h"
#include "server/flusher/life.h"
#include "testing/fake_clock.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

constexpr absl::string_view kOrders = "db/orders";

class RestartTest : public ::testing::Test {
 protected:
  RestartTest() { Restart(); }

  // As after a kill -9: nothing is said to anybody.
  void Restart(size_t max_events = 100) {
    life_.reset();
    life_ = std::make_unique<Life>(clock_, SqliteStoreOptions{.data_dir = directory_.path()},
                                   max_events);
    ASSERT_TRUE(life_->begun.ok()) << life_->begun;
    ASSERT_EQ(life_->flusher.condition().not_durable, "");
  }

  TemporaryDirectory directory_;
  FakeClock clock_;
  std::unique_ptr<Life> life_;
};

TEST_F(RestartTest, PoliciesComeBackAndDeletedOnesDoNot) {
  ASSERT_TRUE(life_->Create("database", "db/*").ok());
  ASSERT_TRUE(life_->Create("search", "search/*").ok());
  ASSERT_TRUE(life_->Delete("search").ok());
  Restart();
  EXPECT_EQ(life_->PolicyOf(kOrders), "database");
  EXPECT_EQ(life_->PolicyOf("search/docs"), "default");
  EXPECT_EQ(life_->control.book()->policies.at("database")->info().updated_by(), "ada");
}

TEST_F(RestartTest, OverridesComeBackAndClearedOnesDoNot) {
  ASSERT_TRUE(life_->Force("db/*").ok());
  ASSERT_TRUE(life_->Force("search/docs").ok());
  ASSERT_TRUE(life_->Clear("search/docs").ok());
  Restart();
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kForcedOpen);
  EXPECT_EQ(life_->ReasonFor("search/docs"), Reason::kNone);
  EXPECT_EQ(life_->engine.overrides()->Find("db/*")->actor, "ada");
}

TEST_F(RestartTest, AnOverrideGoesOnForTheTimeThatIsLeft) {
  ASSERT_TRUE(life_->Force(kOrders, absl::Minutes(10)).ok());
  clock_.Advance(absl::Minutes(4));
  Restart();
  EXPECT_EQ(life_->Look(kOrders).override->expires - clock_.Now(), absl::Minutes(6));
}

TEST_F(RestartTest, AnOverrideWhoseTimeIsOverEndsAndSaysSo) {
  ASSERT_TRUE(life_->Force(kOrders, absl::Minutes(10)).ok());
  clock_.Advance(absl::Minutes(11));
  Restart();
  life_->engine.Maintain();
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kNone);
  EXPECT_EQ(life_->engine.events().Before(~uint64_t{0}, 1).at(0).transition.cause,
            Cause::kOverrideExpired);
}

// Of two globs that cover a breaker it is the newer one that is imposed, also in the next life, and
// whatever the wall clock says.
TEST_F(RestartTest, OverridesKeepTheirOrder) {
  ASSERT_TRUE(life_->Force("**").ok());
  clock_.Advance(absl::Seconds(1));
  clock_.JumpWall(-absl::Hours(1));
  v1::OverrideBreakerRequest shadow;
  shadow.set_match("db/*");
  shadow.set_mode(v1::OVERRIDE_MODE_SHADOW);
  shadow.set_reason("dry run");
  ASSERT_TRUE(life_
                  ->Make([&](Draft& draft) {
                    return ImposeOverride(shadow, life_->Ada(), {}, draft).status();
                  })
                  .ok());
  Restart();
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kNone);
}

TEST_F(RestartTest, AnOpenBreakerWaitsForWhatIsLeft) {
  life_->Trip(kOrders);
  life_->flusher.Round();
  const uint64_t epoch = life_->Look(kOrders).epoch;
  clock_.Advance(absl::Seconds(12));
  Restart();
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kOpen);
  EXPECT_EQ(life_->Look(kOrders).retry_after, absl::Seconds(18));
  EXPECT_GT(life_->Look(kOrders).epoch, epoch);
}

// A boot knows nothing of the clock of the one before but how far the store saw it come, which it
// does every ten seconds.
TEST_F(RestartTest, AfterABootAnOutageGoesOnWhereItWasLastSeen) {
  life_->Trip(kOrders);
  ASSERT_TRUE(life_->Force("search/*", absl::Minutes(1)).ok());
  for (int second = 0; second < 12; ++second) {
    clock_.Advance(absl::Seconds(1));
    life_->flusher.Round();
  }
  clock_.Reboot();
  Restart();
  EXPECT_GE(life_->Look(kOrders).retry_after, absl::Seconds(18));
  EXPECT_LE(life_->Look(kOrders).retry_after, absl::Seconds(28));
  EXPECT_GE(life_->engine.overrides()->NextExpiry() - clock_.Now(), absl::Seconds(48));
  EXPECT_LE(life_->engine.overrides()->NextExpiry() - clock_.Now(), absl::Seconds(58));
}

TEST_F(RestartTest, AfterABootTimeGoesOnFromOneLifeToTheNext) {
  life_->Trip(kOrders);
  ASSERT_TRUE(life_->Force("search/*", absl::Minutes(1)).ok());
  clock_.Reboot();
  Restart();
  life_->flusher.Round();
  for (int life = 1; life <= 4; ++life) {
    clock_.Advance(absl::Seconds(5));
    Restart();
    EXPECT_EQ(life_->Look(kOrders).retry_after, absl::Seconds(30 - 5 * life));
    EXPECT_EQ(life_->engine.overrides()->NextExpiry() - clock_.Now(), absl::Seconds(60 - 5 * life));
  }
}

TEST_F(RestartTest, AServerKilledBeforeItWroteAnewWhatABootLeftLosesNothing) {
  life_->Trip(kOrders);
  life_->flusher.Round();
  clock_.Reboot();
  Restart();  // And is killed at once.
  clock_.Advance(absl::Seconds(5));
  Restart();
  EXPECT_EQ(life_->Look(kOrders).retry_after, absl::Seconds(30));
}

TEST_F(RestartTest, AHalfOpenBreakerWaitsOnceHoweverManyLivesItTakes) {
  life_->Trip(kOrders);
  clock_.Advance(absl::Seconds(30));
  ASSERT_TRUE(life_->engine.Allow(kOrders, {}, "")->decision.probe);
  life_->flusher.Round();
  Restart();
  const absl::Duration wait = life_->Look(kOrders).retry_after;
  ASSERT_EQ(life_->Look(kOrders).state, State::kOpen);
  for (int life = 0; life < 3; ++life) {
    life_->flusher.Round();
    Restart();
  }
  EXPECT_EQ(life_->Look(kOrders).retry_after, wait);
}

TEST_F(RestartTest, AResetAndADeletedBreakerDoNotComeBackOpen) {
  life_->Trip(kOrders);
  life_->Trip("db/users");
  life_->flusher.Round();
  ASSERT_TRUE(life_->Reset(kOrders).ok());
  ASSERT_TRUE(life_->Forget("db/users").ok());
  Restart();
  EXPECT_EQ(life_->ReasonFor(kOrders), Reason::kNone);
  EXPECT_EQ(life_->ReasonFor("db/users"), Reason::kNone);
}

// The row of an outage must go when it is over.
TEST_F(RestartTest, ARecoveredBreakerComesBackClosed) {
  life_->Trip(kOrders);
  life_->flusher.Round();
  clock_.Advance(absl::Seconds(30));
  for (int i = 0; i < 2; ++i) {
    const std::string permit(life_->engine.Allow(kOrders, {}, "")->permit.bytes());
    const Ending success{.result = Result::Of(Outcome::kSuccess)};
    ASSERT_TRUE(life_->engine.Record(kOrders, permit, success).ok());
  }
  ASSERT_EQ(life_->Look(kOrders).state, State::kClosed);
  life_->flusher.Round();
  Restart();
  EXPECT_EQ(life_->engine.breakers(), 0u);
}

TEST_F(RestartTest, EveryLifeIsGreaterAlsoIfNothingHappened) {
  for (int i = 0; i < 3; ++i) {
    const uint64_t life = life_->engine.life();
    Restart();
    EXPECT_GT(life_->engine.life(), life);
  }
}

// Its epochs were beyond its number, and the wall clock does not help: the fake life stands still.
TEST_F(RestartTest, ALifeBeginsAboveAllEpochsOfTheOneBefore) {
  life_->Trip(kOrders);
  constexpr uint64_t kMany = 3'000'000;
  life_->engine.RaiseAbove(life_->engine.life() + (kMany >> TransitionNumbers::kCounterBits));
  ASSERT_TRUE(life_->Reset(kOrders).ok());
  const uint64_t epoch = life_->Look(kOrders).epoch;
  Restart();
  life_->Trip(kOrders);
  EXPECT_GT(life_->Look(kOrders).epoch, epoch);
}

TEST_F(RestartTest, TheHistoryGoesOn) {
  life_->Trip(kOrders);
  ASSERT_TRUE(life_->Reset(kOrders).ok());
  Restart();
  life_->Trip(kOrders);
  const std::vector<Event> events = life_->engine.events().After(0, 10);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[1].transition.cause, Cause::kReset);
  EXPECT_EQ(events[1].actor, "ada");
  EXPECT_EQ(events[1].reason, "fixed");
  EXPECT_EQ(events[2].transition.number, 3u);
}

TEST_F(RestartTest, TheHistoryIsBoundedOnDisk) {
  Restart(/*max_events=*/5);
  for (int i = 0; i < 20; ++i) {
    life_->Trip(kOrders);
    ASSERT_TRUE(life_->Reset(kOrders).ok());
  }
  Restart(/*max_events=*/5);
  EXPECT_EQ(life_->kept->events.size(), 5u);
  EXPECT_EQ(life_->kept->events.back().transition.number, 40u);
}

TEST_F(RestartTest, APolicyOfTheFileThatTheApiDefinedIsAnErrorAtTheStart) {
  ASSERT_TRUE(life_->Create("database", "db/*").ok());
  life_.reset();
  Engine engine({}, clock_, 99);
  Control control(engine, {});
  v1::Policy policy;
  policy.set_name("database");
  ASSERT_TRUE(control.SetFile({policy}, {}).ok());
  const auto store = *SqliteStore::Open({.data_dir = directory_.path()});
  Flusher flusher(engine, control, clock_, *store, 100);
  const absl::Status begun = flusher.Begin(ReadKept(*store, RecordTime::Now(clock_)));
  EXPECT_EQ(begun.code(), absl::StatusCode::kAlreadyExists) << begun;
  EXPECT_EQ(ErrorReason(begun), "POLICY_NAME_TAKEN");
}

}  // namespace
}  // namespace fusebox
