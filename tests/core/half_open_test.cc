// How a breaker finds out whether the dependency is back.
#include "core/guard_fixture.h"

namespace fusebox {
namespace {

class HalfOpenTest : public GuardTest {
 protected:
  // Goes around until a half-open breaker has so many probes out, and returns them.
  std::vector<Permit> Probes(int wanted) {
    std::vector<Permit> probes;
    for (int i = 0; i < wanted; ++i) probes.push_back(Granted());
    return probes;
  }
};

// A recovering dependency sees three probes, not a thundering herd.
TEST_F(HalfOpenTest, AdmitsMaxProbesAtOnce) {
  HalfOpen();
  for (int i = 0; i < 3; ++i) {
    const Decision probe = Acquire();
    EXPECT_TRUE(probe.allowed);
    EXPECT_TRUE(probe.probe);
  }
  const Decision refused = Acquire();
  EXPECT_FALSE(refused.allowed);
  EXPECT_FALSE(refused.probe);
  EXPECT_EQ(refused.reason, Reason::kProbesBusy);
  EXPECT_EQ(refused.retry_after, absl::Milliseconds(100));
  EXPECT_EQ(refused.state, State::kHalfOpen);
  EXPECT_EQ(Look().probes, 3u);
}

// However many callers race at the end of the wait, exactly max_probes get through.
TEST_F(HalfOpenTest, ARaceAtTheEndOfTheWaitAdmitsMaxProbes) {
  Trip();
  Pass(breaker().open_duration);
  int allowed = 0;
  for (int i = 0; i < 1'000; ++i) allowed += Acquire().allowed;
  EXPECT_EQ(allowed, 3);
}

// Two successes close it.
TEST_F(HalfOpenTest, ClosesAfterSuccessThreshold) {
  HalfOpen();
  EXPECT_EQ(Call(Outcome::kSuccess).state, State::kHalfOpen);
  EXPECT_EQ(Call(Outcome::kSuccess).state, State::kClosed);
  EXPECT_EQ(last().cause, Cause::kProbesSucceeded);
  EXPECT_EQ(last().open_for, absl::ZeroDuration());
}

// A dependency that says the request was wrong is there.
TEST_F(HalfOpenTest, ACallerErrorIsASuccessfulProbe) {
  HalfOpen();
  EXPECT_EQ(Call(Outcome::kCallerError, 2).state, State::kClosed);
}

// More successes than probes at once take several rounds.
TEST_F(HalfOpenTest, SuccessThresholdMayExceedMaxProbes) {
  breaker().max_probes = 1;
  breaker().success_threshold = 5;
  HalfOpen();
  EXPECT_EQ(Call(Outcome::kSuccess, 4).state, State::kHalfOpen);
  EXPECT_EQ(Call(Outcome::kSuccess).state, State::kClosed);
}

// One bad probe is enough: the dependency is not back.
TEST_F(HalfOpenTest, AnyFailedProbeReopens) {
  for (const Outcome outcome : {Outcome::kFailure, Outcome::kTimeout, Outcome::kRateLimited}) {
    HalfOpen();
    Call(Outcome::kSuccess);
    EXPECT_EQ(Call(outcome).state, State::kOpen);
    EXPECT_EQ(last().cause, Cause::kProbeFailed);
    EXPECT_EQ(last().from, State::kHalfOpen);
    Pass(breaker().open_duration);
    Close();
  }
}

// The quorum guards against one sick client that trips; it must not keep a sick dependency going.
TEST_F(HalfOpenTest, AFailedProbeNeedsNoQuorum) {
  breaker().min_failing_clients = 2;
  Call(Outcome::kFailure, 4, "a");
  Call(Outcome::kFailure, 1, "b");
  Pass(breaker().open_duration);
  EXPECT_EQ(Call(Outcome::kFailure, 1, "a").state, State::kOpen);
}

// A slow dependency is not back either, if the policy cares.
TEST_F(HalfOpenTest, ASlowProbeReopensUnderASlowRule) {
  HalfOpen();
  EXPECT_EQ(CallTaking(absl::Hours(1)).state, State::kHalfOpen);  // No such rule.
  breaker().slow_call_rate_threshold = Share::FromFraction(1);
  breaker().slow_call_duration_threshold = absl::Seconds(1);
  EXPECT_EQ(CallTaking(absl::Seconds(1)).state, State::kOpen);
  EXPECT_EQ(last().cause, Cause::kProbeFailed);
}

// A cancelled probe tells nothing: it gives the slot back and neither closes nor opens.
TEST_F(HalfOpenTest, AnIgnoredProbeVotesForNothingAndGivesItsSlotBack) {
  HalfOpen();
  for (int i = 0; i < 100; ++i) {
    const Permit probe = Granted();
    EXPECT_EQ(Record(probe, Outcome::kIgnored).counted, Counted::kNotCounted);
    EXPECT_EQ(state(), State::kHalfOpen);
  }
  EXPECT_EQ(Look().probes, 0u);
}

// A holder that dies gives its slot back, or three crashes would lock everybody out.
TEST_F(HalfOpenTest, ALeaseExpiresAfterProbeTimeout) {
  HalfOpen();
  Probes(2);
  Pass(absl::Seconds(30));
  Probes(1);
  ASSERT_FALSE(Acquire().allowed);
  Pass(absl::Seconds(30) - absl::Nanoseconds(1));
  EXPECT_FALSE(Acquire().allowed);
  Pass(absl::Nanoseconds(1));
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_TRUE(Acquire().allowed);
  EXPECT_FALSE(Acquire().allowed);
}

// An expired probe that failed after all is news; one that succeeded is not to be trusted.
TEST_F(HalfOpenTest, AnExpiredProbesFailureReopens) {
  HalfOpen();
  const Permit probe = Granted();
  Pass(breaker().probe_timeout);
  EXPECT_EQ(Record(probe, Outcome::kFailure).counted, Counted::kCounted);
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_EQ(last().cause, Cause::kProbeFailed);
}

// Otherwise more than max_probes could vote at once.
TEST_F(HalfOpenTest, AnExpiredProbesSuccessDoesNotVote) {
  breaker().success_threshold = 1;
  HalfOpen();
  const Permit probe = Granted();
  Pass(breaker().probe_timeout);
  EXPECT_EQ(Record(probe, Outcome::kSuccess).counted, Counted::kLate);
  EXPECT_EQ(state(), State::kHalfOpen);
  EXPECT_EQ(Look().totals.late, 1u);
}

// A dependency that swallows every probe is not back, although nobody reported a failure.
TEST_F(HalfOpenTest, ReopensAfterMaxProbesExpiredWithoutAVote) {
  HalfOpen();
  Probes(3);
  const Tick expiry = now_ + breaker().probe_timeout;
  Pass(absl::Hours(5));
  Advance();
  ASSERT_EQ(transitions_.size(), 4u);  // Opened, half-opened, opened, half-opened.
  EXPECT_EQ(transitions_[2].cause, Cause::kProbesExpired);
  EXPECT_EQ(transitions_[2].time, expiry);
  EXPECT_EQ(transitions_[3].cause, Cause::kWaitOver);
  EXPECT_EQ(transitions_[3].time, expiry + breaker().open_duration);
}

// It need not be all at once: one lost probe after another is as telling.
TEST_F(HalfOpenTest, ExpiriesAddUpAcrossRounds) {
  HalfOpen();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(state(), State::kHalfOpen);
    Granted();
    Pass(breaker().probe_timeout);
    Advance();
  }
  EXPECT_EQ(state(), State::kOpen);
  EXPECT_EQ(last().cause, Cause::kProbesExpired);
}

// A vote between them says that the dependency does answer.
TEST_F(HalfOpenTest, AVoteStartsTheCountOfExpiriesAnew) {
  breaker().success_threshold = 2;
  HalfOpen();
  Probes(2);
  Pass(breaker().probe_timeout);
  Call(Outcome::kSuccess);
  Probes(2);
  Pass(breaker().probe_timeout);
  Advance();
  EXPECT_EQ(state(), State::kHalfOpen);
  Granted();
  Pass(breaker().probe_timeout);
  Advance();
  EXPECT_EQ(state(), State::kOpen);
}

// The cancelled ones are no votes, so they must not hide that all others were lost.
TEST_F(HalfOpenTest, AnIgnoredProbeDoesNotStartTheCountAnew) {
  HalfOpen();
  Probes(2);
  Pass(breaker().probe_timeout);
  Call(Outcome::kIgnored);
  Granted();
  Pass(breaker().probe_timeout);
  Advance();
  EXPECT_EQ(last().cause, Cause::kProbesExpired);
}

// Every lost probe costs its timeout, but in the end the breaker knows.
TEST_F(HalfOpenTest, ABreakerWithTrafficDoesNotStayHalfOpen) {
  breaker().success_threshold = 4;
  HalfOpen();
  const Tick start = now_;
  int asked = 0;
  while (state() == State::kHalfOpen) {
    const Decision decision = Acquire();
    if (decision.allowed && ++asked % 3 == 0) Record(decision.permit, Outcome::kSuccess);
    Pass(absl::Seconds(1));
    ASSERT_LT(now_ - start, 4 * 3 * breaker().probe_timeout);
  }
}

// The same probe must not vote twice.
TEST_F(HalfOpenTest, ARepeatedProbeVotesOnce) {
  HalfOpen();
  const Permit probe = Granted();
  EXPECT_EQ(Record(probe, Outcome::kSuccess).counted, Counted::kCounted);
  EXPECT_EQ(Record(probe, Outcome::kSuccess).counted, Counted::kRepeated);
  EXPECT_EQ(Record(probe, Outcome::kFailure).counted, Counted::kRepeated);
  EXPECT_EQ(state(), State::kHalfOpen);
}

// Slots are given back whichever probe it is that returns.
TEST_F(HalfOpenTest, EachProbeReturnsItsOwnSlot) {
  breaker().success_threshold = 100;
  HalfOpen();
  const std::vector<Permit> probes = Probes(3);
  Pass(absl::Seconds(20));
  Record(probes[1], Outcome::kSuccess);
  EXPECT_EQ(Look().probes, 2u);
  Granted();
  Pass(absl::Seconds(40));  // The first and the third are over; the new one is not.
  EXPECT_EQ(Look().probes, 1u);
}

// A probe of before a success that closed it is of an older epoch.
TEST_F(HalfOpenTest, ClosingFreesTheOtherProbes) {
  HalfOpen();
  const std::vector<Permit> probes = Probes(3);
  Record(probes[0], Outcome::kSuccess);
  Record(probes[1], Outcome::kSuccess);
  ASSERT_EQ(state(), State::kClosed);
  EXPECT_EQ(Look().probes, 0u);
  EXPECT_EQ(Record(probes[2], Outcome::kFailure).counted, Counted::kLate);
  EXPECT_EQ(Look().consecutive_failures, 0u);
}

// The engine's timer needs to know what to wait for.
TEST_F(HalfOpenTest, TheDeadlineIsTheNextExpiry) {
  breaker().success_threshold = 100;
  EXPECT_EQ(guard_.NextDeadline(), Tick::Max());
  HalfOpen();
  EXPECT_EQ(guard_.NextDeadline(), Tick::Max());
  const Permit first = Granted();
  const Tick start = now_;
  Pass(absl::Seconds(1));
  Granted();
  EXPECT_EQ(guard_.NextDeadline(), start + breaker().probe_timeout);
  Record(first, Outcome::kSuccess);
  EXPECT_EQ(guard_.NextDeadline(), now_ + breaker().probe_timeout);
}

// A policy with a shorter timeout may overtake the leases that are out.
TEST_F(HalfOpenTest, AShortenedTimeoutExpiresInItsOwnOrder) {
  HalfOpen();
  Granted();
  breaker().probe_timeout = absl::Seconds(5);
  Granted();
  EXPECT_EQ(guard_.NextDeadline(), now_ + absl::Seconds(5));
  Pass(absl::Seconds(5));
  EXPECT_EQ(Look().probes, 1u);
  Pass(absl::Seconds(55));
  EXPECT_EQ(Look().probes, 0u);
}

}  // namespace
}  // namespace fusebox
