// Whatever is wrong with a request: a clear error, the server goes on, nothing is counted.
#include <limits>

#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

constexpr int kMinInt = std::numeric_limits<int>::min();
constexpr int kMaxInt = std::numeric_limits<int>::max();
constexpr int64_t kDaySeconds = 86'400;
constexpr int64_t kMaxInt64 = std::numeric_limits<int64_t>::max();

google::protobuf::Duration Seconds(int64_t seconds, int32_t nanos = 0) {
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  duration.set_nanos(nanos);
  return duration;
}

std::vector<std::string> BadNames() {
  return {"",
          std::string(257, 'x'),
          std::string(100'000, 'x'),
          "/",
          "/db",
          "db/",
          "db//orders",
          "db orders",
          "db/*",
          "db?",
          std::string("a\0b", 3),
          "ümlaut",
          "a\nb"};
}

std::vector<google::protobuf::Duration> NegativeDurations() {
  return {Seconds(-1), Seconds(0, -1), Seconds(-kMaxInt64 - 1)};
}

std::vector<google::protobuf::Duration> DurationsOfMoreThanADay() {
  return {Seconds(kDaySeconds, 1), Seconds(kDaySeconds + 1), Seconds(kMaxInt64),
          Seconds(kMaxInt64, 999'999'999)};
}

class BadRequestsTest : public RpcTest {
 public:
  // The server goes on, and of all that was wrong nothing was counted anywhere.
  ~BadRequestsTest() override {
    EXPECT_EQ(Get("witness").window().calls(), 0u);
    EXPECT_EQ(Get("witness").totals().calls(), 1u);
    EXPECT_EQ(Info().breakers(), 1u);
    const CounterTotals totals = engine_.counters();
    EXPECT_EQ(totals.allowed, 1u);
    for (const auto& outcome : totals.recorded) {
      for (const uint64_t cell : outcome) EXPECT_EQ(cell, 0u);
    }
    EXPECT_EQ(Record(Outcome(v1::OUTCOME_SUCCESS, witness_.permit(), "witness")).counted(),
              v1::COUNTED_COUNTED);
  }

 protected:
  BadRequestsTest() { witness_ = Allow("witness"); }

  void ExpectRefused(const v1::RecordRequest& request, absl::string_view reason,
                     absl::string_view field) {
    SCOPED_TRACE(request.ShortDebugString().substr(0, 200));
    ExpectBadRequest(TryRecord(request), reason, field);
  }

  static v1::RecordRequest Good() { return Outcome(v1::OUTCOME_FAILURE, "", "witness"); }

  v1::AllowResponse witness_;
};

// Names become memory, metrics and files of others.
TEST_F(BadRequestsTest, BreakerNamesThatAreNone) {
  for (const std::string& name : BadNames()) {
    SCOPED_TRACE(name.substr(0, 100));
    v1::AllowRequest allow;
    allow.set_breaker(name);
    ExpectBadRequest(TryAllow(allow), "BREAKER_NAME_INVALID", "breaker");
    ExpectBadRequest(TryRecord(Outcome(v1::OUTCOME_FAILURE, "", name)), "BREAKER_NAME_INVALID",
                     "breaker");
    ExpectBadRequest(TryGet(name), "BREAKER_NAME_INVALID", "name");
  }
}

// So do the names of clients.
TEST_F(BadRequestsTest, ClientNamesThatAreNone) {
  for (const std::string& client : {std::string(257, 'x'), std::string(100'000, 'x'),
                                    std::string("a\nb"), std::string("\0", 1)}) {
    v1::AllowRequest allow;
    allow.set_breaker("witness");
    allow.set_client(client);
    ExpectBadRequest(TryAllow(allow), "CLIENT_NAME_INVALID", "client");
    v1::RecordRequest record = Good();
    record.set_client(client);
    ExpectRefused(record, "CLIENT_NAME_INVALID", "client");
    v1::BatchRecordRequest batch;
    batch.set_client(client);
    ExpectBadRequest(TryBatch(batch), "CLIENT_NAME_INVALID", "client");
  }
}

// A report that says nothing is a mistake of the caller's, not a success.
TEST_F(BadRequestsTest, ResultsThatAreNone) {
  v1::RecordRequest request = Good();
  request.clear_result();
  ExpectRefused(request, "RESULT_MISSING", "result");
  for (const int outcome : {0, 7, 99, -1, kMinInt, kMaxInt}) {
    request.set_outcome(static_cast<v1::Outcome>(outcome));
    ExpectRefused(request, "RESULT_INVALID", "outcome");
  }
  for (const int code : {-1, 17, kMinInt, kMaxInt}) {
    request.set_grpc_code(code);
    ExpectRefused(request, "RESULT_INVALID", "grpc_code");
  }
  for (const int status : {0, 99, 600, -200, kMinInt, kMaxInt}) {
    request.set_http_status(status);
    ExpectRefused(request, "RESULT_INVALID", "http_status");
  }
}

// Durations that cannot have been measured.
TEST_F(BadRequestsTest, DurationsThatAreAbsurd) {
  for (const google::protobuf::Duration& bad : NegativeDurations()) {
    v1::RecordRequest request = Good();
    *request.mutable_latency() = bad;
    ExpectRefused(request, "LATENCY_INVALID", "latency");
    request = Good();
    *request.mutable_retry_after() = bad;
    ExpectRefused(request, "RETRY_AFTER_INVALID", "retry_after");
  }
  for (const google::protobuf::Duration& bad : DurationsOfMoreThanADay()) {
    v1::RecordRequest request = Good();
    *request.mutable_latency() = bad;
    ExpectRefused(request, "LATENCY_INVALID", "latency");
  }
}

// Permits that this server never granted for this breaker.
TEST_F(BadRequestsTest, PermitsThatAreNone) {
  Engine other({}, clock_, /*life=*/1'000);
  const std::string foreign(other.Allow("witness", {}, "")->permit.bytes());
  std::string corrupt = witness_.permit();
  corrupt.back() = static_cast<char>(corrupt.back() ^ 1);
  for (const std::string& permit :
       {std::string("x"), std::string(33, '\1'), std::string(34, '\2'), std::string(34, '\xff'),
        std::string(1'000'000, 'x'), witness_.permit() + "x", foreign, corrupt}) {
    ExpectRefused(Outcome(v1::OUTCOME_FAILURE, permit, "witness"), "PERMIT_INVALID", "permit");
  }
  ExpectRefused(Outcome(v1::OUTCOME_FAILURE, witness_.permit(), "db/orders"), "PERMIT_INVALID",
                "permit");
}

// A batch is bounded, and its id must be able to be unique.
TEST_F(BadRequestsTest, BatchesThatAreNone) {
  v1::BatchRecordRequest batch;
  for (const size_t size : {1, 15, 65, 100'000}) {
    batch.set_batch_id(std::string(size, 'x'));
    ExpectBadRequest(TryBatch(batch), "BATCH_ID_INVALID", "batch_id");
  }
  batch.clear_batch_id();
  v1::BatchRecordItem& item = *batch.add_items();
  item.set_breaker("witness");
  item.set_outcome(v1::OUTCOME_FAILURE);
  item.set_count(2);
  ExpectBadRequest(TryBatch(batch), "BATCH_ID_MISSING", "batch_id");
  item.clear_count();
  item.set_epoch(witness_.epoch());
  ExpectBadRequest(TryBatch(batch), "BATCH_ID_MISSING", "batch_id");
  item.clear_epoch();
  while (batch.items_size() <= BreakerService::kMaxBatchItems) *batch.add_items() = item;
  ExpectBadRequest(TryBatch(batch), "BATCH_TOO_LARGE", "items");
}

// Listings that would be empty or endless by mistake.
TEST_F(BadRequestsTest, ListingsThatMakeNoSense) {
  v1::ListBreakersRequest request;
  for (const int size : {-1, 1'001, kMinInt, kMaxInt}) {
    request.set_page_size(size);
    ExpectBadRequest(TryList(request), "PAGE_SIZE_INVALID", "page_size");
  }
  request.Clear();
  for (const char* token : {"x", "-", "1000", "1000-", "-0", "999-0", "1001-0", "1000-0-0",
                            "1000--1", "1000-4294967296"}) {
    request.set_page_token(token);
    ExpectBadRequest(TryList(request), "PAGE_TOKEN_INVALID", "page_token");
  }
  request.Clear();
  for (const std::string& glob : {std::string("a//b"), std::string("*a"), std::string("a b"),
                                  std::string(257, 'x'), std::string(100'000, 'x')}) {
    request.set_match(glob);
    ExpectBadRequest(TryList(request), "GLOB_INVALID", "match");
  }
  request.Clear();
  for (const int state : {0, 4, -1, kMinInt, kMaxInt}) {
    request.clear_states();
    request.add_states(v1::STATE_OPEN);
    request.add_states(static_cast<v1::State>(state));
    ExpectBadRequest(TryList(request), "STATE_INVALID", "states");
  }
}

// What a bad watch is told before it began.
TEST_F(BadRequestsTest, WatchesThatMakeNoSense) {
  for (const std::string& glob : {std::string("a//b"), std::string(100'000, 'x')}) {
    grpc::ClientContext context;
    Bound(context);
    v1::WatchBreakersRequest request;
    request.set_match(glob);
    const auto reader = admin_->WatchBreakers(&context, request);
    v1::WatchBreakersResponse response;
    EXPECT_FALSE(reader->Read(&response));
    ExpectBadRequest(reader->Finish(), "GLOB_INVALID", "match");
  }
}

// A token is opaque: what is not one of the server's is told so, and not guessed at.
TEST_F(BadRequestsTest, ResumeTokensThatMakeNoSense) {
  for (const std::string& token :
       {std::string("x"), std::string(1, ' '), std::string("1000-1-"), std::string(100'000, '-')}) {
    grpc::ClientContext context;
    Bound(context);
    v1::WatchBreakersRequest request;
    request.set_resume_token(token);
    const auto reader = admin_->WatchBreakers(&context, request);
    v1::WatchBreakersResponse response;
    EXPECT_FALSE(reader->Read(&response));
    ExpectBadRequest(reader->Finish(), "RESUME_TOKEN_INVALID", "resume_token");
  }
}

class OddRequestsTest : public RpcTest {};

// At the edge of what is allowed, all is well: the bounds are those that the schema names.
TEST_F(OddRequestsTest, TheLargestThatIsAllowed) {
  v1::RecordRequest request = Outcome(v1::OUTCOME_SUCCESS, "", std::string(256, 'x'));
  request.set_client(std::string(256, 'c'));
  *request.mutable_latency() = Seconds(kDaySeconds);
  *request.mutable_retry_after() = Seconds(kDaySeconds);
  EXPECT_EQ(Record(request).counted(), v1::COUNTED_COUNTED);
  for (const int code : {0, 16}) {
    request.set_grpc_code(code);
    EXPECT_TRUE(TryRecord(request).ok());
  }
  for (const int status : {100, 599}) {
    request.set_http_status(status);
    EXPECT_TRUE(TryRecord(request).ok());
  }
  *request.mutable_latency() = Seconds(0);
  EXPECT_TRUE(TryRecord(request).ok());
}

// A dependency that asks to be left alone for longer than is sensible failed all the same.
TEST_F(OddRequestsTest, ALongRetryAfterIsNoMistake) {
  for (const google::protobuf::Duration& wait : DurationsOfMoreThanADay()) {
    v1::RecordRequest request = Outcome(v1::OUTCOME_RATE_LIMITED);
    *request.mutable_retry_after() = wait;
    EXPECT_EQ(Record(request).counted(), v1::COUNTED_COUNTED);
  }
}

// An attempt may be any number; 0 and 1 are the first.
TEST_F(OddRequestsTest, AnyAttemptIsAnAttempt) {
  for (const uint32_t attempt : {0u, 1u, 2u, ~0u}) {
    EXPECT_EQ(Allow("db/orders", attempt).decision(), v1::DECISION_ALLOWED);
  }
  EXPECT_EQ(Get().retry_budget().spent(), 2u);
}

}  // namespace
}  // namespace fusebox
