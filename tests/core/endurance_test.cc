// Ten hours of traffic with outages, in virtual time: what no short test would see.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "core/describe.h"
#include "core/guard.h"
#include "testing/fake_transition_source.h"

namespace fusebox {
namespace {

constexpr absl::Duration kLong = absl::Hours(10);
constexpr absl::Duration kBetweenCalls = absl::Milliseconds(50);

// Every half hour, from the tenth minute on, the dependency is down for two minutes.
constexpr absl::Duration kPeriod = absl::Minutes(30);
constexpr absl::Duration kOutageStart = absl::Minutes(10);
constexpr absl::Duration kOutageEnd = absl::Minutes(12);

absl::Duration IntoPeriod(absl::Duration since_start) { return since_start % kPeriod; }
bool IsDown(absl::Duration since_start) {
  const absl::Duration into = IntoPeriod(since_start);
  return into >= kOutageStart && into < kOutageEnd;
}

// Numbers that look random and are the same in every run.
class Noise {
 public:
  bool OneIn(uint32_t n) { return Next() % n == 0; }

 private:
  uint32_t Next() {
    state_ = state_ * 6364136223846793005 + 1442695040888963407;
    return static_cast<uint32_t>(state_ >> 33);
  }
  uint64_t state_ = 42;
};

// A service with a twentieth of background failures, clients that die and one clock.
class Fleet {
 public:
  explicit Fleet(const Policy& policy) : ruling_(policy) {}

  // The clock that callers see; by default the true one.
  absl::Duration clock_error = absl::ZeroDuration();
  bool clock_stumbles = false;  // One reading in a hundred is an hour behind.

  void Run(absl::Duration duration) {
    for (const Tick end = now_ + duration; now_ < end; now_ += kBetweenCalls) CallOnce();
  }

  absl::Duration SinceStart(Tick tick) const { return tick - start_; }
  const Transitions& transitions() const { return transitions_; }
  Guard& guard() { return guard_; }
  uint64_t refused_while_up() const { return refused_while_up_; }
  uint64_t calls() const { return calls_; }
  absl::Duration longest_not_closed() const { return longest_not_closed_; }

 private:
  Tick Clock() {
    const bool stumbles = clock_stumbles && noise_.OneIn(100);
    const absl::Duration behind = clock_error + (stumbles ? absl::Hours(1) : absl::ZeroDuration());
    return Tick::FromNanos(now_.nanos() - absl::ToInt64Nanoseconds(behind));
  }

  void CallOnce() {
    ++calls_;
    const bool down = IsDown(SinceStart(now_));
    const bool fails = noise_.OneIn(20);
    const bool dies = noise_.OneIn(50);
    const Decision decision = guard_.Acquire(ruling_, {}, Clock(), source_, transitions_);
    Watch(down, decision.allowed);
    if (!decision.allowed || dies) return;
    const Outcome outcome = down    ? Outcome::kTimeout
                            : fails ? Outcome::kFailure
                                    : Outcome::kSuccess;
    const std::string client = std::to_string(calls_ % 7);
    guard_.Record(ruling_,
                  {.permit = decision.permit, .result = Result::Of(outcome), .client = client},
                  Clock(), source_, transitions_);
  }

  void Watch(bool down, bool allowed) {
    if (!down && !allowed) ++refused_while_up_;
    if (down || guard_.state() == State::kClosed) {
      closed_or_down_ = now_;
    } else {
      longest_not_closed_ = std::max(longest_not_closed_, now_ - closed_or_down_);
    }
  }

  const RulingPolicy ruling_;
  const Tick start_ = Tick::FromNanos(7'200'000'000'000);
  Tick now_ = start_;
  Tick closed_or_down_ = start_;
  FakeTransitionSource source_;
  Transitions transitions_;
  Guard guard_{source_.NextEpoch(), start_};
  Noise noise_;
  uint64_t calls_ = 0;
  uint64_t refused_while_up_ = 0;
  absl::Duration longest_not_closed_ = absl::ZeroDuration();
};

// As the presets for busy services are: rates, no runs, a quorum.
Policy Busy() {
  Policy policy;
  policy.circuit_breaker.consecutive_failures = 0;
  policy.circuit_breaker.min_failing_clients = 3;
  policy.circuit_breaker.open_duration = absl::Seconds(5);
  policy.circuit_breaker.probe_timeout = absl::Seconds(10);
  return policy;
}

Policy BusyByCalls() {
  Policy policy = Busy();
  policy.circuit_breaker.window_calls = 200;
  return policy;
}

Policy BusyWithRamp() {
  Policy policy = Busy();
  policy.circuit_breaker.ramp_duration = absl::Seconds(20);
  policy.circuit_breaker.open_multiplier = Share::FromFraction(1.5);
  policy.circuit_breaker.max_open_duration = absl::Seconds(30);
  return policy;
}

class EnduranceTest : public ::testing::TestWithParam<Policy (*)()> {};

// From CLOSED it opens in an outage only, and soon; no false alarm in ten hours.
TEST_P(EnduranceTest, OpensInEveryOutageAndAtNoOtherTime) {
  Fleet fleet(GetParam()());
  fleet.Run(kLong);
  int outages_seen = 0;
  for (const Transition& transition : fleet.transitions()) {
    const absl::Duration since_start = fleet.SinceStart(transition.time);
    if (transition.from != State::kClosed) continue;
    ASSERT_TRUE(IsDown(since_start)) << absl::FormatDuration(since_start);
    EXPECT_LE(IntoPeriod(since_start) - kOutageStart, absl::Seconds(10));
    ++outages_seen;
  }
  EXPECT_EQ(outages_seen, kLong / kPeriod);
}

// After an outage it finds back, whatever happened to its probes: it is never pinned.
TEST_P(EnduranceTest, IsNeverPinned) {
  Fleet fleet(GetParam()());
  fleet.Run(kLong);
  EXPECT_EQ(fleet.guard().state(), State::kClosed);
  EXPECT_LE(fleet.longest_not_closed(), absl::Minutes(2));
  EXPECT_LE(fleet.refused_while_up(), fleet.calls() / 50);
}

// A wait is never cut short: what leaves OPEN leaves it exactly on time.
TEST_P(EnduranceTest, NeverLeavesOpenEarly) {
  Fleet fleet(GetParam()());
  fleet.Run(kLong);
  const Transitions& all = fleet.transitions();
  ASSERT_GT(all.size(), 40u);
  for (size_t i = 1; i < all.size(); ++i) {
    if (all[i].from != State::kOpen) continue;
    EXPECT_EQ(all[i].time, all[i - 1].time + all[i - 1].open_for) << Describe(all[i]);
  }
}

// A reading that is an hour behind is clamped: nothing happens twice, nothing is forgotten.
TEST_P(EnduranceTest, SurvivesAClockThatStumbles) {
  Fleet fleet(GetParam()());
  fleet.clock_stumbles = true;
  fleet.Run(kLong);
  EXPECT_LE(fleet.longest_not_closed(), absl::Minutes(2));
  for (const Transition& transition : fleet.transitions()) {
    const absl::Duration since_start = fleet.SinceStart(transition.time);
    if (transition.from == State::kClosed) {
      EXPECT_TRUE(IsDown(since_start));
    }
  }
}

// A clock that steps back an hour and stays there: time stands still for the breaker until the
// clock is where it was. Nothing opens for it in the meantime, and then all goes on as ever.
TEST_P(EnduranceTest, SurvivesAClockThatStepsBackForGood) {
  Fleet fleet(GetParam()());
  fleet.Run(absl::Hours(2));
  ASSERT_EQ(fleet.guard().state(), State::kClosed);
  fleet.clock_error = absl::Hours(1);
  size_t before = fleet.transitions().size();
  fleet.Run(absl::Minutes(9));  // Until the next outage.
  EXPECT_EQ(fleet.transitions().size(), before);
  fleet.Run(absl::Minutes(51));
  before = fleet.transitions().size();
  fleet.Run(absl::Hours(7));
  int outages_seen = 0;
  for (size_t i = before; i < fleet.transitions().size(); ++i) {
    if (fleet.transitions()[i].from != State::kClosed) continue;
    EXPECT_TRUE(IsDown(fleet.SinceStart(fleet.transitions()[i].time)));
    ++outages_seen;
  }
  EXPECT_EQ(outages_seen, absl::Hours(7) / kPeriod);
  EXPECT_EQ(fleet.guard().state(), State::kClosed);
}

INSTANTIATE_TEST_SUITE_P(Policies, EnduranceTest,
                         ::testing::Values(&Busy, &BusyByCalls, &BusyWithRamp));

}  // namespace
}  // namespace fusebox
