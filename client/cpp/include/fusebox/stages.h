#ifndef FUSEBOX_STAGES_H_
#define FUSEBOX_STAGES_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "fusebox/breaker.h"
#include "fusebox/pipeline.h"
#include "fusebox/thread_pool.h"

namespace fusebox {

// Gives what is further in so long, if it has not less already. The function is told (its
// context's deadline) and has to keep to it; to leave one that does not, put OnThreads further in.
std::shared_ptr<const Stage> Timeout(absl::Duration longest);

// Asks the breaker before each attempt, and tells it how it ended.
std::shared_ptr<const Stage> Protect(const Breaker& breaker);

// An attempt has failed, and another is going to be made.
struct RetryEvent {
  uint32_t attempt = 1;  // The one that failed.
  absl::Status status;
  absl::Duration backoff;  // Until the next.
};

struct RetryOptions {
  // Whose policy says whether and when to retry, and whose retry budget is spent. Without one, the
  // numbers below say so.
  std::optional<Breaker> breaker = {};

  uint32_t max_attempts = 3;  // Of one call, with the first: 1 to 100.
  // Before attempt n: base_backoff * multiplier ^ (n - 2), at most max_backoff, of which the part
  // `jitter` (0 to 1) is random. 0 to 1h; 1 to 10.
  absl::Duration base_backoff = absl::Milliseconds(100);
  absl::Duration max_backoff = absl::Seconds(10);
  double multiplier = 2;
  double jitter = 1;

  // Also calls that are not idempotent, after they were sent.
  bool not_idempotent_too = false;
  // Called before each wait, by the thread of the call. Empty: nobody.
  std::function<void(const RetryEvent&)> on_retry = {};
};

// Makes another attempt where one has failed, it may be made, and there is time for it before the
// deadline: what a status means is the breaker's classification, or the standard one. A dependency
// that asks to stay away for a while (google.rpc.RetryInfo) is heeded.
//
// The status in the end is the last attempt's: its code, its message after the number of attempts,
// and its payloads. See AttemptsOf().
std::shared_ptr<const Stage> Retry(RetryOptions options = {});

// How many attempts were made of a call that Retry has given up; nothing for any other status.
std::optional<uint32_t> AttemptsOf(const absl::Status& status);
// The status of the last of them, as it was.
absl::Status LastErrorOf(const absl::Status& status);

struct HedgeOptions {
  // On which copies run: each needs a thread. Outlives the calls. Null: there are no copies.
  ThreadPool* threads = nullptr;
  // After how long without an answer to make a second copy; nothing: as the breaker says, and never
  // while it says nothing.
  std::optional<absl::Duration> delay = {};
  std::optional<Breaker> breaker = {};
  uint32_t max_copies = 2;  // With the first: 2 to 10.
};

// Makes another copy of an idempotent call that is not answered in time, and takes the first
// success; the others are cancelled and left. Protect, further in, takes it from the retry budget.
std::shared_ptr<const Stage> Hedge(const HedgeOptions& options);

struct BulkheadOptions {
  size_t max_concurrent = 10;                      // 1 or more.
  absl::Duration max_wait = absl::ZeroDuration();  // For a place, in the order of coming.
  size_t max_waiting = 100;
};

// Lets so many calls in at once. One that finds no place is RESOURCE_EXHAUSTED, and not sent.
std::shared_ptr<const Stage> Bulkhead(const BulkheadOptions& options);

// Lets calls run on the pool's threads, and leaves one whose deadline is over: it is cancelled, and
// its thread goes on until it returns. One that finds no place in the pool is RESOURCE_EXHAUSTED,
// and not sent. Where the pool has its callers run what it has no place for, those cannot be left.
//
// The pool outlives the calls. Stages inside one another need pools of their own: threads that wait
// for tasks behind them in their own queue wait forever.
std::shared_ptr<const Stage> OnThreads(ThreadPool& pool);

}  // namespace fusebox

#endif  // FUSEBOX_STAGES_H_
