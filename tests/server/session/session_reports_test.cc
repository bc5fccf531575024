// What a session's client reports counts once, as the calls that it was.
#include "server/session/session_fixture.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;

class SessionReportsTest : public SessionTest {
 protected:
  v1::Tally Tally(uint32_t successes, uint32_t failures, uint32_t handle = 1) {
    v1::Tally tally;
    tally.set_handle(handle);
    tally.set_epoch(Look().epoch);
    tally.set_successes(successes);
    tally.set_failures(failures);
    tally.set_trailing_failures(failures);
    return tally;
  }
  static v1::SessionRequest Message(uint64_t sequence, const v1::Tally& tally) {
    v1::SessionRequest request;
    request.mutable_report()->set_sequence(sequence);
    *request.mutable_report()->add_tallies() = tally;
    return request;
  }
};

// The fleet sees what each of its clients saw.
TEST_F(SessionReportsTest, CountsWhatAllClientsSaw) {
  FakeClient a = Client("a"), b = Client("b");
  for (FakeClient* client : {&a, &b}) ASSERT_TRUE(client->Subscribe(1, kOrders).ok());
  ASSERT_TRUE(a.Report(Tally(40, 0)).ok());
  ASSERT_TRUE(b.Report(Tally(0, 4)).ok());
  EXPECT_EQ(Look().window, (WindowCounts{.calls = 44, .failures = 4}));
  EXPECT_EQ(Look().totals.calls, 44u);
  EXPECT_EQ(counts_.rows, 2u);
  EXPECT_EQ(a.Hear().acknowledged(), 1u);
  ASSERT_TRUE(a.Report(Tally(0, 1)).ok());
  EXPECT_EQ(Look().state, State::kOpen);
  // What the third failure of one client and the first of another did reaches both.
  Deliver();
  for (FakeClient* client : {&a, &b}) {
    client->Hear();
    EXPECT_EQ(client->known(1).state(), v1::STATE_OPEN);
  }
}

// Sent again because its acknowledgement was lost, a report counts no second time.
TEST_F(SessionReportsTest, AppliesAReportOnce) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(client.Say(Message(1, Tally(10, 0))).ok());
  EXPECT_EQ(Look().window.calls, 10u);
  EXPECT_EQ(counts_.repeated_reports, 2u);
  EXPECT_EQ(client.Hear().acknowledged(), 1u);
}

// A report that is missing is lost, and nobody would know: so that is an error.
TEST_F(SessionReportsTest, EndsWithAGap) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  ASSERT_TRUE(client.Say(Message(1, Tally(1, 0))).ok());
  ExpectError(client.Say(Message(3, Tally(1, 0))), absl::StatusCode::kInvalidArgument,
              "SEQUENCE_INVALID", {"is 3 after 1"});
  ExpectError(client.Say(Message(0, Tally(1, 0))), absl::StatusCode::kInvalidArgument,
              "SEQUENCE_INVALID", {"is 0"});
  EXPECT_EQ(Look().window.calls, 1u);
}

// The stream that a client has given up may still carry what it sent: only one of the two counts.
TEST_F(SessionReportsTest, AppliesNothingOfAStreamThatWasReplaced) {
  FakeClient before = Client("same"), after = Client("same");
  for (FakeClient* client : {&before, &after}) ASSERT_TRUE(client->Subscribe(1, kOrders).ok());
  ASSERT_TRUE(before.Say(Message(1, Tally(10, 0))).ok());
  EXPECT_EQ(Look().window.calls, 0u);
  EXPECT_EQ(before.Hear().acknowledged(), 0u);
  ASSERT_TRUE(after.Say(Message(1, Tally(10, 0))).ok());
  EXPECT_EQ(Look().window.calls, 10u);
}

// One bad row must not take the rest of the report with it.
TEST_F(SessionReportsTest, SkipsABadRowAlone) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  v1::Report report;
  *report.add_tallies() = Tally(1, 0);
  report.mutable_tallies(0)->set_slow(2);
  *report.add_tallies() = Tally(0, 0, /*handle=*/99);
  *report.add_tallies() = Tally(7, 0);
  for (const char* permit : {"forged", ""}) {
    v1::SessionEnding& ending = *report.add_endings();
    ending.set_handle(1);
    ending.mutable_ending()->set_permit(permit);
    ending.mutable_ending()->set_outcome(v1::OUTCOME_SUCCESS);
  }
  *report.add_tallies() = Tally(5, 0);
  report.mutable_tallies(3)->clear_epoch();
  ASSERT_TRUE(client.Report(report).ok());
  EXPECT_EQ(Look().window.calls, 7u);
  EXPECT_EQ(counts_.rows, 1u);
  EXPECT_EQ(counts_.bad_rows, 4u);
  EXPECT_EQ(counts_.lost_rows, 1u);
  EXPECT_EQ(client.Hear().acknowledged(), 1u);
}

// What was decided before the breaker moved on has no vote.
TEST_F(SessionReportsTest, WhatIsOfAnEpochThatIsOverIsLate) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  const v1::Tally before = Tally(0, 3);
  HalfOpen();
  for (int i = 0; i < 2; ++i) Record(Granted(), Outcome::kSuccess);
  ASSERT_TRUE(client.Report(before).ok());
  EXPECT_EQ(Look().window.calls, 0u);
  EXPECT_EQ(Look().totals.late, 3u);
}

// After a restart a client tells what it saw lately, so that not all is forgotten.
TEST_F(SessionReportsTest, AWindowCountsWhateverItsEpochWhileClosed) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  v1::Report report;
  report.set_window(true);
  *report.add_tallies() = Tally(30, 2);
  report.mutable_tallies(0)->set_epoch(3);
  ASSERT_TRUE(client.Report(report).ok());
  EXPECT_EQ(Look().window, (WindowCounts{.calls = 32, .failures = 2}));
  // Only with the first report: what comes later is of this life.
  ASSERT_TRUE(client.Report(report).ok());
  EXPECT_EQ(Look().window.calls, 32u);
}

// Somebody's calls fail: from then on all who follow the breaker report at once.
TEST_F(SessionReportsTest, AsksToHurryWhileItIsUnwell) {
  FakeClient a = Client("a"), b = Client("b");
  for (FakeClient* client : {&a, &b}) {
    ASSERT_TRUE(client->Subscribe(1, kOrders).ok());
    client->Hear();
    EXPECT_FALSE(client->known(1).hurry());
  }
  ASSERT_TRUE(a.Report(Tally(10, 3)).ok());
  Deliver();
  b.Hear();
  EXPECT_TRUE(b.known(1).hurry());
  // Better, but not for long: what goes up and down is told once.
  ASSERT_TRUE(a.Report(Tally(200, 0)).ok());
  Deliver();
  EXPECT_THAT(b.Hear().states(), IsEmpty());
  Pass(absl::Seconds(1));
  ASSERT_TRUE(a.Report(Tally(1, 0)).ok());
  Deliver();
  b.Hear();
  EXPECT_FALSE(b.known(1).hurry());
}

// Also where the fleet's state has changed in between, and where others told of it.
TEST_F(SessionReportsTest, AsksToHurryThroughATripAndARelapse) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  HalfOpen();
  Deliver();
  client.Hear();
  EXPECT_TRUE(client.known(1).hurry());
  for (int i = 0; i < 2; ++i) Record(Granted(), Outcome::kSuccess);
  Pass(absl::Seconds(2));
  ASSERT_TRUE(client.Report(Tally(10, 0)).ok());
  Deliver();
  client.Hear();
  EXPECT_EQ(client.known(1).state(), v1::STATE_CLOSED);
  EXPECT_FALSE(client.known(1).hurry());
  ASSERT_TRUE(client.Report(Tally(0, 3)).ok());
  Deliver();
  client.Hear();
  EXPECT_TRUE(client.known(1).hurry());
}

// A report beyond what Welcome allows is refused before any of it counts.
TEST_F(SessionReportsTest, EndsWithAReportThatIsTooLarge) {
  FakeClient client = Client();
  v1::Report report;
  for (int i = 0; i <= Session::kMaxRows; ++i) report.add_tallies();
  ExpectError(client.Report(report), absl::StatusCode::kInvalidArgument, "MESSAGE_TOO_LARGE",
              {"10001", "10000"});
}

// A client cannot count more than its calls.
TEST_F(SessionReportsTest, RefusesCountsThatDoNotAddUp) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  const std::vector<std::function<void(v1::Tally&)>> lies = {
      [](v1::Tally& t) { t.set_successes(2'000'000); },
      [](v1::Tally& t) { t.set_failures(4'294'967'295); },
      [](v1::Tally& t) { t.set_trailing_failures(3); },
      [](v1::Tally& t) { t.set_timed(99); },
      [](v1::Tally& t) { t.mutable_latency()->set_seconds(-1); },
      [](v1::Tally& t) { t.mutable_latency()->set_seconds(1); },
      [](v1::Tally& t) { t.mutable_retry_after()->set_seconds(-1); },
      [](v1::Tally& t) { t.add_latency_samples()->set_seconds(100'000); },
      [](v1::Tally& t) { t.add_retries()->set_attempt(2); },
      [](v1::Tally& t) {
        t.add_retries()->set_attempt(1);
        t.mutable_retries(0)->set_previous_outcome(v1::OUTCOME_FAILURE);
      },
      [](v1::Tally& t) {
        t.add_retries()->set_attempt(2);
        t.mutable_retries(0)->set_previous_outcome(v1::OUTCOME_TIMEOUT);
        t.mutable_retries(0)->set_succeeded(6);
      },
      [](v1::Tally& t) { t.add_refusals()->set_calls(1); },
      [](v1::Tally& t) {
        for (int i = 0; i < 10; ++i) {
          t.add_retries()->set_attempt(2);
          t.mutable_retries(i)->set_previous_outcome(v1::OUTCOME_TIMEOUT);
        }
      },
      [](v1::Tally& t) {
        for (size_t i = 0; i < kReasons; ++i) t.add_refusals()->set_reason(v1::REASON_OPEN);
      },
      [](v1::Tally& t) {
        t.add_refusals()->set_calls(4'294'967'295);
        t.mutable_refusals(0)->set_reason(v1::REASON_OPEN);
      },
  };
  for (const auto& lie : lies) {
    v1::Tally tally = Tally(5, 2);
    lie(tally);
    SCOPED_TRACE(tally.ShortDebugString());
    const uint64_t bad = counts_.bad_rows;
    ASSERT_TRUE(client.Report(tally).ok());
    EXPECT_EQ(counts_.bad_rows, bad + 1);
  }
  EXPECT_EQ(Look().totals.calls, 0u);
}

// What the client decided is in the server's counters, as if it had decided.
TEST_F(SessionReportsTest, CountsDecisionsAndOutcomes) {
  FakeClient client = Client();
  ASSERT_TRUE(client.Subscribe(1, kOrders).ok());
  v1::Tally tally = Tally(5, 1);
  tally.set_timeouts(2);
  tally.set_caller_errors(1);
  v1::RefusalTally& refusal = *tally.add_refusals();
  refusal.set_reason(v1::REASON_OPEN);
  refusal.set_calls(12);
  ASSERT_TRUE(client.Report(tally).ok());
  const CounterTotals counters = engine_.counters();
  EXPECT_EQ(counters.allowed, 9u);
  EXPECT_EQ(counters.denied[static_cast<size_t>(Reason::kOpen)], 12u);
  const auto counted = [&](Outcome outcome) {
    return counters.recorded[static_cast<size_t>(outcome)][static_cast<size_t>(Counted::kCounted)];
  };
  EXPECT_EQ(counted(Outcome::kSuccess), 5u);
  EXPECT_EQ(counted(Outcome::kTimeout), 2u);
  EXPECT_EQ(counted(Outcome::kCallerError), 1u);
  EXPECT_EQ(Look().totals.refused, 12u);
}

}  // namespace
}  // namespace fusebox
