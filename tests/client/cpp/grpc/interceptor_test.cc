#include <grpcpp/generic/generic_stub.h>

#include <future>
#include <memory>
#include <string>

#include "client/cpp/test_server.h"
#include "fusebox/grpc.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "server/engine/engine.h"
#include "upstream.h"

namespace fusebox {
namespace {

constexpr char kCheck[] = "grpc.health.v1.Health/Check";
constexpr char kWatch[] = "grpc.health.v1.Health/Watch";

// A client without a server: its breakers open by themselves, after five failures.
class InterceptorTest : public ::testing::Test {
 protected:
  InterceptorTest() { Connect({}); }
  void Connect(ChannelOptions options) {
    channel_ = CreateChannel(*client_, upstream_.address(), grpc::InsecureChannelCredentials(),
                             std::move(options));
    stub_ = HealthRpc::NewStub(channel_);
  }
  Breaker BreakerOf(const std::string& name) { return *client_->GetBreaker(name); }

  grpc::Status Check() {
    grpc::ClientContext context;
    HealthCheckResponse response;
    return stub_->Check(&context, {}, &response);
  }
  void Fail(const grpc::Status& status = {grpc::StatusCode::UNAVAILABLE, "down"}) {
    upstream_.AnswerWith(status);
    for (int i = 0; i < 5; ++i) EXPECT_EQ(Check().error_code(), status.error_code());
  }

  Upstream upstream_;
  const std::unique_ptr<Client> client_ = *Client::Create({.target = "127.0.0.1:1"});
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<HealthRpc::Stub> stub_;
};

TEST_F(InterceptorTest, EachMethodHasABreaker) {
  Fail();
  EXPECT_EQ(BreakerOf(kCheck).state(), State::kOpen);
  EXPECT_EQ(BreakerOf(kWatch).state(), State::kClosed);
}

TEST_F(InterceptorTest, ARefusedCallDoesNotTouchTheNetwork) {
  Fail();
  const grpc::Status refused = Check();
  EXPECT_EQ(upstream_.calls(), 5);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAVAILABLE);
  const absl::Status rich = FromGrpc(refused);
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(
      std::string(*rich.GetPayload("type.googleapis.com/google.rpc.ErrorInfo"))));
  EXPECT_EQ(info.domain(), "fusebox");
  EXPECT_EQ(info.reason(), "BREAKER_OPEN");
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(retry.ParseFromString(
      std::string(*rich.GetPayload("type.googleapis.com/google.rpc.RetryInfo"))));
  EXPECT_GT(retry.retry_delay().seconds(), 0);
}

TEST_F(InterceptorTest, ACallersErrorIsNoFailure) {
  Fail({grpc::StatusCode::NOT_FOUND, "no such"});
  EXPECT_EQ(BreakerOf(kCheck).state(), State::kClosed);
}

TEST_F(InterceptorTest, CallbackCallsAreProtected) {
  Fail();
  std::promise<grpc::Status> ended;
  grpc::ClientContext context;
  const HealthCheckRequest request;
  HealthCheckResponse response;
  stub_->async()->Check(&context, &request, &response,
                        [&](const grpc::Status& status) { ended.set_value(status); });
  EXPECT_EQ(ended.get_future().get().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(upstream_.calls(), 5);
}

TEST_F(InterceptorTest, CallsOfACompletionQueueAreProtected) {
  Fail();
  grpc::CompletionQueue queue;
  grpc::ClientContext context;
  HealthCheckResponse response;
  grpc::Status status;
  auto call = stub_->AsyncCheck(&context, {}, &queue);
  call->Finish(&response, &status, this);
  void* tag = nullptr;
  bool ok = false;
  ASSERT_TRUE(queue.Next(&tag, &ok));
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(upstream_.calls(), 5);
}

TEST_F(InterceptorTest, AStreamIsOneCall) {
  const auto watch = [this] {
    grpc::ClientContext context;
    auto reader = stub_->Watch(&context, {});
    HealthCheckResponse response;
    int read = 0;
    while (reader->Read(&response)) ++read;
    return std::pair(read, reader->Finish().error_code());
  };
  EXPECT_EQ(watch(), std::pair(3, grpc::StatusCode::OK));
  upstream_.AnswerWith({grpc::StatusCode::UNAVAILABLE, "down"});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(watch(), std::pair(3, grpc::StatusCode::UNAVAILABLE));
  EXPECT_EQ(watch(), std::pair(0, grpc::StatusCode::UNAVAILABLE));
  EXPECT_EQ(upstream_.calls(), 6);
  EXPECT_EQ(BreakerOf(kWatch).state(), State::kOpen);
}

// One whose writes never failed would be written to forever.
TEST_F(InterceptorTest, WritesOfARefusedStreamFail) {
  Connect({.breaker_of = [](absl::string_view) { return "all"; }});
  Fail();
  class Writer final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
   public:
    Writer(grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer>& stub, bool corked) {
      context_.set_initial_metadata_corked(corked);
      stub.PrepareBidiStreamingCall(&context_, "/shop.v1.Orders/Chat", {}, this);
      StartWrite(&message_);
      StartCall();
    }
    void OnWriteDone(bool ok) override {
      ++writes_;
      if (ok) StartWrite(&message_);
    }
    void OnDone(const grpc::Status& status) override { ended.set_value(status); }
    std::promise<grpc::Status> ended;

   private:
    grpc::ClientContext context_;
    const grpc::Slice slice_{"x"};
    const grpc::ByteBuffer message_{&slice_, 1};
    int writes_ = 0;
  };
  grpc::GenericStub stub(channel_);
  for (const bool corked : {false, true}) {
    Writer writer(stub, corked);
    EXPECT_EQ(writer.ended.get_future().get().error_code(), grpc::StatusCode::UNAVAILABLE);
  }
  EXPECT_EQ(upstream_.calls(), 5);
}

// As far as the policy says so.
TEST_F(InterceptorTest, WhatADependencyAsksForIsHeeded) {
  const SystemClock clock;
  const std::unique_ptr<Server> server = ServeAt("127.0.0.1:0", clock);
  Policy policy;
  policy.circuit_breaker.honor_retry_after = true;
  ASSERT_TRUE(server->engine().SetPolicies({policy}, {}).ok());
  const auto client = *Client::Create({.target = server->grpc_addresses().front()});
  const Breaker breaker = *client->GetBreaker(kCheck);
  ASSERT_TRUE(client->WaitForServer(absl::Seconds(30)));
  {
    const auto stub = HealthRpc::NewStub(
        CreateChannel(*client, upstream_.address(), grpc::InsecureChannelCredentials()));
    upstream_.Tell("grpc-retry-pushback-ms", "120000");
    upstream_.AnswerWith({grpc::StatusCode::RESOURCE_EXHAUSTED, "busy"});
    while (breaker.state() != State::kOpen) {
      grpc::ClientContext context;
      HealthCheckResponse response;
      EXPECT_FALSE(stub->Check(&context, {}, &response).ok());
    }
  }
  EXPECT_GT(breaker.Allow().retry_after(), absl::Seconds(60));
}

TEST_F(InterceptorTest, NamesMayHaveAPrefix) {
  Connect({.prefix = "orders"});
  Fail();
  EXPECT_EQ(BreakerOf("orders/grpc.health.v1.Health/Check").state(), State::kOpen);
}

TEST_F(InterceptorTest, AMethodMayBeLeftAlone) {
  Connect({.breaker_of = [](absl::string_view method) {
    return method == kCheck ? std::string() : std::string("rest");
  }});
  Fail();
  upstream_.AnswerWith(grpc::Status::OK);
  EXPECT_TRUE(Check().ok());
}

TEST_F(InterceptorTest, ACallThatIsCancelledSaysNothing) {
  for (int i = 0; i < 10; ++i) {
    grpc::ClientContext context;
    context.TryCancel();
    HealthCheckResponse response;
    EXPECT_EQ(stub_->Check(&context, {}, &response).error_code(), grpc::StatusCode::CANCELLED);
  }
  EXPECT_EQ(BreakerOf(kCheck).state(), State::kClosed);
}

}  // namespace
}  // namespace fusebox
