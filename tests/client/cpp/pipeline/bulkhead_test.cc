#include <future>
#include <memory>
#include <thread>
#include <vector>

#include "pipeline_fixture.h"

namespace fusebox {
namespace {

class BulkheadTest : public PipelineTest {
 protected:
  // Holds a place until Free().
  std::thread Occupy(const Pipeline& pipeline) {
    std::promise<void> is_in;
    std::thread holder([&pipeline, this, &is_in] {
      EXPECT_EQ(pipeline.Call([&](const CallContext&) {
        is_in.set_value();
        freed_.wait();
        return absl::OkStatus();
      }),
                absl::OkStatus());
    });
    is_in.get_future().wait();
    return holder;
  }
  void Free() { free_.set_value(); }
  void UntilWaiting(int count) {
    while (time_.waiting() < count) std::this_thread::yield();
  }

 private:
  std::promise<void> free_;
  const std::shared_future<void> freed_ = free_.get_future().share();
};

TEST_F(BulkheadTest, AFullOneRefusesAtOnce) {
  const Pipeline pipeline({Bulkhead({.max_concurrent = 1})}, time_);
  std::thread holder = Occupy(pipeline);
  EXPECT_EQ(pipeline.Call(FailingTimes(0)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(contexts_.empty());
  Free();
  holder.join();
  EXPECT_EQ(pipeline.Call(FailingTimes(0)), absl::OkStatus());
}

TEST_F(BulkheadTest, APlaceIsWaitedForAsLongAsToldTo) {
  const Pipeline pipeline({Bulkhead({.max_concurrent = 1, .max_wait = absl::Seconds(3)})}, time_);
  std::thread holder = Occupy(pipeline);
  EXPECT_EQ(pipeline.Call(FailingTimes(0)).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(time_.now(), absl::Seconds(3));
  Free();
  holder.join();
}

TEST_F(BulkheadTest, NotBeyondTheDeadline) {
  const Pipeline pipeline({Bulkhead({.max_concurrent = 1, .max_wait = absl::Seconds(3)})}, time_);
  std::thread holder = Occupy(pipeline);
  EXPECT_EQ(pipeline.Call({.timeout = absl::Seconds(1)}, FailingTimes(0)).code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(time_.now(), absl::Seconds(1));
  Free();
  holder.join();
}

TEST_F(BulkheadTest, PlacesAreGivenInTheOrderOfComing) {
  time_.Stand(true);
  const Pipeline pipeline({Bulkhead({.max_concurrent = 1, .max_wait = absl::Seconds(3)})}, time_);
  std::vector<std::thread> threads;
  threads.push_back(Occupy(pipeline));
  std::vector<int> order;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      EXPECT_EQ(pipeline.Call([&](const CallContext&) {
        order.push_back(i);
        return absl::OkStatus();
      }),
                absl::OkStatus());
    });
    UntilWaiting(i + 1);
  }
  Free();
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(order, ::testing::ElementsAre(0, 1, 2, 3));
}

TEST_F(BulkheadTest, WhoWaitsMayBeCancelled) {
  time_.Stand(true);
  const Pipeline pipeline({Bulkhead({.max_concurrent = 1, .max_wait = absl::Seconds(3)})}, time_);
  std::thread holder = Occupy(pipeline);
  const auto cancellation = std::make_shared<Cancellation>();
  std::thread waiter([&] {
    EXPECT_EQ(pipeline.Call({.cancellation = cancellation}, FailingTimes(0)).code(),
              absl::StatusCode::kCancelled);
  });
  UntilWaiting(1);
  cancellation->Cancel();
  waiter.join();
  Free();
  holder.join();
  EXPECT_EQ(pipeline.Call(FailingTimes(0)), absl::OkStatus());  // The place was not lost.
}

TEST_F(BulkheadTest, SoManyMayWait) {
  time_.Stand(true);
  const Pipeline pipeline(
      {Bulkhead({.max_concurrent = 1, .max_wait = absl::Seconds(3), .max_waiting = 1})}, time_);
  std::vector<std::thread> threads;
  threads.push_back(Occupy(pipeline));
  threads.emplace_back([&] { EXPECT_EQ(pipeline.Call(FailingTimes(0)), absl::OkStatus()); });
  UntilWaiting(1);
  EXPECT_EQ(pipeline.Call([](const CallContext&) { return absl::OkStatus(); }).code(),
            absl::StatusCode::kResourceExhausted);
  Free();
  for (std::thread& thread : threads) thread.join();
}

// Never more at once than there are places, whoever comes and goes.
TEST_F(BulkheadTest, ThreadsNeverExceedIt) {
  time_.Stand(true);
  const Pipeline pipeline({Bulkhead({.max_concurrent = 3, .max_wait = absl::Seconds(3)})}, time_);
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(pipeline.Call([&](const CallContext&) {
          EXPECT_LE(++inside, 3);
          std::this_thread::yield();
          --inside;
          return absl::OkStatus();
        }),
                  absl::OkStatus());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace fusebox
