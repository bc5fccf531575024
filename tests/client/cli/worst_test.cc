#include "client/cli/worst.h"

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

std::vector<std::string> Names(const Worst& worst) {
  std::vector<std::string> names;
  for (const v1::Breaker& breaker : worst.list().breakers()) names.push_back(breaker.name());
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

}  // namespace
}  // namespace fusebox::cli
