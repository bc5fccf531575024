#include "client/cli/worst.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

using ::testing::ElementsAre;

v1::Breaker Breaker(const std::string& name, v1::State state, v1::Health health, double score) {
  v1::Breaker breaker;
  breaker.set_name(name);
  breaker.set_state(state);
  breaker.set_health(health);
  breaker.set_score(score);
  return breaker;
}

v1::ListBreakersResponse Page(const std::vector<v1::Breaker>& breakers) {
  v1::ListBreakersResponse page;
  for (const v1::Breaker& breaker : breakers) *page.add_breakers() = breaker;
  return page;
}

std::vector<std::string> Names(Worst& worst) {
  std::vector<std::string> names;
  const v1::ListBreakersResponse list = worst.Finish();
  for (const v1::Breaker& breaker : list.breakers()) names.push_back(breaker.name());
  return names;
}

const v1::Breaker kOpen = Breaker("open", v1::STATE_OPEN, v1::HEALTH_UNHEALTHY, 1);
const v1::Breaker kProbing = Breaker("probing", v1::STATE_HALF_OPEN, v1::HEALTH_DEGRADED, 1);
const v1::Breaker kUnwell = Breaker("unwell", v1::STATE_CLOSED, v1::HEALTH_DEGRADED, 0.5);
const v1::Breaker kWell = Breaker("well", v1::STATE_CLOSED, v1::HEALTH_HEALTHY, 0.95);
const v1::Breaker kPerfect = Breaker("perfect", v1::STATE_CLOSED, v1::HEALTH_HEALTHY, 1);

TEST(WorstTest, PutsThoseFirstThatRefuseMost) {
  Worst worst(std::nullopt);
  worst.Take(Page({kPerfect, kUnwell, kOpen}));
  worst.Take(Page({kWell, kProbing}));
  EXPECT_THAT(Names(worst), ElementsAre("open", "probing", "unwell", "well", "perfect"));
}

TEST(WorstTest, TakesOneThatIsForcedOpenForOpen) {
  v1::Breaker forced = kPerfect;
  forced.set_name("a-forced");
  forced.mutable_override()->set_mode(v1::OVERRIDE_MODE_FORCED_OPEN);
  Worst worst(std::nullopt);
  worst.Take(Page({kOpen, kProbing, forced}));
  EXPECT_THAT(Names(worst), ElementsAre("a-forced", "open", "probing"));
}

TEST(WorstTest, KeepsNoMoreThanItsLimitAndCountsAll) {
  Worst worst(2);
  worst.Take(Page({kPerfect, kWell, kUnwell}));
  worst.Take(Page({}));
  worst.Take(Page({kOpen}));
  EXPECT_THAT(Names(worst), ElementsAre("open", "unwell"));
  EXPECT_EQ(worst.seen(), 4);
}

TEST(WorstTest, KeepsTheSameInWhateverOrderTheyCome) {
  std::vector<v1::Breaker> all;
  for (int i = 0; i < 50; ++i) {
    all.push_back(
        Breaker(std::to_string(100 + i * 7 % 50), v1::STATE_CLOSED, v1::HEALTH_DEGRADED, 1));
  }
  Worst worst(3);
  for (const v1::Breaker& one : all) worst.Take(Page({one}));
  EXPECT_THAT(Names(worst), ElementsAre("100", "101", "102"));
}

TEST(WorstTest, TakesAScoreThatIsNoNumberForTheWorst) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::optional<int> limit : {std::optional<int>(), std::optional<int>(3)}) {
    Worst worst(limit);
    worst.Take(Page({kUnwell, Breaker("b", v1::STATE_CLOSED, v1::HEALTH_DEGRADED, nan),
                     Breaker("a", v1::STATE_CLOSED, v1::HEALTH_DEGRADED, nan)}));
    EXPECT_THAT(Names(worst), ElementsAre("a", "b", "unwell"));
  }
}

// Sorted after every page this would take minutes, and the test would be ended.
TEST(WorstTest, SortsOnceHoweverManyPagesThereAre) {
  Worst worst(std::nullopt);
  for (int page = 0; page < 2000; ++page) {
    std::vector<v1::Breaker> breakers;
    for (int i = 0; i < 20; ++i) {
      const std::string name = std::to_string(1'000'000 + (page * 20 + i) * 7919 % 40'000);
      breakers.push_back(Breaker(name, v1::STATE_CLOSED, v1::HEALTH_HEALTHY, 1));
    }
    worst.Take(Page(breakers));
  }
  const std::vector<std::string> names = Names(worst);
  EXPECT_EQ(names.size(), 40'000);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

}  // namespace
}  // namespace fusebox::cli
