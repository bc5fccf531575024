#include "core/latency_sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace fusebox {
namespace {

Share Percent(double percent) { return Share::FromFraction(percent / 100); }

// How far off, relatively.
double Error(absl::Duration got, absl::Duration exact) {
  return std::abs(absl::FDivDuration(got, exact) - 1);
}

class LatencySketchTest : public ::testing::Test {
 protected:
  void Add(absl::Duration latency, uint32_t calls = 1) { sketch_.Add(latency, calls, now_); }
  absl::Duration At(double percent) {
    return sketch_.Quantile(Percent(percent), now_).value_or(absl::ZeroDuration());
  }
  void ExpectNear(double percent, absl::Duration exact) {
    EXPECT_LE(Error(At(percent), exact), LatencySketch::kRelativeError)
        << percent << " %: " << At(percent) << ", exactly " << exact;
  }

  Tick now_ = Tick() + absl::Hours(300);
  LatencySketch sketch_{now_};
};

// Of nothing there are no percentiles, and 0 would be a wrong one.
TEST_F(LatencySketchTest, KnowsNothingAtFirst) {
  EXPECT_EQ(sketch_.Quantile(Percent(50), now_), std::nullopt);
  EXPECT_EQ(sketch_.Count(now_), 0u);
}

// The promise, for every latency alone: from a microsecond to a day, at most 5 % off.
TEST_F(LatencySketchTest, IsWithinFivePercentFromAMicrosecondToADay) {
  double worst = 0;
  for (double nanos = 1'000; nanos <= 86'400e9; nanos *= 1.001) {
    const absl::Duration latency = absl::Nanoseconds(static_cast<int64_t>(nanos));
    LatencySketch sketch(now_);
    sketch.Add(latency, 1, now_);
    worst = std::max(worst, Error(*sketch.Quantile(Percent(50), now_), latency));
  }
  EXPECT_LE(worst, LatencySketch::kRelativeError);
  EXPECT_GT(worst, 0.04);  // It is no accident.
}

// What is longer must never seem shorter.
TEST_F(LatencySketchTest, LongerLatenciesNeverSeemShorter) {
  absl::Duration before;
  for (double nanos = 1'000; nanos <= 86'400e9; nanos *= 1.01) {
    LatencySketch sketch(now_);
    sketch.Add(absl::Nanoseconds(static_cast<int64_t>(nanos)), 1, now_);
    const absl::Duration told = *sketch.Quantile(Percent(50), now_);
    ASSERT_GE(told, before) << nanos;
    before = told;
  }
}

// Clocks that step back and callers that hang for ever send such.
TEST_F(LatencySketchTest, WhatIsOutOfRangeCountsAsItsEnd) {
  for (const absl::Duration tiny :
       {-absl::InfiniteDuration(), absl::Seconds(-1), absl::ZeroDuration(), absl::Nanoseconds(1)}) {
    LatencySketch sketch(now_);
    sketch.Add(tiny, 1, now_);
    EXPECT_LE(Error(*sketch.Quantile(Percent(50), now_), absl::Microseconds(1)), 0.05) << tiny;
  }
  for (const absl::Duration huge : {absl::Hours(25), absl::InfiniteDuration()}) {
    LatencySketch sketch(now_);
    sketch.Add(huge, 1, now_);
    EXPECT_LE(Error(*sketch.Quantile(Percent(50), now_), absl::Hours(24)), 0.05) << huge;
  }
}

// Ranks are exact: of a hundred calls the 95th is the 95 %, and the 96th is not.
TEST_F(LatencySketchTest, RanksAreExact) {
  Add(absl::Milliseconds(10), 95);
  Add(absl::Milliseconds(900), 5);
  ExpectNear(0, absl::Milliseconds(10));
  ExpectNear(95, absl::Milliseconds(10));
  ExpectNear(95.0001, absl::Milliseconds(900));
  ExpectNear(100, absl::Milliseconds(900));
  EXPECT_EQ(sketch_.Count(now_), 100u);
}

// A latency is remembered until the second boundary after it: for 30 to 60 seconds.
TEST_F(LatencySketchTest, RemembersTheLastThirtyToSixtySeconds) {
  now_ += absl::Seconds(10);
  Add(absl::Milliseconds(10));
  now_ += absl::Seconds(49);
  ExpectNear(50, absl::Milliseconds(10));
  Add(absl::Milliseconds(900));
  EXPECT_EQ(sketch_.Count(now_), 2u);
  now_ += absl::Seconds(1);
  EXPECT_EQ(sketch_.Count(now_), 1u);
  ExpectNear(50, absl::Milliseconds(900));
  now_ += absl::Seconds(30);
  EXPECT_EQ(sketch_.Count(now_), 0u);
}

// A gap of any length leaves nothing that is older than a minute.
TEST_F(LatencySketchTest, ForgetsAcrossIdleGaps) {
  for (const int gap : {60, 61, 89, 90, 1'000, 86'400}) {
    LatencySketch sketch(now_);
    sketch.Add(absl::Milliseconds(10), 1, now_);
    EXPECT_EQ(sketch.Count(now_ + absl::Seconds(gap)), 0u) << gap;
  }
}

// Whoever hedges after a change for the worse wants to know it within the minute.
TEST_F(LatencySketchTest, FollowsAChange) {
  for (int second = 0; second < 120; ++second) {
    Add(absl::Milliseconds(second < 60 ? 10 : 200), 100);
    now_ += absl::Seconds(1);
  }
  ExpectNear(1, absl::Milliseconds(200));
}

// Counts are small and are halved when they are full; percentiles stay where they were.
TEST_F(LatencySketchTest, HalvesItsCountsWhenTheyAreFull) {
  for (int i = 0; i < 1'000'000; ++i) {
    Add(absl::Milliseconds(i % 100 < 98 ? 10 : i % 100 < 99 ? 300 : 900));
  }
  EXPECT_LE(sketch_.Count(now_), 2u * 65'536);
  ExpectNear(50, absl::Milliseconds(10));
  ExpectNear(97.5, absl::Milliseconds(10));
  ExpectNear(98.5, absl::Milliseconds(300));
  ExpectNear(99.5, absl::Milliseconds(900));
}

// Who asks between does not lose their place when counts are halved.
TEST_F(LatencySketchTest, AnswersInTheMiddleOfHalving) {
  for (int i = 1; i <= 300; ++i) {
    Add(absl::Milliseconds(10), 980);
    Add(absl::Milliseconds(300), 10);
    Add(absl::Milliseconds(900), 10);
    ExpectNear(99.5, absl::Milliseconds(900));
    ExpectNear(98.5, absl::Milliseconds(300));
    ExpectNear(50, absl::Milliseconds(10));
    ExpectNear(99.5, absl::Milliseconds(900));
  }
}

// A tail that is spread thin must not vanish or swell when counts are halved.
TEST_F(LatencySketchTest, HalvingKeepsAThinTail) {
  for (int i = 1; i <= 128; ++i) Add(absl::Milliseconds(100) * std::pow(1.05, i));
  Add(absl::Milliseconds(10), 65'535);
  Add(absl::Milliseconds(10));
  // 64 of 32,832 are left of them.
  ExpectNear(100 * (1 - 65.0 / 32'832), absl::Milliseconds(10));
  EXPECT_GT(At(100 * (1 - 62.0 / 32'832)), absl::Milliseconds(90));
  EXPECT_GT(At(100), absl::Seconds(40));
}

// A batch may be larger than a count can be.
TEST_F(LatencySketchTest, TakesAnyNumberOfCalls) {
  Add(absl::Milliseconds(10), 4'000'000'000);
  ExpectNear(50, absl::Milliseconds(10));
  EXPECT_LE(sketch_.Count(now_), 65'535u);
  EXPECT_GE(sketch_.Count(now_), 32'767u);
  Add(absl::Milliseconds(20), 0);
  ExpectNear(100, absl::Milliseconds(10));
}

// Works from the origin of time, too.
TEST_F(LatencySketchTest, WorksFromTheOriginOfTime) {
  LatencySketch sketch{Tick()};
  sketch.Add(absl::Seconds(1), 3, Tick());
  EXPECT_EQ(sketch.Count(Tick() + absl::Seconds(59)), 3u);
  EXPECT_EQ(sketch.Count(Tick() + absl::Seconds(60)), 0u);
}

// A distribution of latencies, in milliseconds.
struct Shape {
  std::string name;
  std::function<double(std::mt19937_64&)> draw;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

class LatencyShapeTest : public ::testing::TestWithParam<Shape> {};

// What the sketch is for: its percentiles are within 5 % of the exact ones of the very same calls.
TEST_P(LatencyShapeTest, PercentilesAreWithinFivePercentOfTheExactOnes) {
  for (const int calls : {100, 5'000, 60'000}) {
    std::mt19937_64 random(calls);
    const Tick now = Tick() + absl::Hours(1);
    LatencySketch sketch(now);
    std::vector<absl::Duration> all;
    for (int i = 0; i < calls; ++i) {
      const double ms = std::clamp(GetParam().draw(random), 0.001, 86'400'000.0);
      all.push_back(absl::Nanoseconds(static_cast<int64_t>(ms * 1e6)));
      sketch.Add(all.back(), 1, now);
    }
    std::sort(all.begin(), all.end());
    for (const double percent : {1.0, 10.0, 50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 100.0}) {
      const Share q = Percent(percent);
      const size_t rank = (q.millionths() * all.size() + Share::kOne - 1) / Share::kOne;
      EXPECT_LE(Error(*sketch.Quantile(q, now), all[rank - 1]), LatencySketch::kRelativeError)
          << calls << " calls, " << percent << " %";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, LatencyShapeTest,
    ::testing::Values(Shape{"lognormal",
                            [](auto& r) { return std::lognormal_distribution(3.0, 1.5)(r); }},
                      Shape{"bimodal",
                            [](auto& r) {
                              return r() % 20 == 0 ? std::normal_distribution(2'000.0, 300.0)(r)
                                                   : std::normal_distribution(8.0, 1.0)(r);
                            }},
                      Shape{"pareto", [](auto& r) {
                              return 5 / std::pow(1 - std::uniform_real_distribution(0.0, 1.0)(r),
                                                  1 / 0.9);
                            }}));

class HedgeDelayTest : public LatencySketchTest {};

// Two copies of every call is nobody's default.
TEST_F(HedgeDelayTest, IsOffByDefault) {
  Add(absl::Milliseconds(10), 1'000);
  EXPECT_EQ(HedgeDelay({}, &sketch_, now_), std::nullopt);
}

// Numbers that somebody chose are taken as they are.
TEST_F(HedgeDelayTest, AFixedDelayIsFixed) {
  const HedgePolicy policy{.delay = absl::Milliseconds(250)};
  EXPECT_EQ(HedgeDelay(policy, nullptr, now_), absl::Milliseconds(250));
  Add(absl::Milliseconds(10), 1'000);
  EXPECT_EQ(HedgeDelay(policy, &sketch_, now_), absl::Milliseconds(250));
}

// At 95 % one call in twenty is sent twice, whatever the dependency's latency is today.
TEST_F(HedgeDelayTest, APercentileFollowsTheLatencies) {
  const HedgePolicy policy{.percentile = Percent(95)};
  Add(absl::Milliseconds(10), 950);
  Add(absl::Milliseconds(400), 50);
  EXPECT_EQ(HedgeDelay(policy, &sketch_, now_), sketch_.Quantile(Percent(95), now_));
  ExpectNear(95, absl::Milliseconds(10));
}

// The percentile of a few calls is noise. Until there are more, the fixed delay helps out.
TEST_F(HedgeDelayTest, FewSamplesTakeTheFixedDelay) {
  HedgePolicy policy{.percentile = Percent(95), .min_samples = 100};
  Add(absl::Milliseconds(10), 99);
  EXPECT_EQ(HedgeDelay(policy, &sketch_, now_), std::nullopt);
  EXPECT_EQ(HedgeDelay(policy, nullptr, now_), std::nullopt);
  policy.delay = absl::Seconds(1);
  EXPECT_EQ(HedgeDelay(policy, &sketch_, now_), absl::Seconds(1));
  Add(absl::Milliseconds(10));
  EXPECT_LT(HedgeDelay(policy, &sketch_, now_), absl::Milliseconds(11));
  now_ += absl::Minutes(1);
  EXPECT_EQ(HedgeDelay(policy, &sketch_, now_), absl::Seconds(1));
}

}  // namespace
}  // namespace fusebox
