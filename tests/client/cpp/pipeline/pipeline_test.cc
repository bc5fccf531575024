#include "fusebox/pipeline.h"

#include <memory>
#include <stdexcept>
#include <string>

#include "pipeline_fixture.h"

namespace fusebox {
namespace {

TEST_F(PipelineTest, WithoutStagesItCallsTheFunction) {
  const Pipeline pipeline({}, time_);
  EXPECT_EQ(*pipeline.Call([](const CallContext&) -> absl::StatusOr<int> { return 7; }), 7);
  EXPECT_EQ(pipeline.Call([](const CallContext&) { return absl::NotFoundError("x"); }),
            absl::NotFoundError("x"));
}

TEST_F(PipelineTest, WhatCannotBeCopiedComesBack) {
  const Pipeline pipeline({Retry(), Timeout(absl::Seconds(1))}, time_);
  auto result = pipeline.Call([](const CallContext&) -> absl::StatusOr<std::unique_ptr<int>> {
    return std::make_unique<int>(7);
  });
  EXPECT_EQ(**result, 7);
}

TEST_F(PipelineTest, TheShortestTimeoutHolds) {
  const Pipeline pipeline({Timeout(absl::Seconds(2)), Timeout(absl::Seconds(5))}, time_);
  EXPECT_EQ(pipeline.Call({.timeout = absl::Seconds(3)}, FailingTimes(0)), absl::OkStatus());
  EXPECT_EQ(contexts_.back().TimeLeft(), absl::Seconds(2));
  EXPECT_EQ(pipeline.Call({.timeout = absl::Seconds(1)}, FailingTimes(0)), absl::OkStatus());
  EXPECT_EQ(contexts_.back().TimeLeft(), absl::Seconds(1));
}

TEST_F(PipelineTest, WithoutATimeoutThereIsNoDeadline) {
  EXPECT_EQ(Pipeline({}, time_).Call(FailingTimes(0)), absl::OkStatus());
  EXPECT_EQ(contexts_.back().TimeLeft(), absl::InfiniteDuration());
}

TEST_F(PipelineTest, NothingIsCalledAfterTheDeadline) {
  const absl::Status status =
      Pipeline({}, time_).Call({.timeout = absl::Seconds(-1)}, FailingTimes(0));
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(contexts_.empty());
}

TEST_F(PipelineTest, NothingIsCalledThatIsCancelled) {
  const auto cancellation = std::make_shared<Cancellation>();
  cancellation->Cancel();
  const absl::Status status =
      Pipeline({Retry()}, time_).Call({.cancellation = cancellation}, FailingTimes(0));
  EXPECT_EQ(status.code(), absl::StatusCode::kCancelled);
  EXPECT_TRUE(contexts_.empty());
}

TEST_F(PipelineTest, EachCallHasAKeyOfItsOwn) {
  const Pipeline pipeline({}, time_);
  pipeline.Call(FailingTimes(0)).IgnoreError();
  pipeline.Call(FailingTimes(0)).IgnoreError();
  EXPECT_NE(contexts_[0].idempotency_key, contexts_[1].idempotency_key);
  EXPECT_FALSE(contexts_[0].idempotency_key.empty());
}

TEST_F(PipelineTest, ABreakerStopsCallsAndCountsThem) {
  AloneBreaker breaker(time_);
  const Pipeline pipeline({Protect(breaker.handle())}, time_);
  for (int i = 0; i < 5; ++i) pipeline.Call(FailingTimes(kAlways)).IgnoreError();
  EXPECT_EQ(contexts_.size(), 5u);
  EXPECT_EQ(pipeline.Call(FailingTimes(kAlways)), absl::UnavailableError("db/orders"));
  EXPECT_EQ(contexts_.size(), 5u);
  EXPECT_EQ(breaker.handle().state(), State::kOpen);
}

TEST_F(PipelineTest, AFunctionThatThrowsHasFailed) {
  AloneBreaker breaker(time_);
  const Pipeline pipeline({Protect(breaker.handle())}, time_);
  const auto fail = [](const CallContext&) -> absl::Status { throw std::runtime_error("x"); };
  for (int i = 0; i < 5; ++i) EXPECT_THROW(pipeline.Call(fail).IgnoreError(), std::runtime_error);
  EXPECT_EQ(breaker.handle().state(), State::kOpen);
}

TEST_F(PipelineTest, ABreakerDoesNotCountWhatWasNotSent) {
  AloneBreaker breaker(time_);
  const Pipeline pipeline({Protect(breaker.handle()), Timeout(absl::Seconds(-1))}, time_);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(pipeline.Call(FailingTimes(0)).code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(breaker.handle().state(), State::kClosed);
}

TEST(CallTimeTest, TheMachinesGoesOn) {
  const CallTime& time = CallTime::OfMachine();
  std::mutex mutex;
  std::condition_variable changed;
  std::unique_lock<std::mutex> lock(mutex);
  const int64_t until = time.NanosAfter(absl::Milliseconds(1));
  EXPECT_FALSE(time.WaitUntil(lock, changed, until, [] { return false; }));
  EXPECT_GE(time.NowNanos(), until);
  EXPECT_TRUE(time.WaitUntil(lock, changed, CallTime::kNever, [] { return true; }));
  EXPECT_EQ(time.NanosAfter(absl::InfiniteDuration()), CallTime::kNever);
}

}  // namespace
}  // namespace fusebox
