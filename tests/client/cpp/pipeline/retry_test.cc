#include <memory>
#include <string>

#include "google/rpc/error_details.pb.h"
#include "pipeline_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RetryTest : public PipelineTest {
 protected:
  // Without randomness: 100 ms, 200 ms, 400 ms.
  static RetryOptions Exact() { return {.max_attempts = 4, .jitter = 0}; }

  absl::Status Call(RetryOptions options, int failures,
                    const CallOptions& call = {.idempotent = true},
                    absl::StatusCode code = absl::StatusCode::kUnavailable) {
    return Pipeline({Retry(std::move(options))}, time_).Call(call, FailingTimes(failures, code));
  }
};

TEST_F(RetryTest, AnAttemptThatFailsIsMadeAgain) {
  EXPECT_EQ(Call(Exact(), 2), absl::OkStatus());
  EXPECT_EQ(contexts_.size(), 3u);
  EXPECT_EQ(time_.now(), absl::Milliseconds(300));
}

TEST_F(RetryTest, TheErrorInTheEndCarriesTheAttemptsAndTheLastError) {
  const absl::Status status = Call(Exact(), kAlways);
  EXPECT_EQ(contexts_.size(), 4u);
  EXPECT_EQ(AttemptsOf(status), 4u);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("4 attempts failed; the last: no luck"));
  EXPECT_EQ(LastErrorOf(status), absl::UnavailableError("no luck"));
}

TEST_F(RetryTest, WhatWouldFailAgainIsNotRetried) {
  const absl::Status status =
      Call(Exact(), kAlways, {.idempotent = true}, absl::StatusCode::kNotFound);
  EXPECT_EQ(status, absl::NotFoundError("no luck"));
  EXPECT_EQ(contexts_.size(), 1u);
  EXPECT_EQ(AttemptsOf(status), std::nullopt);
}

TEST_F(RetryTest, ACallThatIsNotIdempotentIsNotRetried) {
  EXPECT_FALSE(Call(Exact(), kAlways, {}).ok());
  EXPECT_EQ(contexts_.size(), 1u);
}

TEST_F(RetryTest, UnlessToldTo) {
  RetryOptions options = Exact();
  options.not_idempotent_too = true;
  EXPECT_EQ(Call(options, 2, {}), absl::OkStatus());
}

// Refuses the first attempt.
class RefusesFirst final : public Stage {
 public:
  CallResult Run(const CallContext& context, const Next& next) const override {
    if (context.attempt == 1) return {absl::UnavailableError("no place"), nullptr, /*sent=*/false};
    return next(context);
  }
};

TEST_F(RetryTest, OrUnlessItWasNotSent) {
  const Pipeline pipeline({Retry(Exact()), std::make_shared<RefusesFirst>()}, time_);
  EXPECT_EQ(pipeline.Call(FailingTimes(0)), absl::OkStatus());
  EXPECT_EQ(contexts_.size(), 1u);
  EXPECT_EQ(contexts_[0].previous, std::nullopt);
}

// Lets the first attempt through, and no other.
class RefusesOthers final : public Stage {
 public:
  CallResult Run(const CallContext& context, const Next& next) const override {
    if (context.attempt > 1) return {absl::UnavailableError("no place"), nullptr, /*sent=*/false};
    return next(context);
  }
};

TEST_F(RetryTest, WhatOneCameToThatWasMadeSaysMoreThanWhyOthersWereNot) {
  AloneBreaker breaker(time_);
  const Pipeline pipeline(
      {Protect(breaker.handle()), Retry(Exact()), std::make_shared<RefusesOthers>()}, time_);
  const auto fail = FailingTimes(kAlways);
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(pipeline.Call({.idempotent = true}, fail), absl::UnavailableError(kMessage));
  }
  EXPECT_EQ(breaker.handle().state(), State::kOpen);  // They were sent.
}

TEST_F(RetryTest, ACodeThatIsNoneIsAFailureLikeUnknown) {
  EXPECT_FALSE(Call(Exact(), kAlways, {.idempotent = true}, absl::StatusCode{2'000'000'000}).ok());
  EXPECT_EQ(contexts_.size(), 4u);
}

TEST_F(RetryTest, ARetryOfACallerIsNotRetriedHere) {
  EXPECT_FALSE(Call(Exact(), kAlways, {.idempotent = true, .attempt = 2}).ok());
  EXPECT_EQ(contexts_.size(), 1u);
  EXPECT_EQ(contexts_[0].attempt, 2u);
}

TEST_F(RetryTest, AttemptsAreNumberedAndHaveOneKey) {
  EXPECT_FALSE(Call(Exact(), kAlways).ok());
  for (size_t i = 0; i < contexts_.size(); ++i) {
    EXPECT_EQ(contexts_[i].attempt, i + 1);
    EXPECT_EQ(contexts_[i].idempotency_key, contexts_[0].idempotency_key);
  }
  EXPECT_EQ(contexts_[0].previous, std::nullopt);
  EXPECT_EQ(contexts_[1].previous, Outcome::kFailure);
}

TEST_F(RetryTest, NoAttemptBeginsAfterTheDeadline) {
  const absl::Status status =
      Call(Exact(), kAlways, {.timeout = absl::Milliseconds(250), .idempotent = true});
  EXPECT_EQ(AttemptsOf(status), 2u);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(time_.now(), absl::Milliseconds(100));  // Nor does it wait in vain.
}

TEST_F(RetryTest, EachWaitIsTold) {
  std::vector<absl::Duration> waits;
  RetryOptions options = Exact();
  options.on_retry = [&](const RetryEvent& event) {
    EXPECT_EQ(event.attempt, waits.size() + 1);
    EXPECT_EQ(event.status, absl::UnavailableError("no luck"));
    waits.push_back(event.backoff);
  };
  EXPECT_FALSE(Call(options, kAlways).ok());
  EXPECT_THAT(waits, ElementsAre(absl::Milliseconds(100), absl::Milliseconds(200),
                                 absl::Milliseconds(400)));
}

TEST_F(RetryTest, ADependencysRetryInfoIsHeeded) {
  google::rpc::RetryInfo info;
  info.mutable_retry_delay()->set_seconds(3);
  absl::Status asks = absl::UnavailableError("busy");
  asks.SetPayload("type.googleapis.com/google.rpc.RetryInfo", absl::Cord(info.SerializeAsString()));
  int calls = 0;
  const Pipeline pipeline({Retry(Exact())}, time_);
  EXPECT_EQ(
      pipeline.Call({.idempotent = true},
                    [&](const CallContext&) { return ++calls > 1 ? absl::OkStatus() : asks; }),
      absl::OkStatus());
  EXPECT_GE(time_.now(), absl::Seconds(3));
}

TEST_F(RetryTest, ACancelledWaitEnds) {
  time_.Stand(true);
  const auto cancellation = std::make_shared<Cancellation>();
  RetryOptions options = Exact();
  options.on_retry = [&](const RetryEvent&) { cancellation->Cancel(); };
  const absl::Status status =
      Call(options, kAlways, {.idempotent = true, .cancellation = cancellation});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(contexts_.size(), 1u);
}

TEST_F(RetryTest, ABreakersPolicySaysWhetherToRetry) {
  Policy policy;
  policy.retry = {.max_attempts = 2, .base_backoff = absl::Milliseconds(50), .jitter = Share()};
  policy.retry.base_timeout = absl::Seconds(1);
  AloneBreaker breaker(time_, policy);
  const Pipeline pipeline({Retry({.breaker = breaker.handle()}), Protect(breaker.handle())}, time_);
  EXPECT_EQ(AttemptsOf(pipeline.Call({.idempotent = true}, FailingTimes(kAlways))), 2u);
  EXPECT_EQ(time_.now(), absl::Milliseconds(50));
  EXPECT_EQ(contexts_[0].TimeLeft(), absl::Milliseconds(950));    // As seen after the backoff.
  EXPECT_EQ(contexts_[1].TimeLeft(), absl::Milliseconds(1'500));  // Growing by a half.
}

TEST_F(RetryTest, AnOpenBreakerIsNotWaitedFor) {
  AloneBreaker breaker(time_);
  const Pipeline pipeline({Retry({.breaker = breaker.handle()}), Protect(breaker.handle())}, time_);
  const auto fail = FailingTimes(kAlways);
  for (int i = 0; i < 10; ++i) pipeline.Call({.idempotent = true}, fail).IgnoreError();
  const absl::Duration before = time_.now();
  EXPECT_EQ(pipeline.Call({.idempotent = true}, fail), absl::UnavailableError("db/orders"));
  EXPECT_EQ(time_.now(), before);
}

TEST_F(RetryTest, RetriesAreWithinTheBudget) {
  Policy policy;
  policy.circuit_breaker.consecutive_failures = 0;
  policy.circuit_breaker.failure_rate_threshold = Share();
  policy.retry_budget.min_retries_per_second = 0;
  policy.retry.base_backoff = absl::Milliseconds(1);
  AloneBreaker breaker(time_, policy);
  const Pipeline pipeline({Retry({.breaker = breaker.handle()}), Protect(breaker.handle())}, time_);
  const auto call = [&](int times, const auto& function) {
    for (int i = 0; i < times; ++i) pipeline.Call({.idempotent = true}, function).IgnoreError();
  };
  call(1'000, FailingTimes(0));  // Earn a retry for every five.
  contexts_.clear();
  call(1'000, FailingTimes(kAlways));
  EXPECT_EQ(contexts_.size(), 1'200u);
}

}  // namespace
}  // namespace fusebox
