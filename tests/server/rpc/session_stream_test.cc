// Sessions over real connections.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;

// A client's end of one stream.
class Stream {
 public:
  Stream(v1::BreakerService::Stub& stub, const std::string& id) {
    context_.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    stream_ = stub.Session(&context_);
    v1::SessionRequest hello;
    hello.mutable_hello()->set_session_id(id);
    Say(hello);
  }

  bool Say(const v1::SessionRequest& request) { return stream_->Write(request); }
  void Subscribe(uint32_t handle, absl::string_view breaker) {
    v1::SessionRequest request;
    request.add_subscribe()->set_handle(handle);
    request.mutable_subscribe(0)->set_breaker(std::string(breaker));
    Say(request);
  }
  void Ask(uint32_t handle, uint32_t count) {
    v1::SessionRequest request;
    request.add_permits()->set_handle(handle);
    request.mutable_permits(0)->set_count(count);
    Say(request);
  }
  bool Hear(v1::SessionResponse& response) { return stream_->Read(&response); }
  // Hears on to a state of its first breaker.
  bool HearsOf(v1::State state) {
    v1::SessionResponse response;
    while (Hear(response)) {
      if (response.states_size() > 0 && response.states(0).state() == state) return true;
    }
    return false;
  }
  void SayNoMore() { stream_->WritesDone(); }
  // The same, and hears to the end.
  grpc::Status Close() {
    SayNoMore();
    return End();
  }
  grpc::Status End() {
    v1::SessionResponse response;
    while (Hear(response)) {
    }
    return stream_->Finish();
  }
  void Cut() {
    context_.TryCancel();
    stream_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
};

class SessionStreamTest : public RpcTest {
 public:
  ~SessionStreamTest() override {
    StopServer();
    sessions_.Stop();
  }

 protected:
  SessionStreamTest() { sessions_.Start(); }

  static std::string Id(int number) { return absl::StrCat(1'000'000'000'000'000 + number); }
};

// What one client's calls came to reaches all.
TEST_F(SessionStreamTest, ATripReachesEverySession) {
  std::vector<std::unique_ptr<Stream>> streams;
  for (int i = 0; i < 50; ++i) {
    streams.push_back(std::make_unique<Stream>(*breakers_, Id(i)));
    streams.back()->Subscribe(1, "db/orders");
    ASSERT_TRUE(streams.back()->HearsOf(v1::STATE_CLOSED));
  }
  EXPECT_EQ(sessions_.live(), 50u);
  Trip();
  engine_.Maintain();
  for (const auto& stream : streams) EXPECT_TRUE(stream->HearsOf(v1::STATE_OPEN));
  for (const auto& stream : streams) EXPECT_TRUE(stream->Close().ok());
  StopServer();  // Waits for all of them.
  EXPECT_EQ(sessions_.topics(), 0u);
}

// A client that has nothing more to say is done, without an error.
TEST_F(SessionStreamTest, EndsWithItsClient) {
  Stream stream(*breakers_, Id(1));
  v1::SessionResponse welcome;
  ASSERT_TRUE(stream.Hear(welcome));
  EXPECT_TRUE(welcome.has_welcome());
  EXPECT_TRUE(stream.Close().ok());
}

// Also to a client that asks much before it reads.
TEST_F(SessionStreamTest, AnswersInTheOrderOfRequests) {
  Stream stream(*breakers_, Id(1));
  stream.Subscribe(1, "db/orders");
  ASSERT_TRUE(stream.HearsOf(v1::STATE_CLOSED));
  constexpr int kRequests = 500;
  for (int i = 0; i < kRequests; ++i) stream.Ask(1, 1 + i % 100);
  int answers = 0;
  v1::SessionResponse heard;
  while (answers < kRequests && stream.Hear(heard)) {
    for (const v1::PermitResponse& response : heard.permits()) {
      EXPECT_EQ(response.permits_size(), 1 + answers % 100);
      ++answers;
    }
  }
  EXPECT_EQ(answers, kRequests);
  stream.Cut();
}

// A client that closes flushes: it hears that its last report was applied.
TEST_F(SessionStreamTest, SaysAllThatItOwesToAClientThatCloses) {
  for (int round = 0; round < 50; ++round) {
    Stream stream(*breakers_, Id(round));
    v1::SessionRequest report;
    report.mutable_report()->set_sequence(1);
    stream.Say(report);
    stream.SayNoMore();
    uint64_t acknowledged = 0;
    v1::SessionResponse heard;
    while (stream.Hear(heard)) acknowledged = std::max(acknowledged, heard.acknowledged());
    EXPECT_EQ(acknowledged, 1u);
    EXPECT_TRUE(stream.End().ok());
  }
}

// The client's mistake ends its stream with an error that names it, and no other stream.
TEST_F(SessionStreamTest, EndsWithTheErrorOfWhatWasSaid) {
  Stream right(*breakers_, Id(1)), wrong(*breakers_, Id(2));
  wrong.Subscribe(0, "db/orders");
  const RpcError error = ErrorOf(wrong.End());
  EXPECT_EQ(error.code, grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(error.reason, "HANDLE_INVALID");
  EXPECT_THAT(error.fields, ElementsAre("subscribe.handle"));
  right.Subscribe(1, "db/orders");
  EXPECT_TRUE(right.HearsOf(v1::STATE_CLOSED));
  right.Cut();
}

// Half of the streams break off without a word: nothing is left of them.
TEST_F(SessionStreamTest, LeavesNothingOfStreamsThatBreakOff) {
  for (int round = 0; round < 20; ++round) {
    Stream stream(*breakers_, Id(round));
    stream.Subscribe(1, "db/orders");
    if (round % 2 == 0) {
      ASSERT_TRUE(stream.HearsOf(v1::STATE_CLOSED));
    }
    Trip();
    engine_.Maintain();
    stream.Cut();
    ASSERT_TRUE(engine_.Reset("db/orders", {}).ok());
  }
  StopServer();  // Waits for all of them.
  EXPECT_EQ(sessions_.live(), 0u);
  EXPECT_EQ(sessions_.topics(), 0u);
}

}  // namespace
}  // namespace fusebox
