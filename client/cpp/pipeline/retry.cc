#include <algorithm>
#include <mutex>
#include <random>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/local/numbers.h"
#include "client/cpp/pipeline/retry_after.h"
#include "core/classification.h"
#include "core/policy.h"
#include "core/retry_advice.h"
#include "fusebox/stages.h"

namespace fusebox {
namespace {

constexpr absl::string_view kAttempts = "fusebox/attempts";
constexpr absl::string_view kLastMessage = "fusebox/last-message";

RetryPolicy PolicyOf(const RetryOptions& options) {
  const auto within = [](absl::Duration duration) {
    return std::clamp(duration, absl::ZeroDuration(), absl::Hours(1));
  };
  RetryPolicy policy;
  policy.max_attempts = std::clamp(options.max_attempts, 1u, 100u);
  policy.base_backoff = within(options.base_backoff);
  policy.max_backoff = std::max(within(options.max_backoff), policy.base_backoff);
  policy.backoff_multiplier = Share::FromFraction(std::clamp(options.multiplier, 1.0, 10.0));
  policy.jitter = Share::FromFraction(std::clamp(options.jitter, 0.0, 1.0));
  return policy;
}

bool Sleep(const CallContext& context, int64_t until) {
  std::mutex mutex;
  std::condition_variable woken;
  bool is_cancelled = false;
  const Cancellation::Callback wake(context.cancellation, [&] {
    const std::lock_guard<std::mutex> lock(mutex);
    is_cancelled = true;
    woken.notify_one();
  });
  std::unique_lock<std::mutex> lock(mutex);
  return !context.time->WaitUntil(lock, woken, until, [&] { return is_cancelled; });
}

// The attempts at one call.
class Attempts {
 public:
  // Returns the result that was added.
  const CallResult& Add(CallResult result) {
    if (result.sent) ++sent_;
    // Why one was not made says less than how the one before it ended.
    if (result.sent || sent_ == 0) ending_ = result;
    last_ = std::move(result);
    return last_;
  }

  // What the call came to.
  CallResult End() {
    if (last_.status.ok() || sent_ <= 1) return last_.status.ok() ? last_ : ending_;
    const absl::Status& last = ending_.status;
    absl::Status status(last.code(),
                        absl::StrCat(sent_, " attempts failed; the last: ", last.message()));
    last.ForEachPayload([&status](absl::string_view type, const absl::Cord& payload) {
      status.SetPayload(type, payload);
    });
    status.SetPayload(kAttempts, absl::Cord(absl::StrCat(sent_)));
    status.SetPayload(kLastMessage, absl::Cord(last.message()));
    ending_.status = std::move(status);
    return ending_;
  }

 private:
  uint32_t sent_ = 0;
  CallResult ending_;
  CallResult last_;
};

class RetryStage final : public Stage {
 public:
  explicit RetryStage(RetryOptions options)
      : options_(std::move(options)), policy_(PolicyOf(options_)) {}

  CallResult Run(const CallContext& context, const Next& next) const override {
    CallContext attempt = context;
    if (options_.breaker.has_value()) Give(options_.breaker->first_timeout(), context, attempt);
    Attempts attempts;
    for (uint32_t made = 1;; ++made) {
      const CallResult& result = attempts.Add(next(attempt));
      if (result.status.ok() || !MayRepeat(context, result)) return attempts.End();
      const Outcome outcome = OutcomeOf(result.status);
      const Breaker::RetryAdvice advice = Advise(result, outcome, made);
      const int64_t resume = context.time->NanosAfter(advice.backoff);
      const bool is_in_time = resume < context.deadline_nanos;
      if (!advice.permitted || !is_in_time) return attempts.End();
      if (result.sent) attempt.previous = outcome;
      ++attempt.attempt;
      Announce(attempt, {made, result.status, advice.backoff});
      if (!Sleep(context, resume)) return attempts.End();
      Give(advice.next_timeout, context, attempt);
    }
  }

 private:
  // So long, and never longer than the call itself; 0: as long as that.
  static void Give(absl::Duration timeout, const CallContext& context, CallContext& attempt) {
    attempt.deadline_nanos = context.deadline_nanos;
    if (timeout == absl::ZeroDuration()) return;
    attempt.deadline_nanos = std::min(context.deadline_nanos, context.time->NanosAfter(timeout));
  }

  // A retry of a caller's is not retried here: attempts would multiply with each service.
  bool MayRepeat(const CallContext& context, const CallResult& result) const {
    const bool is_first = context.attempt <= 1;
    return is_first && (context.idempotent || !result.sent || options_.not_idempotent_too);
  }

  Outcome OutcomeOf(const absl::Status& status) const {
    if (options_.breaker.has_value()) return options_.breaker->Classify(status);
    return classification_.Classify(Result::Grpc(static_cast<int>(status.code())));
  }

  Breaker::RetryAdvice Advise(const CallResult& result, Outcome outcome, uint32_t made) const {
    const absl::Duration asked =
        std::max(result.retry_after, internal::RetryAfterOf(result.status));
    if (options_.breaker.has_value()) {
      return options_.breaker->AdviseRetry(
          {.outcome = outcome, .attempt = made, .sent = result.sent, .retry_after = asked});
    }
    const fusebox::RetryAdvice advice = fusebox::Advise(
        policy_, {.outcome = outcome,
                  .attempt = made,
                  .unsent = !result.sent,
                  .retry_after = result.sent ? asked : absl::ZeroDuration(),
                  .open_for = result.sent ? absl::ZeroDuration() : asked,
                  .success_probability = kLikelyAbove,  // Not predicted: neither nor.
                  .random_bits = numbers_.RandomBits()});
    return {advice.permitted, advice.backoff, advice.next_timeout};
  }

  void Announce(const CallContext& next, const RetryEvent& event) const {
    if (options_.breaker.has_value()) {
      options_.breaker->Expect({.number = next.attempt, .previous = next.previous});
    }
    if (options_.on_retry) options_.on_retry(event);
  }

  const RetryOptions options_;
  const RetryPolicy policy_;
  const Classification classification_;
  mutable internal::Numbers numbers_{std::random_device()()};
};

}  // namespace

std::shared_ptr<const Stage> Retry(RetryOptions options) {
  return std::make_shared<RetryStage>(std::move(options));
}

std::optional<uint32_t> AttemptsOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kAttempts);
  uint32_t attempts = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &attempts)) {
    return std::nullopt;
  }
  return attempts;
}

absl::Status LastErrorOf(const absl::Status& status) {
  const auto message = status.GetPayload(kLastMessage);
  if (!message.has_value()) return status;
  absl::Status last(status.code(), std::string(*message));
  status.ForEachPayload([&last](absl::string_view type, const absl::Cord& payload) {
    if (type != kAttempts && type != kLastMessage) last.SetPayload(type, payload);
  });
  return last;
}

}  // namespace fusebox
