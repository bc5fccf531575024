#include "client/cli/trace.h"

#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

constexpr absl::string_view kHeader = "time,client,outcome,latency\n";

// What is left of a call when its line is gone.
struct Kept {
  absl::Duration time;
  std::string client;
  Result result;
  std::optional<absl::Duration> latency;
  uint32_t attempt;
  std::optional<absl::Duration> retry_after;
  std::string breaker;
};

// Reads all of the text, called "t.csv".
absl::StatusOr<std::vector<Kept>> Read(const std::string& text, bool one_breaker = true) {
  std::istringstream in(text);
  TraceReader trace(in, "t.csv", one_breaker);
  std::vector<Kept> calls;
  while (true) {
    const auto call = trace.Next();
    if (!call.ok()) return call.status();
    if (!call->has_value()) return calls;
    calls.push_back({(*call)->time - Tick(), std::string((*call)->client), (*call)->result,
                     (*call)->latency, (*call)->attempt, (*call)->retry_after,
                     std::string((*call)->breaker)});
  }
}

std::string Complaint(const std::string& text) {
  return std::string(Read(text).status().message());
}

// The complaint about a second line behind the plain header.
std::string LineComplaint(absl::string_view line) { return Complaint(absl::StrCat(kHeader, line)); }

// What an outcome is read as.
Result Outcomes(absl::string_view text) {
  const auto calls = Read(absl::StrCat(kHeader, "0,a,", text, ",\n"));
  EXPECT_TRUE(calls.ok()) << calls.status();
  return calls.ok() ? calls->at(0).result : Result{};
}

MATCHER_P2(Is, kind, value, "") { return arg.kind == kind && arg.value == value; }

TEST(TraceTest, HoldsACallALine) {
  const auto calls = Read(absl::StrCat(kHeader, "0.5,web-1,SUCCESS,0.02\n1.25,,FAILURE,\n"));
  ASSERT_TRUE(calls.ok()) << calls.status();
  ASSERT_EQ(calls->size(), 2u);
  EXPECT_EQ(calls->at(0).time, absl::Milliseconds(500));
  EXPECT_EQ(calls->at(0).client, "web-1");
  EXPECT_EQ(calls->at(0).latency, absl::Milliseconds(20));
  EXPECT_EQ(calls->at(0).attempt, 1u);
  EXPECT_EQ(calls->at(1).client, "");
  EXPECT_EQ(calls->at(1).latency, std::nullopt);
}

TEST(TraceTest, HasColumnsInAnyOrderAndIgnoresOthers) {
  const auto calls = Read(
      "latency,Retry_After,host,outcome,attempt,client,time,breaker\n"
      "20ms,1.5,db1,RATE_LIMITED,2,a,7,db/orders\n");
  ASSERT_TRUE(calls.ok()) << calls.status();
  EXPECT_EQ(calls->at(0).time, absl::Seconds(7));
  EXPECT_EQ(calls->at(0).latency, absl::Milliseconds(20));
  EXPECT_EQ(calls->at(0).retry_after, absl::Milliseconds(1500));
  EXPECT_EQ(calls->at(0).attempt, 2u);
  EXPECT_EQ(calls->at(0).breaker, "db/orders");
}

// As spreadsheets and other systems write it.
TEST(TraceTest, DoesNotMindSpacesEmptyLinesAndOtherEnds) {
  const auto calls = Read(
      "\xEF\xBB\xBFtime, client, outcome, latency\r\n\r\n 1 , a , SUCCESS , \r\n\n2,a,SUCCESS,0.1");
  ASSERT_TRUE(calls.ok()) << calls.status();
  ASSERT_EQ(calls->size(), 2u);
  EXPECT_EQ(calls->at(0).client, "a");
  EXPECT_EQ(calls->at(1).latency, absl::Milliseconds(100));
}

TEST(TraceTest, TakesOutcomesAndCodes) {
  using Kind = Result::Kind;
  EXPECT_THAT(Outcomes("SUCCESS"), Is(Kind::kOutcome, static_cast<int>(Outcome::kSuccess)));
  EXPECT_THAT(Outcomes("rate-limited"),
              Is(Kind::kOutcome, static_cast<int>(Outcome::kRateLimited)));
  EXPECT_THAT(Outcomes("Timeout"), Is(Kind::kOutcome, static_cast<int>(Outcome::kTimeout)));
  EXPECT_THAT(Outcomes("unavailable"), Is(Kind::kGrpcCode, 14));
  EXPECT_THAT(Outcomes("14"), Is(Kind::kGrpcCode, 14));
  EXPECT_THAT(Outcomes("OK"), Is(Kind::kGrpcCode, 0));
  EXPECT_THAT(Outcomes("503"), Is(Kind::kHttpStatus, 503));
}

// A double has no room for the nanoseconds of a time since 1970.
TEST(TraceTest, ReadsTimesExactly) {
  const auto calls = Read(absl::StrCat(kHeader, "1795254426.123456789,a,OK,1e-05\n"));
  ASSERT_TRUE(calls.ok()) << calls.status();
  EXPECT_EQ(calls->at(0).time, absl::Seconds(1795254426) + absl::Nanoseconds(123456789));
  EXPECT_EQ(calls->at(0).latency, absl::Microseconds(10));
}

TEST(TraceTest, NeedsAHeader) {
  EXPECT_EQ(Complaint(""),
            "t.csv:1: there is no header; begin with a line like time,client,outcome,latency");
  EXPECT_EQ(Complaint("time,clent,outcome,latency\n"),
            "t.csv:1: the header \"time,clent,outcome,latency\" names no column \"client\"; it "
            "needs time, client, outcome and latency; is it \"clent\"?");
  EXPECT_EQ(Complaint("time,client,outcome,latency,Time\n"),
            "t.csv:1: the header names the column \"time\" twice; remove one");
}

TEST(TraceTest, MayHoldNoCall) {
  const auto calls = Read(std::string(kHeader));
  ASSERT_TRUE(calls.ok());
  EXPECT_TRUE(calls->empty());
}

TEST(TraceTest, NamesLineColumnValueAndRemedy) {
  EXPECT_EQ(LineComplaint("soon,a,OK,1\n"),
            "t.csv:2: column \"time\" is \"soon\"; write seconds, like 12.345, from 0 to "
            "4000000000");
  EXPECT_EQ(LineComplaint("\n0,a,MAYBE,1\n"),
            "t.csv:3: column \"outcome\" is \"MAYBE\"; write SUCCESS, FAILURE, TIMEOUT, "
            "RATE_LIMITED, CALLER_ERROR or IGNORED, a gRPC code by name or number (0 to 16), or an "
            "HTTP status (100 to 599)");
  EXPECT_EQ(LineComplaint("0,a,OK,20 ms\n"),
            "t.csv:2: column \"latency\" is \"20 ms\"; write seconds, like 0.02, or a number with "
            "a unit, like 20ms; 24h at most");
  EXPECT_EQ(Complaint("time,client,outcome,latency,attempt\n0,a,OK,1,0\n"),
            "t.csv:2: column \"attempt\" is \"0\"; write 1 for a first attempt, 2 for its first "
            "retry, and so on");
}

TEST(TraceTest, RefusesValuesOutOfRange) {
  for (const char* line : {"-1,a,OK,1", "nan,a,OK,1", "1795254426241,a,OK,1", ",a,OK,1"}) {
    EXPECT_THAT(LineComplaint(line), testing::StartsWith("t.csv:2: column \"time\" is ")) << line;
  }
  for (const char* line : {"0,a,OK,-1", "0,a,OK,25h", "0,a,OK,inf", "0,a,OK,1e300"}) {
    EXPECT_THAT(LineComplaint(line), testing::StartsWith("t.csv:2: column \"latency\" is "))
        << line;
  }
  for (const char* line : {"0,a,17,1", "0,a,99,1", "0,a,600,1", "0,a,-1,1", "0,a,,1"}) {
    EXPECT_THAT(LineComplaint(line), testing::StartsWith("t.csv:2: column \"outcome\" is "))
        << line;
  }
  EXPECT_THAT(LineComplaint("0,a\x01,OK,1"), testing::StartsWith("t.csv:2: column \"client\" is "));
}

TEST(TraceTest, HasAValueForEachColumn) {
  EXPECT_EQ(LineComplaint("0,a,OK\n"),
            "t.csv:2: the line has 3 values, and the header names 4 columns; give each column a "
            "value, or an empty one, between commas");
  EXPECT_EQ(LineComplaint("0,\"a\",OK,1\n"),
            "t.csv:2: the value \"\\\"a\\\"\" has a quote; write values without quotes and commas");
}

TEST(TraceTest, IsInTheOrderOfTime) {
  EXPECT_EQ(LineComplaint("1.5,a,OK,1\n1.5,a,OK,1\n0.5,a,OK,1\n"),
            "t.csv:4: column \"time\" is \"0.5\", and a line before it has \"1.5\"; sort "
            "the lines by time");
}

// Those who look for the line need every digit.
TEST(TraceTest, ShowsTimesAsTheyAreWritten) {
  EXPECT_EQ(Complaint("client,time,outcome,latency\n"
                      "a,1700000000.123,OK,1\n"
                      "a,1700000000.122999999,OK,1\n"),
            "t.csv:3: column \"time\" is \"1700000000.122999999\", and a line before it has "
            "\"1700000000.123\"; sort the lines by time");
}

TEST(TraceTest, HasNoCallAfterAnError) {
  for (const absl::string_view bad : {"soon,a,OK,1", "2,a,OK", "0.5,a,OK,1", "2,\"a\",OK,1"}) {
    std::istringstream in(absl::StrCat(kHeader, "1,a,OK,1\n", bad, "\n3,a,OK,1\n"));
    TraceReader trace(in, "t.csv", /*one_breaker=*/true);
    ASSERT_TRUE(trace.Next().ok());
    const absl::Status first = trace.Next().status();
    EXPECT_THAT(std::string(first.message()), testing::StartsWith("t.csv:3: ")) << bad;
    EXPECT_EQ(trace.Next().status(), first) << bad;
    EXPECT_EQ(trace.Next().status(), first) << bad;
  }
}

// A line behind it may look like one.
TEST(TraceTest, HasNoOtherHeaderAfterABadOne) {
  std::istringstream in(absl::StrCat("1,a,OK,1\n", kHeader, "1,a,OK,1\n"));
  TraceReader trace(in, "t.csv", /*one_breaker=*/true);
  const absl::Status first = trace.Next().status();
  EXPECT_THAT(std::string(first.message()), testing::StartsWith("t.csv:1: the header "));
  EXPECT_EQ(trace.Next().status(), first);
}

TEST(TraceTest, IsOfOneBreakerUnlessAllAreTakenAsOne) {
  const std::string text = "time,client,outcome,latency,breaker\n0,a,OK,1,db/a\n1,a,OK,1,db/b\n";
  EXPECT_EQ(Complaint(text),
            "t.csv:3: column \"breaker\" is \"db/b\", and the trace began with \"db/a\"; give the "
            "calls of one, or --breaker to take all as those of one");
  EXPECT_TRUE(Read(text, /*one_breaker=*/false).ok());
}

// What is no text at all must not fill the memory before that is noticed.
TEST(TraceTest, RefusesALineWithoutEnd) {
  EXPECT_EQ(LineComplaint(std::string(kMaxTraceLine + 2, '1')),
            "t.csv:2: the line has more than 65536 bytes; is this a CSV file of calls?");
  const std::string longest = absl::StrCat(kHeader, "0,a,OK,1");
  EXPECT_TRUE(
      Read(longest + std::string(kHeader.size() + kMaxTraceLine - longest.size(), ' ')).ok());
}

}  // namespace
}  // namespace fusebox::cli
