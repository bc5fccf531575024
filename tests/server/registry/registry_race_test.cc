// Many threads at one registry. Bounded, without sleeps; to be run under ThreadSanitizer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/registry/registry.h"

namespace fusebox {
namespace {

constexpr auto kAlways = [](const BreakerEntry&) { return true; };

// Numbers for many threads.
class SharedSource : public TransitionSource {
 public:
  uint64_t NextEpoch() override { return ++epochs_; }
  uint64_t NextNumber() override { return ++numbers_; }
  uint64_t RandomBits() override { return 0; }

 private:
  std::atomic<uint64_t> epochs_{0};
  std::atomic<uint64_t> numbers_{0};
};

// Runs `work(thread)` on so many threads and waits for them.
template <typename Work>
void Race(int threads, Work work) {
  std::vector<std::thread> racing;
  for (int i = 0; i < threads; ++i) racing.emplace_back(work, i);
  for (std::thread& thread : racing) thread.join();
}

class RegistryRaceTest : public ::testing::Test {
 protected:
  absl::StatusOr<LockedBreaker> Make(Registry& registry, absl::string_view name, bool& born) {
    return registry.FindOrCreate(name, {.source = &source_, .ruling = ruling_}, born);
  }

  SharedSource source_;
  const std::shared_ptr<const RulingPolicy> ruling_ = std::make_shared<RulingPolicy>(Policy{});
};

// The losers of a race need a slot for a moment, but no place: the last one is for the winner, and
// nobody is told that a breaker that exists would be one too many.
TEST_F(RegistryRaceTest, RacingForTheLastPlaceMakesOneBreaker) {
  constexpr int kThreads = 4, kRounds = 500;
  Registry registry(1);
  std::atomic<int> births{0}, refusals{0};
  std::barrier<> round(kThreads);
  Race(kThreads, [&](int) {
    for (int i = 0; i < kRounds; ++i) {
      round.arrive_and_wait();
      bool born = false;
      Slot slot = 0;
      if (const absl::StatusOr<LockedBreaker> breaker = Make(registry, "a", born); breaker.ok()) {
        slot = (*breaker)->slot();
      } else {
        ++refusals;
      }
      births += born;
      round.arrive_and_wait();
      if (born) registry.Erase(slot, "a", kAlways);
    }
  });
  EXPECT_EQ(births, kRounds);
  EXPECT_EQ(refusals, 0);
  EXPECT_EQ(registry.size(), 0u);
}

// The bound is a promise to whoever pays for the memory.
TEST_F(RegistryRaceTest, TheBoundHoldsHoweverManyRace) {
  constexpr int kThreads = 4, kNames = 400;
  constexpr size_t kBound = 100;
  Registry registry(kBound);
  std::atomic<size_t> births{0}, most{0};
  Race(kThreads, [&](int thread) {
    for (int i = 0; i < kNames; ++i) {
      bool born = false;
      (void)Make(registry, absl::StrCat("t", thread, "/", i), born);
      births += born;
      most = std::max(most.load(), registry.size());
    }
  });
  EXPECT_EQ(births, kBound);
  EXPECT_EQ(most, kBound);
  EXPECT_EQ(registry.size(), kBound);
}

// A listing that goes on while names race into being must not show one of them twice.
TEST_F(RegistryRaceTest, AWalkMeetsNoNameTwice) {
  constexpr int kMakers = 3, kNames = 20'000;
  Registry registry(kNames);
  std::atomic<int> makers{kMakers};
  int twice = 0;
  Race(kMakers + 1, [&](int thread) {
    if (thread < kMakers) {
      bool born = false;
      for (int i = 0; i < kNames; ++i) (void)Make(registry, absl::StrCat("b/", i), born);
      --makers;
      return;
    }
    for (bool last = false; !last;) {
      last = makers == 0;
      std::set<std::string> met;
      for (Slot slot = 0; slot < registry.end(); ++slot) {
        const LockedBreaker breaker = registry.At(slot);
        if (breaker) twice += !met.insert(std::string(breaker->name())).second;
      }
    }
  });
  EXPECT_EQ(twice, 0);
  EXPECT_EQ(registry.size(), static_cast<size_t>(kNames));
}

// Epochs only grow: also for who made the breaker again while another forgot it.
TEST_F(RegistryRaceTest, EpochsGrowWhileNamesComeAndGo) {
  constexpr int kThreads = 4, kRounds = 5'000, kNames = 3;
  Registry registry(kNames);
  std::atomic<uint64_t> seen[kNames] = {};
  std::atomic<int> older{0};
  Race(kThreads, [&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      const int which = (i + thread) % kNames;
      const std::string name = absl::StrCat("b/", which);
      bool born = false;
      Slot slot = 0;
      {
        const absl::StatusOr<LockedBreaker> breaker = Make(registry, name, born);
        if (!breaker.ok()) continue;
        slot = (*breaker)->slot();
        const uint64_t epoch = (*breaker)->guard.epoch();
        // Whoever saw it last did so under its lock, before it was forgotten.
        older += born ? epoch <= seen[which] : epoch < seen[which];
        seen[which] = epoch;
      }
      if (i % 2 == 0) registry.Erase(slot, name, kAlways);
    }
  });
  EXPECT_EQ(older, 0);
}

// Whatever raced: what is left is found by name, by slot and by walking, each once.
TEST_F(RegistryRaceTest, EveryWayInAgreesAfterARace) {
  constexpr int kThreads = 4, kRounds = 4'000;
  Registry registry(1'000);
  std::atomic<int> mistaken{0};
  Race(kThreads, [&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      // Half of the names are of this thread alone, half are everybody's.
      const std::string name =
          i % 2 == 0 ? absl::StrCat("own", thread, "/", i % 37) : absl::StrCat("shared/", i % 11);
      bool born = false;
      Slot slot = 0;
      {
        const absl::StatusOr<LockedBreaker> breaker = Make(registry, name, born);
        mistaken += !breaker.ok() || (*breaker)->name() != name;
        if (breaker.ok()) slot = (*breaker)->slot();
      }
      if (i % 5 == 0) registry.Erase(slot, name, kAlways);
      if (const LockedBreaker found = registry.Find(name)) mistaken += found->name() != name;
      if (const LockedBreaker found = registry.FindAt(slot, name)) {
        mistaken += found->name() != name;
      }
    }
  });
  EXPECT_EQ(mistaken, 0);
  std::vector<std::string> alive;
  for (Slot slot = 0; slot < registry.end(); ++slot) {
    if (const LockedBreaker breaker = registry.At(slot)) alive.emplace_back(breaker->name());
  }
  for (const std::string& name : alive) EXPECT_TRUE(registry.Find(name)) << name;
  EXPECT_EQ(std::set<std::string>(alive.begin(), alive.end()).size(), alive.size());
  EXPECT_EQ(alive.size(), registry.size());
}

}  // namespace
}  // namespace fusebox
