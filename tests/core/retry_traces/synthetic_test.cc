// Drawn traces, of which many are tried: what advice that learns saves and costs on average.
#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <vector>

#include "core/retry_traces/replay.h"

namespace fusebox {
namespace {

using FailureShare = std::function<double(double second)>;

// `calls_per_second` for so many seconds, with backoffs of up to 100ms and 200ms.
Trace Draw(const FailureShare& share_at, double calls_per_second, double seconds, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto draw = [&](double least, double most) {
    return std::uniform_real_distribution(least, most)(random);
  };
  Trace trace;
  for (double start = 0; start < seconds; start += draw(0.5, 1.5) / calls_per_second) {
    TracedCall call;
    double at = start;
    for (size_t i = 0; i < TracedCall::kAttempts; ++i) {
      if (i > 0) at += draw(0, i == 1 ? 0.1 : 0.2);
      at += 0.002;
      const bool fails = draw(0, 1) < share_at(at);
      call.attempts[i] = {fails ? Outcome::kFailure : Outcome::kSuccess, absl::Seconds(at)};
    }
    trace.push_back(call);
  }
  return trace;
}

// The sums over twenty traces.
Comparison DrawAndCompare(const FailureShare& share_at, double calls_per_second, double seconds) {
  Comparison sum;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Comparison one = Compare(Draw(share_at, calls_per_second, seconds, seed), seed);
    sum.fixed.useful += one.fixed.useful;
    sum.fixed.useless += one.fixed.useless;
    sum.adaptive.useful += one.adaptive.useful;
    sum.adaptive.useless += one.adaptive.useless;
  }
  return sum;
}

FailureShare Always(double share) {
  return [share](double) { return share; };
}

// Forty seconds of it, and ten in which half of all calls still fail.
double Outage(double second) {
  if (second < 30) return 0.005;
  if (second < 70) return 1;
  return second < 80 ? 0.5 : 0.005;
}

// The point of it, at the pace of one busy client.
TEST(SyntheticTraceTest, AnOutageIsSparedMostRetries) {
  const Comparison sum = DrawAndCompare(Outage, 35, 88);
  EXPECT_GT(sum.useless_saved(), 0.85);
  EXPECT_LT(sum.useful_lost(), 0.04);
}

// And at that of a fleet, where there is more to learn from.
TEST(SyntheticTraceTest, AFleetLearnsAsFast) {
  const Comparison sum = DrawAndCompare(Outage, 500, 88);
  EXPECT_GT(sum.useless_saved(), 0.85);
  EXPECT_LT(sum.useful_lost(), 0.04);
}

// Chance alone must stop no retry, while most of them help.
TEST(SyntheticTraceTest, NoiseAndBrownOutsKeepTheirRetries) {
  EXPECT_EQ(DrawAndCompare(Always(0.01), 35, 60).useful_lost(), 0);
  EXPECT_LT(DrawAndCompare(Always(0.3), 35, 60).useful_lost(), 0.002);
  EXPECT_LT(DrawAndCompare(Always(0.5), 35, 60).useful_lost(), 0.005);
}

}  // namespace
}  // namespace fusebox
