#ifndef FUSEBOX_CLIENT_CPP_PIPELINE_PIPELINE_FIXTURE_H_
#define FUSEBOX_CLIENT_CPP_PIPELINE_PIPELINE_FIXTURE_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local/numbers.h"
#include "fusebox/breaker.h"
#include "fusebox/pipeline.h"
#include "fusebox/stages.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox {

// Passes when somebody waits, and only then: at once up to when they want to be woken, or, while it
// stands, not at all.
class WaitedTime final : public CallTime {
 public:
  int64_t NowNanos() const override { return now_; }
  bool WaitUntil(std::unique_lock<std::mutex>& lock, std::condition_variable&, int64_t nanos,
                 const std::function<bool()>& is_over) const override {
    ++waiting_;
    while (!is_over() && (stands_ || nanos == kNever)) {
      lock.unlock();
      std::this_thread::yield();
      lock.lock();
    }
    --waiting_;
    if (is_over()) return true;
    if (now_ < nanos) now_ = nanos;
    return is_over();
  }

  void Stand(bool stands) { stands_ = stands; }
  void Pass(absl::Duration duration) { now_ += absl::ToInt64Nanoseconds(duration); }
  absl::Duration now() const { return absl::Nanoseconds(now_.load()); }
  int waiting() const { return waiting_; }

 private:
  mutable std::atomic<int64_t> now_{0};
  mutable std::atomic<int> waiting_{0};
  std::atomic<bool> stands_{false};
};

// A breaker without a server, in the time of the calls.
class AloneBreaker {
 public:
  explicit AloneBreaker(const CallTime& time, const Policy& policy = Policy())
      : clock_(time),
        breaker_("db/orders", std::make_shared<const RulingPolicy>(policy),
                 {.clock = clock_,
                  .stopwatch = stopwatch_,
                  .numbers = numbers_,
                  .refusal = [](absl::string_view name, Reason, absl::Duration) {
                    return absl::UnavailableError(std::string(name));
                  }}) {}
  Breaker handle() { return Breaker(breaker_); }

 private:
  class Clock : public ClientClock {
   public:
    explicit Clock(const CallTime& time) : time_(time) {}
    int64_t NowNanos() const override { return time_.NowNanos() + kStart; }

   private:
    static constexpr int64_t kStart = 1'000'000'000'000;
    const CallTime& time_;
  };

  const Clock clock_;
  const internal::Stopwatch stopwatch_{clock_};
  internal::Numbers numbers_{7};
  internal::LocalBreaker breaker_;
};

class PipelineTest : public ::testing::Test {
 protected:
  using Stages = std::vector<std::shared_ptr<const Stage>>;
  static constexpr const char* kMessage = "no luck";

  // A function that fails so often, and notes what it was told.
  std::function<absl::Status(const CallContext&)> FailingTimes(
      int times, absl::StatusCode code = absl::StatusCode::kUnavailable) {
    return [this, times, code](const CallContext& context) {
      contexts_.push_back(context);
      const bool fails = static_cast<int>(contexts_.size()) <= times;
      return fails ? absl::Status(code, kMessage) : absl::OkStatus();
    };
  }
  static constexpr int kAlways = 1'000'000;

  WaitedTime time_;
  std::vector<CallContext> contexts_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CLIENT_CPP_PIPELINE_PIPELINE_FIXTURE_H_
