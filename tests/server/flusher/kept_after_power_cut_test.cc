// The power is cut again and again while operators work, and what was acknowledged is there.
//
// A failure prints its seed: FUSEBOX_SEED=... tells the same story again. FUSEBOX_POWER_CUTS=...
// asks for more of them than the 200 of every build.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "server/flusher/life.h"
#include "testing/fake_clock.h"
#include "testing/faulty_disk.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

constexpr uint64_t kCuts = 200;
constexpr absl::Duration kOpenDuration = absl::Seconds(30);  // The default.

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* given = std::getenv(name);
  uint64_t value = 0;
  return given != nullptr && absl::SimpleAtoi(given, &value) ? value : otherwise;
}

// Whether each thing is there; absent: nobody can know, since the power was cut in the middle.
using Truth = std::map<std::string, std::optional<bool>>;

// Lives of a server on one disk, and what its operators were told.
class Story {
 public:
  explicit Story(uint64_t seed) : random_(seed) {}

  // One life, from its start to the cut. False if something was not as it was said.
  bool Live() {
    disk_ = std::make_unique<FaultyDisk>(random_());
    {
      Life life(clock_, {.data_dir = directory_.path(), .vfs = disk_->name()});
      if (!IsAsTold(life)) return false;
      disk_->CrashAt(1 + random_() % 150);
      while (!disk_->crashed()) DoSomething(life);
      disk_->CutPower();
    }
    disk_.reset();
    // So little that no wait is over before the story is.
    clock_.Advance(kOpenDuration / FromEnvironment("FUSEBOX_POWER_CUTS", kCuts) / 2);
    return true;
  }

 private:
  std::string Pick() { return absl::StrCat("n", random_() % 4); }

  static void Learn(Truth& truth, const std::string& name, bool there, const absl::Status& told) {
    if (told.ok()) {
      truth[name] = there;
    } else if (truth[name] != there) {
      truth[name] = std::nullopt;
    }
  }

  void DoSomething(Life& life) {
    const std::string name = Pick();
    const std::string glob = absl::StrCat(name, "/*"), breaker = absl::StrCat("b/", name);
    switch (random_() % 6) {
      case 0:
        return Learn(policies_, name, true, OrExists(life.Create(name, glob)));
      case 1:
        return Learn(policies_, name, false, OrMissing(life.Delete(name)));
      case 2:
        return Learn(overrides_, glob, true, life.Force(glob));
      case 3:
        return Learn(overrides_, glob, false, OrMissing(life.Clear(glob)));
      case 4:
        return Trip(life, breaker);
      default:
        return Learn(outages_, breaker, false, OrMissing(life.Reset(breaker)));
    }
  }

  void Trip(Life& life, const std::string& breaker) {
    if (life.Look(breaker).state != State::kClosed) return;
    life.Trip(breaker);
    life.flusher.Round();
    const bool kept = life.flusher.condition().not_durable.empty();
    Learn(outages_, breaker, true, kept ? absl::OkStatus() : absl::UnavailableError(""));
    opened_[breaker] = clock_.Now();
  }

  // It is as it was to be, if only because it was so before.
  static absl::Status OrExists(const absl::Status& status) {
    return absl::IsAlreadyExists(status) ? absl::OkStatus() : status;
  }
  static absl::Status OrMissing(const absl::Status& status) {
    return absl::IsNotFound(status) ? absl::OkStatus() : status;
  }

  static bool Compare(Truth& truth, const std::string& name, bool there) {
    std::optional<bool>& told = truth[name];
    if (told.has_value() && *told != there) {
      ADD_FAILURE() << name << (there ? " came back" : " was lost");
      return false;
    }
    told = there;
    return true;
  }

  bool IsAsTold(Life& life) {
    EXPECT_TRUE(life.begun.ok()) << life.begun;
    EXPECT_EQ(life.flusher.condition().not_durable, "");
    EXPECT_EQ(life.flusher.condition().report, "");
    EXPECT_GT(life.engine.life(), last_life_);
    last_life_ = life.engine.life();
    for (int i = 0; i < 4; ++i) {
      const std::string name = absl::StrCat("n", i);
      const std::string glob = absl::StrCat(name, "/*"), breaker = absl::StrCat("b/", name);
      const bool is_open = life.Look(breaker).state == State::kOpen;
      if (!Compare(policies_, name, life.control.book()->policies.contains(name)) ||
          !Compare(overrides_, glob, life.engine.overrides()->Find(glob) != nullptr) ||
          !CompareOutage(life, breaker, is_open)) {
        return false;
      }
    }
    return !::testing::Test::HasFailure();
  }

  bool CompareOutage(Life& life, const std::string& breaker, bool is_open) {
    if (!Compare(outages_, breaker, is_open)) return false;
    const Tick until = opened_[breaker] + kOpenDuration;
    if (is_open) {
      EXPECT_EQ(life.Look(breaker).retry_after, until - clock_.Now()) << breaker;
    }
    return true;
  }

  std::mt19937_64 random_;
  TemporaryDirectory directory_;
  FakeClock clock_;
  std::unique_ptr<FaultyDisk> disk_;
  Truth policies_, overrides_, outages_;
  std::map<std::string, Tick> opened_;
  uint64_t last_life_ = 0;
};

TEST(KeptAfterPowerCutTest, WhatOperatorsWereToldIsTrue) {
  const uint64_t seed = FromEnvironment("FUSEBOX_SEED", std::random_device()());
  const uint64_t cuts = FromEnvironment("FUSEBOX_POWER_CUTS", kCuts);
  SCOPED_TRACE(absl::StrCat("FUSEBOX_SEED=", seed));
  Story story(seed);
  for (uint64_t cut = 0; cut < cuts; ++cut) ASSERT_TRUE(story.Live()) << "cut " << cut;
}

}  // namespace
}  // namespace fusebox
