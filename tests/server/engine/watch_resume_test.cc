// A watch that breaks off and resumes misses nothing, whatever happens in between.
#include <rapidcheck.h>

#include <ostream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/engine/engine_fixture.h"
#include "server/engine/follower.h"

namespace fusebox {
namespace {

// One thing that happens to the server or to one of its clients.
struct Step {
  enum Kind { kUse, kTrip, kOverride, kClear, kWait, kForget, kDeliver, kRead, kBreakOff, kLose };

  Kind kind = kUse;
  int pick = 0;  // Which breaker, or how many steps are read.
};

std::ostream& operator<<(std::ostream& out, const Step& step) {
  constexpr const char* kNames[] = {"use",    "trip",    "override", "clear",     "wait",
                                    "forget", "deliver", "read",     "break off", "lose"};
  return out << kNames[step.kind] << " " << step.pick;
}

rc::Gen<Step> AnyStep() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::kind, rc::gen::weightedElement<Step::Kind>({{8, Step::kUse},
                                                                      {8, Step::kTrip},
                                                                      {4, Step::kOverride},
                                                                      {2, Step::kClear},
                                                                      {3, Step::kWait},
                                                                      {1, Step::kForget},
                                                                      {8, Step::kDeliver},
                                                                      {8, Step::kRead},
                                                                      {4, Step::kBreakOff},
                                                                      {4, Step::kLose}})),
      rc::gen::set(&Step::pick, rc::gen::inRange(0, 10)));
}

// A server with a small log and two clients, of which one never breaks off and reads at once.
class World {
 public:
  World(size_t max_watch_lag, const std::string& match)
      : engine_({.idle_ttl = absl::Minutes(10), .max_watch_lag = max_watch_lag}, clock_, 1'000),
        match_(match),
        steady_(engine_, match),
        shaky_(engine_, match) {}

  const Follower& steady() const { return steady_; }
  const Follower& shaky() const { return shaky_; }
  Picture truth() { return Truth(engine_, *Glob::Parse(match_)); }

  void Do(const Step& step) {
    const std::string name = absl::StrCat(step.pick % 2 == 0 ? "db/" : "cache/", step.pick);
    switch (step.kind) {
      case Step::kUse:
        return Expect(engine_.Allow(name, {}, "").status());
      case Step::kTrip:
        return Expect(engine_.Record(name, "", {.result = Failure(), .calls = 5}).status());
      case Step::kOverride:
        return Expect(engine_.SetOverride(name, {.reason = "drill"}));
      case Step::kClear:
        return engine_.ClearOverride(name).IgnoreError();  // There may be none.
      case Step::kWait:
        return Pass(absl::Seconds(30));
      case Step::kForget:
        Pass(absl::Minutes(10));
        for (int i = 0; i < 3; ++i) Pass(absl::Seconds(5));
        return;
      case Step::kDeliver:
        return Pass(absl::ZeroDuration());
      case Step::kRead:
        for (int i = 0; i < step.pick; ++i) shaky_.Read();
        return;
      case Step::kBreakOff:
        shaky_.BreakOff();
        return;
      case Step::kLose:
        return shaky_.LoseNext();
    }
  }

  // Nothing happens any more, and everything that happened is told.
  void Settle() {
    for (int i = 0; i < 3; ++i) {
      Pass(absl::ZeroDuration());
      shaky_.CatchUp();
    }
  }

 private:
  static Result Failure() { return Result::Of(Outcome::kFailure); }
  static void Expect(const absl::Status& status) { EXPECT_TRUE(status.ok()) << status; }

  void Pass(absl::Duration duration) {
    clock_.Advance(duration);
    engine_.Maintain();
    steady_.CatchUp();
  }

  FakeClock clock_;
  Engine engine_;
  const std::string match_;
  Follower steady_, shaky_;
};

// Whatever changes, is told, is lost on the way and breaks off, and however little is kept: who
// resumes ends with the same picture as who never broke off, and that is how things are.
TEST(WatchResumePropertyTest, WhoResumesKnowsWhatWhoNeverBrokeOffKnows) {
  int resumed = 0, missed = 0;
  EXPECT_TRUE(rc::check([&] {
    const auto lag = *rc::gen::element<size_t>(1, 2, 4, 100);
    const auto match = *rc::gen::element<std::string>("**", "db/*", "db/4", "none/*");
    const auto steps = *rc::gen::resize(500, rc::gen::container<std::vector<Step>>(AnyStep()));
    World world(lag, match);
    for (const Step& step : steps) world.Do(step);
    world.Settle();
    RC_ASSERT(world.shaky().picture() == world.truth());
    RC_ASSERT(world.steady().picture() == world.truth());
    resumed += world.shaky().resumed();
    missed += world.shaky().missed();
  }));
  // Or else nothing was shown.
  EXPECT_GT(resumed, 100);
  EXPECT_GT(missed, 100);
}

class WatchResumeTest : public EngineTest {
 protected:
  WatchResumeTest() : EngineTest({.idle_ttl = absl::Minutes(10)}) { follower_.CatchUp(); }

  void CatchUp() {
    engine_.Maintain();
    follower_.CatchUp();
  }
  void ExpectTruth() { EXPECT_EQ(follower_.picture(), Truth(engine_, Glob::All())); }

  Follower follower_{engine_, "**"};
};

// What was born and forgotten while it was away is not there, and what it knew and is gone, goes.
TEST_F(WatchResumeTest, LearnsWhatIsGone) {
  Allow(kOrders);
  CatchUp();
  ASSERT_EQ(follower_.picture().size(), 1u);
  follower_.BreakOff();
  Allow(kUsers);
  Pass(absl::Minutes(10));
  Sweep();
  ASSERT_FALSE(Exists(kOrders));
  CatchUp();
  EXPECT_TRUE(follower_.picture().empty());
  EXPECT_EQ(follower_.missed(), 2);
  EXPECT_EQ(follower_.resumed(), 1);
}

// A breaker that was forgotten and made again is a new one.
TEST_F(WatchResumeTest, LearnsWhatCameBack) {
  Allow(kOrders);
  CatchUp();
  const uint64_t epoch = follower_.picture().at(std::string(kOrders)).epoch;
  follower_.BreakOff();
  Pass(absl::Minutes(10));
  Sweep();
  Allow(kOrders);
  CatchUp();
  EXPECT_GT(follower_.picture().at(std::string(kOrders)).epoch, epoch);
  EXPECT_EQ(follower_.missed(), 1);  // Once, as it is now.
  ExpectTruth();
}

// A server that nobody watches remembers for who comes back.
TEST_F(WatchResumeTest, ChangesAreKeptWhileNobodyWatches) {
  follower_.BreakOff();
  ASSERT_EQ(engine_.watchers(), 0u);
  Trip();
  engine_.Maintain();
  Pass(absl::Seconds(30));
  CatchUp();
  EXPECT_EQ(follower_.picture().at(std::string(kOrders)).state, State::kHalfOpen);
  EXPECT_EQ(follower_.missed(), 1);
}

// It may break off again while it is told what it missed.
TEST_F(WatchResumeTest, MayBreakOffWhileItCatchesUp) {
  for (int i = 0; i < 20; ++i) Allow(absl::StrCat("db/", i));
  engine_.Maintain();
  follower_.BreakOff();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(follower_.Read());
    follower_.BreakOff();
  }
  EXPECT_EQ(follower_.missed(), 20);  // None of them twice.
  ExpectTruth();
}

}  // namespace
}  // namespace fusebox
