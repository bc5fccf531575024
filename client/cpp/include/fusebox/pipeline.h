#ifndef FUSEBOX_PIPELINE_H_
#define FUSEBOX_PIPELINE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "fusebox/call_time.h"
#include "fusebox/cancellation.h"
#include "fusebox/core/outcome.h"

namespace fusebox {

// One attempt at a call, as the function that makes it is told of it.
struct CallContext {
  const CallTime* time = nullptr;
  int64_t deadline_nanos = CallTime::kNever;  // By `time`.

  // Which attempt this is, 1 for the first: of this call, after those of the callers above it. To
  // be told to the callee, so that it does not retry a retry.
  uint32_t attempt = 1;
  std::optional<Outcome> previous = {};  // How the attempt before had ended.
  bool hedge = false;                    // A second copy of one that is not answered yet.

  bool idempotent = false;
  std::string idempotency_key = {};  // The same for all attempts and copies of a call.

  // Null: nobody cancels.
  std::shared_ptr<Cancellation> cancellation = nullptr;

  // 0 or less once it is over; InfiniteDuration() without a deadline.
  absl::Duration TimeLeft() const;
  bool IsCancelled() const { return cancellation != nullptr && cancellation->IsCancelled(); }
  // OK, DEADLINE_EXCEEDED or CANCELLED: whether it may go on.
  absl::Status Check() const;
};

// How an attempt ended, or why none was made.
struct CallResult {
  absl::Status status;
  std::shared_ptr<void> value = nullptr;  // What the function returned beside an OK.
  bool sent = true;                       // False: it was refused before it was made.
  // How long whoever refused it asked to stay away; 0: they asked for nothing.
  absl::Duration retry_after = absl::ZeroDuration();
};

// A part of a pipeline. Immutable or thread-safe: all calls of a pipeline go through the same one.
class Stage {
 public:
  // What is further in. May be called more than once, from any thread, and copied.
  using Next = std::function<CallResult(const CallContext&)>;

  virtual ~Stage() = default;
  virtual CallResult Run(const CallContext& context, const Next& next) const = 0;
};

// 128 bits drawn at random: keys of calls that never met do not meet at the callee either.
std::string DrawIdempotencyKey();

// What a call asks of a pipeline.
struct CallOptions {
  // How long it may take in all, whatever the stages allow. 0 or less: no time is left.
  absl::Duration timeout = absl::InfiniteDuration();
  // Whether making it twice does no harm. What is not is not retried once it was sent, nor hedged.
  bool idempotent = false;
  // By which the callee knows repetitions; empty: one is drawn at random.
  std::string idempotency_key = {};
  // Of the call that this program is answering itself: AttemptOf() in fusebox/grpc.h. If that is a
  // retry, this call is not retried here as well.
  uint32_t attempt = 1;
  // Cancels it. Null: nobody.
  std::shared_ptr<Cancellation> cancellation = nullptr;
};

// Stages that calls go through, from the outermost to the innermost:
//
//   const fusebox::Pipeline pipeline({
//       fusebox::Timeout(absl::Seconds(2)),      // for all attempts
//       fusebox::Retry({.breaker = orders}),
//       fusebox::Timeout(absl::Seconds(1)),      // for each
//       fusebox::Protect(orders),
//   });
//
//   absl::StatusOr<Order> order = pipeline.Call(
//       {.idempotent = true}, [&](const fusebox::CallContext& context) { return Load(id, context);
//       });
//
// Any order and choice of stages works. See docs/pipeline.md for which one to take. Thread-safe,
// and light to copy.
class Pipeline {
 public:
  // `time` outlives it.
  explicit Pipeline(std::vector<std::shared_ptr<const Stage>> stages,
                    const CallTime& time = CallTime::OfMachine());

  // Calls `function`, as often as the stages say, and returns what it returned in the end or why it
  // was not called. It takes a const CallContext& and returns absl::Status or absl::StatusOr<T>.
  //
  // It may be called by several threads at once, and after this has returned, if a stage does so:
  // Hedge and OnThreads. With those, it must own what it uses.
  template <typename Function>
  auto Call(const CallOptions& options, Function function) const
      -> std::invoke_result_t<Function&, const CallContext&>;
  template <typename Function>
  auto Call(Function function) const {
    return Call(CallOptions(), std::move(function));
  }

 private:
  using Stages = std::vector<std::shared_ptr<const Stage>>;

  CallResult Run(const CallOptions& options, const Stage::Next& function) const;
  static CallResult RunFrom(const std::shared_ptr<const Stages>& stages, size_t index,
                            const CallContext& context, const Stage::Next& function);

  std::shared_ptr<const Stages> stages_;
  const CallTime* time_;
};

namespace internal {

inline CallResult ToCallResult(absl::Status status) { return {std::move(status)}; }
template <typename T>
CallResult ToCallResult(absl::StatusOr<T> result) {
  if (!result.ok()) return {result.status()};
  return {absl::OkStatus(), std::make_shared<T>(*std::move(result))};
}

inline void FromCallResult(CallResult from, absl::Status& to) { to = std::move(from.status); }
template <typename T>
void FromCallResult(const CallResult& from, absl::StatusOr<T>& to) {
  if (from.status.ok()) {
    to = std::move(*static_cast<T*>(from.value.get()));
  } else {
    to = from.status;
  }
}

}  // namespace internal

template <typename Function>
auto Pipeline::Call(const CallOptions& options, Function function) const
    -> std::invoke_result_t<Function&, const CallContext&> {
  std::invoke_result_t<Function&, const CallContext&> result;
  internal::FromCallResult(
      Run(options,
          [function = std::move(function)](const CallContext& context) mutable {
            return internal::ToCallResult(function(context));
          }),
      result);
  return result;
}

}  // namespace fusebox

#endif  // FUSEBOX_PIPELINE_H_
