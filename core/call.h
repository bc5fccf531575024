#ifndef FUSEBOX_CORE_CALL_H_
#define FUSEBOX_CORE_CALL_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "core/circuit_breaker.h"
#include "core/classification.h"
#include "core/idempotency_keys.h"
#include "core/permit_id.h"
#include "core/retry_advice.h"
#include "core/tick.h"
#include "core/transition.h"

// What a caller says about one call, before and after it, and what it is told.
namespace fusebox {

// That a call may wait for its turn, where the rate limit or the bulkhead has nothing for it now.
struct Wait {
  uint64_t id = 0;              // By which the owner knows it: of no other call that waits.
  absl::Duration longest = {};  // At most this long, and the policy's `queue.max_wait`.
};

// What is asked before a call. Views live as long as the question.
struct Question {
  uint32_t attempt = 1;                          // 1 (or 0) for the first.
  std::optional<Outcome> previous_failure = {};  // Of the attempt before, if it was one.
  bool hedge = false;                      // A second copy of a call that is not answered yet.
  absl::string_view idempotency_key = {};  // Empty: none.
  bool retry_unknown = false;              // Make it although the first may have been done.
  // After how long what it holds may be taken back, if that is sooner than by the policy.
  absl::Duration lease = absl::InfiniteDuration();
  std::optional<Wait> wait = {};  // Absent: an answer now.
  bool in_turn = false;           // It has waited, and its turn has come.

  // What spends retry budget.
  bool IsExtra() const { return attempt > 1 || hedge; }
};

// What a granted call brings back.
struct Permit {
  uint64_t epoch = 0;
  uint64_t number = 0;   // Within the epoch.
  uint32_t attempt = 1;  // 1 for the first.
  // How the attempt before it ended, if that was a failure.
  std::optional<Outcome> previous_failure = {};
  bool votes = true;  // False when only an override let the call pass.
  bool earns = true;  // Whether its success may earn retry budget.

  PermitId id() const { return {epoch, number}; }
};

// The answer to one call.
struct Decision {
  bool allowed = false;
  bool shadow_denied = false;  // Allowed, but without SHADOW refused for `reason`.
  bool probe = false;
  Reason reason = Reason::kNone;
  State state = State::kClosed;
  uint64_t epoch = 0;
  absl::Duration retry_after = {};  // When refused.
  Permit permit = {};               // When allowed.
  // Refused because a call with the same key was begun before: how that one stands.
  std::optional<IdempotencyKeys::Begun> first = {};
  absl::Duration lease = {};  // When it holds something that comes back after so long.
  // When to send a second copy, if there is no answer yet; absent: never.
  std::optional<absl::Duration> hedge_delay = {};
  Tick taken = {};  // When it was allowed.
  // Neither: it waits, and the answer is Guard::ServeWaiters()'s. `reason` says for what.
  bool waits = false;
};

// How one call, or several alike, ended. Views live as long as the call.
struct Ending {
  std::optional<Permit> permit = {};  // Absent: a bare observation.
  Result result = {};
  std::optional<absl::Duration> latency = {};
  std::optional<absl::Duration> retry_after = {};
  absl::string_view client = {};
  bool unsent = false;  // The caller knows that nothing reached the dependency.
  uint64_t epoch = 0;   // Of an observation; 0: whichever is current.
  uint32_t calls = 1;   // Of an observation.
};

// What became of it.
struct Verdict {
  State state = State::kClosed;
  uint64_t epoch = 0;
  Outcome outcome = Outcome::kIgnored;
  Counted counted = Counted::kNotCounted;
  uint32_t earned_calls = 0;  // First attempts that succeeded: to deposit in the retry budget.
  std::optional<RetryAdvice> retry = {};  // Of a call with a permit that failed.
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_CALL_H_
