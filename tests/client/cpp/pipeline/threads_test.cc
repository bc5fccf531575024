// Stages whose calls run on threads of their own.
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "pipeline_fixture.h"

namespace fusebox {
namespace {

// Keeps whoever waits for it until it is opened.
class Door {
 public:
  void Open() { open_.set_value(); }
  void Wait() const { opened_.wait(); }

 private:
  std::promise<void> open_;
  const std::shared_future<void> opened_ = open_.get_future().share();
};

ThreadPoolOptions Exactly(size_t threads) { return {.core = threads, .max = threads}; }

class ThreadPoolTest : public ::testing::Test {
 protected:
  // Runs a task that ends when the door opens. False if it was not taken.
  bool Occupy(ThreadPool& pool) {
    return pool.Submit([this] {
      ++started_;
      door_.Wait();
    });
  }
  void UntilStarted(int count) {
    while (started_ < count) std::this_thread::yield();
  }

  Door door_;
  std::atomic<int> started_{0};
};

TEST_F(ThreadPoolTest, CoreThenQueueThenMaximumThenNothing) {
  ThreadPool pool({.core = 1, .max = 2, .queue = 1});
  EXPECT_TRUE(Occupy(pool));
  UntilStarted(1);
  EXPECT_TRUE(Occupy(pool));  // Queued.
  EXPECT_EQ(started_, 1);
  EXPECT_TRUE(Occupy(pool));  // A second thread.
  UntilStarted(2);
  EXPECT_FALSE(Occupy(pool));
  door_.Open();
}

TEST_F(ThreadPoolTest, OrTheCallerRunsIt) {
  ThreadPool pool({.core = 0, .max = 1, .caller_runs = true});
  EXPECT_TRUE(Occupy(pool));
  std::thread::id runner;
  EXPECT_TRUE(pool.Submit([&] { runner = std::this_thread::get_id(); }));
  EXPECT_EQ(runner, std::this_thread::get_id());
  door_.Open();
}

TEST_F(ThreadPoolTest, WithoutACoreAThreadComesWithTheFirstTask) {
  ThreadPool pool({.core = 0, .max = 1, .queue = 10});
  EXPECT_TRUE(Occupy(pool));
  UntilStarted(1);
  door_.Open();
}

TEST_F(ThreadPoolTest, ItsEndWaitsForAllTasks) {
  std::atomic<int> ended{0};
  {
    ThreadPool pool({.core = 2, .max = 2, .queue = 1'000});
    for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(pool.Submit([&] { ++ended; }));
  }
  EXPECT_EQ(ended, 1'000);
}

TEST_F(ThreadPoolTest, ThreadsThatEndedLeaveTheirPlace) {
  ThreadPool pool({.core = 0, .max = 2});
  for (int i = 0; i < 200; ++i) {
    std::promise<void> done;
    while (!pool.Submit([&] { done.set_value(); })) std::this_thread::yield();
    done.get_future().wait();
  }
}

class OnThreadsTest : public PipelineTest {};

TEST_F(OnThreadsTest, CallsRunOnThePool) {
  ThreadPool pool(Exactly(1));
  const Pipeline pipeline({OnThreads(pool)}, time_);
  const auto id = pipeline.Call([](const CallContext&) -> absl::StatusOr<std::thread::id> {
    return std::this_thread::get_id();
  });
  EXPECT_NE(*id, std::this_thread::get_id());
}

TEST_F(OnThreadsTest, AFunctionThatDoesNotKeepToTheDeadlineIsLeft) {
  const auto door = std::make_shared<Door>();
  ThreadPool pool(Exactly(1));
  const Pipeline pipeline({Timeout(absl::Seconds(1)), OnThreads(pool)}, time_);
  std::atomic<bool> was_cancelled{false};
  time_.Stand(true);
  const absl::Status status = pipeline.Call([&, door](const CallContext& context) {
    time_.Stand(false);
    door->Wait();
    was_cancelled = context.IsCancelled();
    return absl::OkStatus();
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(time_.now(), absl::Seconds(1));
  EXPECT_EQ(pipeline.Call(FailingTimes(0)).code(), absl::StatusCode::kResourceExhausted);
  door->Open();
  while (!was_cancelled) std::this_thread::yield();
}

// What hangs is a timeout for the breaker, whoever leaves it.
TEST_F(OnThreadsTest, ACallThatIsLeftIsATimeout) {
  AloneBreaker breaker(time_);
  const auto door = std::make_shared<Door>();
  ThreadPool pool(Exactly(5));
  const Pipeline pipeline({Timeout(absl::Seconds(1)), OnThreads(pool), Protect(breaker.handle())},
                          time_);
  for (int i = 0; i < 5; ++i) {
    time_.Stand(true);
    EXPECT_EQ(pipeline
                  .Call([this, door](const CallContext&) {
                    time_.Stand(false);
                    door->Wait();
                    return absl::CancelledError();
                  })
                  .code(),
              absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(breaker.handle().state(), State::kClosed);
  door->Open();
  while (breaker.handle().state() != State::kOpen) std::this_thread::yield();
}

TEST_F(OnThreadsTest, ACallThatNoThreadTookWasNotSent) {
  AloneBreaker breaker(time_);
  const auto door = std::make_shared<Door>();
  ThreadPool pool({.core = 1, .max = 1, .queue = 100});
  ASSERT_TRUE(pool.Submit([door] { door->Wait(); }));
  const Pipeline pipeline({Protect(breaker.handle()), Timeout(absl::Seconds(1)), OnThreads(pool)},
                          time_);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(pipeline.Call(FailingTimes(0)).code(), absl::StatusCode::kDeadlineExceeded);
  }
  EXPECT_EQ(breaker.handle().state(), State::kClosed);
  door->Open();
}

TEST_F(OnThreadsTest, WhatTheCallerRunsMayBeCancelled) {
  ThreadPool pool({.core = 0, .max = 1, .caller_runs = true});
  const auto door = std::make_shared<Door>();
  ASSERT_TRUE(pool.Submit([door] { door->Wait(); }));
  const auto cancellation = std::make_shared<Cancellation>();
  const Pipeline pipeline({OnThreads(pool)}, time_);
  EXPECT_EQ(pipeline.Call({.cancellation = cancellation},
                          [&](const CallContext& context) {
                            cancellation->Cancel();
                            EXPECT_TRUE(context.IsCancelled());
                            return absl::OkStatus();
                          }),
            absl::OkStatus());
  door->Open();
}

class HedgeTest : public PipelineTest {
 protected:
  ThreadPool pool_{Exactly(4)};
};

TEST_F(HedgeTest, ASecondCopyMayAnswerFirst) {
  const auto door = std::make_shared<Door>();
  const Pipeline pipeline({Hedge({.threads = &pool_, .delay = absl::Milliseconds(20)})}, time_);
  const auto ask = [door](const CallContext& context) -> absl::StatusOr<bool> {
    if (!context.hedge) door->Wait();
    return context.hedge;
  };
  EXPECT_TRUE(*pipeline.Call({.idempotent = true}, ask));
  EXPECT_EQ(time_.now(), absl::Milliseconds(20));
  door->Open();
}

TEST_F(HedgeTest, WhoLosesIsCancelled) {
  const Pipeline pipeline({Hedge({.threads = &pool_, .delay = absl::Milliseconds(20)})}, time_);
  const auto begun = std::make_shared<Door>();
  const auto was_cancelled = std::make_shared<Door>();
  const auto ask = [begun, was_cancelled](const CallContext& context) {
    if (context.hedge) {
      begun->Wait();
      return absl::OkStatus();
    }
    const Cancellation::Callback told(context.cancellation, [&] { was_cancelled->Open(); });
    begun->Open();
    while (!context.IsCancelled()) std::this_thread::yield();
    return absl::CancelledError();
  };
  EXPECT_EQ(pipeline.Call({.idempotent = true}, ask), absl::OkStatus());
  was_cancelled->Wait();
}

TEST_F(HedgeTest, OneThatIsNotIdempotentHasNoCopies) {
  const Pipeline pipeline({Hedge({.threads = &pool_, .delay = absl::ZeroDuration()})}, time_);
  EXPECT_EQ(pipeline.Call(FailingTimes(0)), absl::OkStatus());
  EXPECT_EQ(contexts_.size(), 1u);
  EXPECT_FALSE(contexts_[0].hedge);
}

TEST_F(HedgeTest, AFailureIsTheResultOnceNoCopyIsLeft) {
  const Pipeline pipeline({Hedge({.threads = &pool_, .delay = absl::Hours(1)})}, time_);
  time_.Stand(true);
  EXPECT_EQ(pipeline.Call({.idempotent = true}, FailingTimes(kAlways)),
            absl::UnavailableError(kMessage));
}

TEST_F(HedgeTest, ACopyThatTheBudgetRefusesChangesNothing) {
  Policy policy;
  policy.retry_budget = {.retry_ratio = Share(), .min_retries_per_second = 0};
  AloneBreaker breaker(time_, policy);
  ThreadPool pool(Exactly(4));  // Ends before the breaker does.
  const Pipeline pipeline(
      {Hedge({.threads = &pool, .delay = absl::Milliseconds(20)}), Protect(breaker.handle())},
      time_);
  const auto ask = [this](const CallContext& context) -> absl::StatusOr<bool> {
    while (time_.now() < absl::Milliseconds(20)) std::this_thread::yield();
    return context.hedge;
  };
  EXPECT_FALSE(*pipeline.Call({.idempotent = true}, ask));
}

TEST_F(HedgeTest, TheBreakerSaysWhen) {
  Policy policy;
  policy.hedge.delay = absl::Milliseconds(70);
  AloneBreaker breaker(time_, policy);
  ThreadPool pool(Exactly(4));  // Ends before the breaker does.
  const auto door = std::make_shared<Door>();
  const Pipeline pipeline({Hedge({.threads = &pool, .breaker = breaker.handle()})}, time_);
  EXPECT_EQ(pipeline.Call({.idempotent = true},
                          [door](const CallContext& context) {
                            if (!context.hedge) door->Wait();
                            return absl::OkStatus();
                          }),
            absl::OkStatus());
  EXPECT_EQ(time_.now(), absl::Milliseconds(70));
  door->Open();
}

TEST(CancellationTest, ACallbackRunsOnceAndNotAfterItsEnd) {
  const auto cancellation = std::make_shared<Cancellation>();
  int runs = 0;
  {
    const Cancellation::Callback gone(cancellation, [&] { ++runs; });
  }
  const Cancellation::Callback callback(cancellation, [&] { ++runs; });
  cancellation->Cancel();
  cancellation->Cancel();
  EXPECT_EQ(runs, 1);
  const Cancellation::Callback late(cancellation, [&] { ++runs; });
  EXPECT_EQ(runs, 2);
}

TEST(CancellationTest, ACallbackMayEndItself) {
  const auto cancellation = std::make_shared<Cancellation>();
  std::unique_ptr<Cancellation::Callback> callback;
  callback = std::make_unique<Cancellation::Callback>(cancellation, [&] { callback.reset(); });
  cancellation->Cancel();
  EXPECT_EQ(callback, nullptr);
}

// Whoever ends a callback may use again what it used.
TEST(CancellationTest, TheEndOfACallbackWaitsForIt) {
  for (int i = 0; i < 200; ++i) {
    const auto cancellation = std::make_shared<Cancellation>();
    int value = 0;
    std::thread canceller;
    {
      const Cancellation::Callback callback(cancellation, [&] { ++value; });
      canceller = std::thread([&] { cancellation->Cancel(); });
    }
    value = 7;
    canceller.join();
    EXPECT_EQ(value, 7);
  }
}

}  // namespace
}  // namespace fusebox
