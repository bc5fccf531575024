#ifndef FUSEBOX_FALLBACK_H_
#define FUSEBOX_FALLBACK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fusebox/backlog.h"
#include "fusebox/call_time.h"
#include "fusebox/last_good.h"
#include "fusebox/pipeline.h"

namespace fusebox {

// What a chain of fallbacks answered, and by whom.
template <typename T>
struct Provided {
  T value;
  std::string provider;
};

// Whether another provider may do better than the one that answered this: not where the call itself
// was wrong or is over.
bool IsWorthFallback(const absl::Status& status);

// Providers of one answer, in the order in which they are asked, each with a pipeline of its own:
//
//   auto quotes = std::make_shared<fusebox::LastGood<Quote>>(1'000, absl::Minutes(10));
//   fusebox::FallbackChain<Quote> chain;
//   chain.Then("primary", primary_pipeline, ask_primary)
//       .Then("replica", replica_pipeline, ask_replica)
//       .ThenCached("cache", quotes);
//
//   absl::StatusOr<fusebox::Provided<Quote>> quote = chain.Call(symbol, {.timeout =
//   absl::Seconds(1)});
//
// All share the call's deadline. Of a call that is not idempotent, a provider may have done already
// what the next one is asked for. To be built by one thread; then thread-safe.
template <typename T>
class FallbackChain {
 public:
  // They are told what is asked for: the key of the call.
  using Function = std::function<absl::StatusOr<T>(const std::string& key, const CallContext&)>;
  using Later = std::function<absl::Status(const std::string& key, const CallContext&)>;

  // `time` outlives it, and is that of its pipelines.
  explicit FallbackChain(const CallTime& time = CallTime::OfMachine()) : time_(&time) {}

  // A provider that is called through `pipeline`.
  FallbackChain& Then(std::string name, Pipeline pipeline, Function function) {
    return Add({std::move(name), /*makes_calls=*/true,
                [pipeline = std::move(pipeline), function = std::move(function)](
                    const std::string& key, const CallOptions& options) {
                  return pipeline.Call(options, [key, function](const CallContext& context) {
                    return function(key, context);
                  });
                }});
  }

  // The last answer of a provider that stands before it, by the key of the call.
  FallbackChain& ThenCached(std::string name, std::shared_ptr<LastGood<T>> cache) {
    caches_.push_back({steps_.size(), cache});
    return Add({std::move(name), /*makes_calls=*/false,
                [cache](const std::string& key, const CallOptions&) -> absl::StatusOr<T> {
                  if (std::optional<T> value = cache->Get(key)) return *std::move(value);
                  return absl::UnavailableError("nothing is cached that is young enough");
                }});
  }

  // Puts an idempotent call off: `later` is added to the backlog, and `accepted` answered. Fails if
  // the call is not idempotent, as it may have been made, or the backlog is full.
  FallbackChain& ThenLater(std::string name, std::shared_ptr<Backlog> backlog, Later later,
                           T accepted) {
    return Add(
        {std::move(name), /*makes_calls=*/false,
         [backlog = std::move(backlog), later = std::move(later), accepted = std::move(accepted)](
             const std::string& key, CallOptions options) -> absl::StatusOr<T> {
           if (!options.idempotent) {
             return absl::FailedPreconditionError(
                 "a call that is not idempotent is not put off; say so if it is");
           }
           options.timeout = absl::InfiniteDuration();  // That was for an answer now.
           const auto call = [key, later](const CallContext& context) {
             return later(key, context);
           };
           if (backlog->Add(std::move(options), call)) return accepted;
           return absl::ResourceExhaustedError("the backlog is full; drain it, or make it larger");
         }});
  }

  // The first answer; or, if none has any, the first provider's error with the others' in its
  // message.
  absl::StatusOr<Provided<T>> Call(const std::string& key, CallOptions options) const {
    if (options.idempotency_key.empty()) options.idempotency_key = DrawIdempotencyKey();
    const int64_t deadline = time_->NanosAfter(options.timeout);
    absl::Status failure;
    for (size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      if (deadline != CallTime::kNever) {
        options.timeout = absl::Nanoseconds(deadline - time_->NowNanos());
      }
      absl::StatusOr<T> value = step.ask(key, options);
      if (value.ok()) {
        if (step.makes_calls) Remember(i, key, *value);
        return Provided<T>{*std::move(value), step.name};
      }
      failure = With(std::move(failure), step.name, value.status());
      if (!IsWorthFallback(value.status())) break;
    }
    if (failure.ok()) return absl::FailedPreconditionError("the chain has no provider");
    return failure;
  }

 private:
  struct Step {
    std::string name;
    bool makes_calls;  // Its answers are new.
    std::function<absl::StatusOr<T>(const std::string& key, const CallOptions& options)> ask;
  };

  FallbackChain& Add(Step step) {
    steps_.push_back(std::move(step));
    return *this;
  }

  static absl::Status With(absl::Status failure, const std::string& name,
                           const absl::Status& status) {
    if (failure.ok()) return status;
    absl::Status longer(failure.code(),
                        absl::StrCat(failure.message(), "; then ", name, ": ", status.message()));
    failure.ForEachPayload([&longer](absl::string_view type, const absl::Cord& payload) {
      longer.SetPayload(type, payload);
    });
    return longer;
  }

  // By the caches that stand behind the provider.
  void Remember(size_t provider, const std::string& key, const T& value) const {
    for (const auto& [place, cache] : caches_) {
      if (place > provider) cache->Put(key, value);
    }
  }

  const CallTime* time_;
  std::vector<Step> steps_;
  std::vector<std::pair<size_t, std::shared_ptr<LastGood<T>>>> caches_;  // By their place.
};

}  // namespace fusebox

#endif  // FUSEBOX_FALLBACK_H_
