#include <map>
#include <memory>
#include <string>

#include "client/cpp/grpc/outcome_name.h"
#include "client/cpp/grpc/retry_metadata.h"
#include "fusebox/grpc.h"
#include "fusebox/stages.h"
#include "gmock/gmock.h"
#include "upstream.h"

namespace fusebox {
namespace {

class GrpcAttemptTest : public ::testing::Test {
 protected:
  absl::Status Call(const Pipeline& pipeline, const CallOptions& options) {
    return pipeline.Call(options, [this](const CallContext& call) {
      GrpcAttempt attempt(call);
      deadline_ = attempt.context()->deadline();
      HealthCheckResponse response;
      return FromGrpc(stub_->Check(attempt.context(), {}, &response));
    });
  }

  Upstream upstream_;
  const std::unique_ptr<HealthRpc::Stub> stub_ = HealthRpc::NewStub(
      grpc::CreateChannel(upstream_.address(), grpc::InsecureChannelCredentials()));
  std::chrono::system_clock::time_point deadline_;
};

TEST_F(GrpcAttemptTest, TheCalleeIsToldTheAttemptAndTheKey) {
  upstream_.AnswerWith({grpc::StatusCode::UNAVAILABLE, "down"});
  const Pipeline twice({Retry({.max_attempts = 2, .base_backoff = absl::Milliseconds(1)})});
  EXPECT_FALSE(Call(twice, {.idempotent = true, .idempotency_key = "order-7"}).ok());
  EXPECT_EQ(upstream_.calls(), 2);
  EXPECT_EQ(upstream_.Said(kAttemptMetadata), "2");
  EXPECT_EQ(upstream_.Said(kPreviousOutcomeMetadata), "FAILURE");
  EXPECT_EQ(upstream_.Said(kIdempotencyKeyMetadata), "order-7");
}

// gRPC ends the process over metadata that it cannot send.
TEST_F(GrpcAttemptTest, AnyKeyCanBeSent) {
  EXPECT_EQ(Call(Pipeline({}), {.idempotent = true, .idempotency_key = "50 % \xc3\xa4\n"}),
            absl::OkStatus());
  EXPECT_EQ(upstream_.Said(kIdempotencyKeyMetadata), "50%20%25%20%c3%a4%0a");
}

TEST_F(GrpcAttemptTest, AFirstOneSaysNothing) {
  EXPECT_EQ(Call(Pipeline({}), {}), absl::OkStatus());
  EXPECT_EQ(upstream_.Said(kAttemptMetadata), "");
  EXPECT_EQ(upstream_.Said(kIdempotencyKeyMetadata), "");
  EXPECT_EQ(deadline_, std::chrono::system_clock::time_point::max());
}

TEST_F(GrpcAttemptTest, ItHasTheDeadlineOfTheCall) {
  const auto before = std::chrono::system_clock::now();
  EXPECT_EQ(Call(Pipeline({}), {.timeout = absl::Minutes(1)}), absl::OkStatus());
  EXPECT_GT(deadline_, before);
  EXPECT_LE(deadline_, std::chrono::system_clock::now() + std::chrono::minutes(1));
}

TEST_F(GrpcAttemptTest, ItIsCancelledWithTheCall) {
  const auto cancellation = std::make_shared<Cancellation>();
  const absl::Status status =
      Pipeline({}).Call({.cancellation = cancellation}, [&](const CallContext& call) {
        GrpcAttempt attempt(call);
        cancellation->Cancel();
        HealthCheckResponse response;
        return FromGrpc(stub_->Check(attempt.context(), {}, &response));
      });
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
}

TEST(GrpcStatusTest, DetailsAreKept) {
  absl::Status status = absl::UnavailableError("down");
  status.SetPayload("type.googleapis.com/shop.v1.Why", absl::Cord("because"));
  EXPECT_EQ(FromGrpc(ToGrpc(status)), status);
  EXPECT_EQ(FromGrpc(ToGrpc(absl::OkStatus())), absl::OkStatus());
  EXPECT_EQ(FromGrpc({grpc::StatusCode::INTERNAL, "x", "no message at all"}),
            absl::InternalError("x"));
}

TEST(GrpcStatusTest, ACodeThatIsNoneIsUnknown) {
  const auto code = static_cast<grpc::StatusCode>(31);
  EXPECT_EQ(FromGrpc({code, "x"}), absl::UnknownError("x"));
}

TEST(OutcomeNameTest, NamesAreReadAgain) {
  for (const Outcome outcome : {Outcome::kFailure, Outcome::kTimeout, Outcome::kRateLimited}) {
    EXPECT_EQ(internal::OutcomeNamed(internal::NameOf(outcome)), outcome);
  }
  EXPECT_EQ(internal::OutcomeNamed("NONSENSE"), std::nullopt);
}

TEST(RetryMetadataTest, TheLongerOneIsHeeded) {
  const auto asked = [](const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
    return internal::RetryAfterIn(metadata);
  };
  EXPECT_EQ(asked({}), absl::ZeroDuration());
  EXPECT_EQ(asked({{"retry-after", "7"}}), absl::Seconds(7));
  EXPECT_EQ(asked({{"grpc-retry-pushback-ms", "1500"}, {"retry-after", "1"}}),
            absl::Milliseconds(1500));
  EXPECT_EQ(asked({{"grpc-retry-pushback-ms", "-1"}}), absl::ZeroDuration());
  EXPECT_EQ(asked({{"retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"}}), absl::ZeroDuration());
}

}  // namespace
}  // namespace fusebox
