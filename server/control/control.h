#ifndef FUSEBOX_SERVER_CONTROL_CONTROL_H_
#define FUSEBOX_SERVER_CONTROL_CONTROL_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/control/book.h"
#include "server/engine/engine.h"
#include "server/sync/mutex.h"

namespace fusebox {

// Takes changes from operators, one after the other, and makes them durable before they are true.
//
//   control.Submit({.make = [](Draft& draft) { return DeletePolicy("db", etag, draft); },
//                   .done = [](const absl::Status& status) { ... answer the operator ... }});
//
//   on the flusher's thread, again and again:
//     Control::Round round = control.Begin(store, now);
//     ... commit round.rows() ...
//     control.End(round, committed);
//
// Changes that come together are committed together. One that is made is true at once for the next
// one, and for everybody else once it is durable. Thread-safe; Begin() and End() are for one
// thread.
class Control {
 public:
  // What becomes of a change that works.
  enum class Kind : uint8_t {
    kDurable,   // It waits for the store, and is refused while there is none.
    kVolatile,  // It does not concern the store.
    kTrial,     // It is not made: only `done` hears whether it could be.
  };

  struct Change {
    // Runs on the flusher's thread. Fails before it changes anything, or not at all.
    std::function<absl::Status(Draft& draft)> make;
    // Called once, on the flusher's thread: must be quick.
    std::function<void(const absl::Status& status)> done;
    Kind kind = Kind::kDurable;
  };

  class Round {
   public:
    const Changes& rows() const { return draft_.rows; }

   private:
    friend class Control;
    Draft draft_;
    std::vector<Change> made_;
  };

  // `engine` must outlive this.
  Control(Engine& engine, const ControlLimits& limits)
      : engine_(engine), limits_(limits), book_(std::make_shared<const Book>()) {}

  // Calls `change.done` at once if too many are waiting (RESOURCE_EXHAUSTED, reason
  // TOO_MANY_CHANGES; a volatile one is never too many) or after Close() (UNAVAILABLE, reason
  // DRAINING).
  void Submit(Change change);

  // `wake` is called whenever a change is waiting; set it before the first Submit().
  void WakeBy(std::function<void()> wake) { wake_ = std::move(wake); }

  // Makes the changes that have waited longest, a few at a time, so that what else is to be kept
  // need not wait for long. `store` is why nothing durable can be done, if so.
  Round Begin(const absl::Status& store, Tick now);
  // What was made is true if `kept` is OK. Else it is not, but for what was done to a breaker and
  // for volatile changes, which are made again without the others. Answers who waited.
  void End(const Round& round, const absl::Status& kept);

  // Begins with what the file says, or goes on with it. Errors are ReplaceFileResources()'s. Only
  // before the first round; later it is a volatile change.
  absl::Status SetFile(const std::vector<v1::Policy>& policies,
                       const std::vector<v1::RetryBudget>& budgets);

  // Adds what was kept; overrides are then the engine's to restore. ALREADY_EXISTS (reason
  // POLICY_NAME_TAKEN, RETRY_BUDGET_NAME_TAKEN) if the file has one of that name; MakeRules()'s.
  absl::Status Restore(const Book& kept);

  // Takes no more changes. Those that wait are still made by further rounds.
  void Close();

  // What is true.
  std::shared_ptr<const Book> book() const;
  const ControlLimits& limits() const { return limits_; }
  // Whether no change is waiting.
  bool is_idle() const;

 private:
  // Why it is not taken; OK if it waits now.
  absl::Status Enqueue(Change& change);
  std::vector<Change> TakeSome();
  static void Make(const absl::Status& store, Change change, Round& round);
  absl::Status ApplyAlone(const Change& change);
  absl::Status Apply(const Draft& draft);

  Engine& engine_;
  const ControlLimits limits_;
  std::function<void()> wake_;
  mutable Mutex mutex_;
  std::deque<Change> queue_ ABSL_GUARDED_BY(mutex_);
  bool is_closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<const Book> book_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_CONTROL_CONTROL_H_
