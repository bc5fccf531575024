// Watches that come, go and come back while everything changes. To be run under ThreadSanitizer.
#include <atomic>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/engine/engine_fixture.h"
#include "server/engine/follower.h"

namespace fusebox {
namespace {

constexpr int kChangers = 3;
constexpr int kBreaks = 100;  // Of each follower.
constexpr size_t kNames = 60;

// The parameter is how many names are kept.
class WatchResumeRaceTest : public EngineTest, public ::testing::WithParamInterface<size_t> {
 protected:
  // Breakers are forgotten soon.
  WatchResumeRaceTest()
      : EngineTest({.idle_ttl = absl::Milliseconds(200), .max_watch_lag = GetParam()}) {
    for (const char* match : {"**", "**", "db/*", "db/8", "cache/**"}) {
      followers_.push_back(std::make_unique<Follower>(engine_, match));
      matches_.push_back(*Glob::Parse(match));
    }
  }

  void Change(uint32_t seed) {
    std::mt19937 random(seed);
    while (!done_) {
      const size_t which = random() % kNames;
      const std::string name = absl::StrCat(which % 2 == 0 ? "db/" : "cache/", which);
      if (random() % 4 == 0) {
        mistakes_ += !engine_.SetOverride(name, {.expires = clock_.Now() + absl::Seconds(1)}).ok();
      } else if (random() % 4 == 0) {
        engine_.ClearOverride(name).IgnoreError();  // There may be none.
      } else {
        const Ending failure{.result = Result::Of(Outcome::kFailure), .calls = 5};
        mistakes_ += !engine_.Record(name, "", failure).ok();
      }
    }
  }

  void Maintain() {
    while (!done_) Pass(absl::Milliseconds(10));
  }

  static void Follow(Follower& follower, uint32_t seed) {
    std::mt19937 random(seed);
    for (int breaks = 0; breaks < kBreaks; follower.Read()) {
      if (random() % 50 != 0) continue;
      ++breaks;
      if (random() % 2 == 0) follower.BreakOff();
      follower.LoseNext();
    }
  }

  // Until every follower has broken off often enough.
  void Race(uint32_t seed) {
    std::vector<std::thread> changers, followers;
    for (uint32_t i = 0; i < kChangers; ++i) {
      changers.emplace_back([this, seed, i] { Change(seed + i); });
    }
    changers.emplace_back([this] { Maintain(); });
    for (const auto& follower : followers_) {
      followers.emplace_back([&follower, seed] { Follow(*follower, seed); });
    }
    for (std::thread& thread : followers) thread.join();
    done_ = true;
    for (std::thread& thread : changers) thread.join();
    EXPECT_EQ(mistakes_, 0);
  }

  std::vector<std::unique_ptr<Follower>> followers_;
  std::vector<Glob> matches_;
  std::atomic<bool> done_{false};
  std::atomic<int> mistakes_{0};
};

// When it is quiet again, everybody knows how things are.
TEST_P(WatchResumeRaceTest, EverybodyEndsWithTheTruth) {
  const uint32_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  Race(seed);
  for (int i = 0; i < 3; ++i) {
    engine_.Maintain();
    for (const auto& follower : followers_) follower->CatchUp();
  }
  for (size_t i = 0; i < followers_.size(); ++i) {
    EXPECT_EQ(followers_[i]->picture(), Truth(engine_, matches_[i])) << matches_[i].text();
    if (GetParam() < kNames) continue;
    EXPECT_GT(followers_[i]->resumed(), kBreaks / 2) << matches_[i].text();  // No token is stale.
  }
}

INSTANTIATE_TEST_SUITE_P(KeepingFewAndAll, WatchResumeRaceTest, ::testing::Values(10, kNames));

}  // namespace
}  // namespace fusebox
