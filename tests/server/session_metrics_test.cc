#include "server/metrics/session_metrics.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/metrics/render.h"
#include "testing/exposition.h"
#include "testing/fake_clock.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;

// Each thing that a session says and is told shows up under its own name.
TEST(SessionMetricsTest, CountsWhatSessionsSayAndAreTold) {
  FakeClock clock;
  Engine engine({}, clock, /*life=*/1);
  Sessions sessions(engine, {});
  const SessionMetrics metrics(sessions, /*max_sessions=*/7);
  const auto read = [&metrics](const std::string& series) {
    Exposition page(RenderMetrics({&metrics}));
    EXPECT_THAT(page.errors(), IsEmpty());
    return page.at(series);
  };
  EXPECT_EQ(read("fusebox_sessions"), 0);
  EXPECT_EQ(read("fusebox_sessions_max"), 7);

  v1::Hello hello;
  hello.set_session_id(std::string(16, 's'));
  const auto begun = sessions.Begin(
      hello, "", {.client = "c", .check = [](absl::string_view) { return absl::OkStatus(); }},
      {.wake = [] {}, .end = [](const absl::Status&) {}, .recheck = [] {}});
  ASSERT_TRUE(begun.ok()) << begun.status();
  v1::SessionRequest request;
  request.add_subscribe()->set_handle(1);
  request.mutable_subscribe(0)->set_breaker("db/orders");
  request.add_permits()->set_handle(1);
  request.mutable_permits(0)->set_count(3);
  v1::Report& report = *request.mutable_report();
  report.set_sequence(1);
  for (const uint32_t handle : {1, 1, 9}) {
    v1::Tally& tally = *report.add_tallies();
    tally.set_handle(handle);
    tally.set_epoch(1);
  }
  report.mutable_tallies(1)->set_slow(1);
  ASSERT_TRUE(begun->session->Take(request).ok());
  request.clear_subscribe();
  request.clear_permits();
  ASSERT_TRUE(begun->session->Take(request).ok());
  begun->session->Say();

  EXPECT_EQ(read("fusebox_sessions"), 1);
  EXPECT_EQ(read("fusebox_session_topics"), 1);
  EXPECT_EQ(read("fusebox_session_rows_total{result=counted}"), 1);
  EXPECT_EQ(read("fusebox_session_rows_total{result=bad}"), 1);
  EXPECT_EQ(read("fusebox_session_rows_total{result=lost}"), 1);
  EXPECT_EQ(read("fusebox_session_repeated_reports_total"), 1);
  EXPECT_EQ(read("fusebox_session_states_total"), 1);
  EXPECT_EQ(read("fusebox_session_permits_total"), 3);
  sessions.Close(*begun);
  EXPECT_EQ(read("fusebox_sessions"), 0);
}

}  // namespace
}  // namespace fusebox
