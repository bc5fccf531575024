#ifndef FUSEBOX_CORE_TALLY_H_
#define FUSEBOX_CORE_TALLY_H_

#include <algorithm>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "core/outcome.h"
#include "core/reason.h"

namespace fusebox {

// How several calls of one client ended, but for IGNORED ones. Views live as long as it does.
struct OutcomeCounts {
  uint32_t successes = 0;
  uint32_t caller_errors = 0;
  uint32_t failures = 0;
  uint32_t timeouts = 0;
  uint32_t rate_limited = 0;
  uint32_t slow = 0;               // Of them all.
  uint32_t trailing_failures = 0;  // Failures and timeouts after the last that succeeded.
  std::optional<absl::Duration> retry_after = {};  // What the dependency last asked for.
  absl::string_view client = {};                   // Who called.

  // As IsSuccess() and IsFailure() say.
  uint32_t Succeeded() const { return successes + caller_errors; }
  uint32_t Failed() const { return failures + timeouts + rate_limited; }
  uint32_t Calls() const { return Succeeded() + Failed(); }
  // How many failures there are in a row at the end of it, if `before` it there were so many.
  uint64_t RunAfter(uint32_t before) const {
    return Succeeded() > 0 ? trailing_failures : uint64_t{before} + failures + timeouts;
  }
};

// What calls of one breaker came to that needed no permit, summed up by who made them. Views live
// as long as the tally.
struct Tally {
  // Retries of one kind.
  struct Retries {
    Outcome previous = Outcome::kFailure;  // How the attempt before had ended: a failure.
    uint32_t attempt = 2;                  // 2, 3, or 4 and more.
    uint32_t succeeded = 0;
    uint32_t failed = 0;
  };
  // Calls that were refused for one reason.
  struct Refusals {
    Reason reason = Reason::kOpen;
    uint32_t calls = 0;
  };

  OutcomeCounts outcomes = {};
  uint64_t epoch = 0;                                     // In which they were allowed; 0: any.
  uint32_t timed = 0;                                     // Of the calls,
  absl::Duration latency = {};                            // and how long these took together.
  absl::Span<const absl::Duration> latency_samples = {};  // Of some that succeeded, drawn evenly.
  absl::Span<const Retries> retries = {};                 // Those of the calls that were retries.
  absl::Span<const Refusals> refusals = {};               // Of further calls, that were not made.

  // Of first attempts.
  uint32_t FirstSuccesses() const {
    uint32_t first = outcomes.Succeeded();
    for (const Retries& kind : retries) first -= std::min(first, kind.succeeded);
    return first;
  }
  uint32_t FirstFailures() const {
    uint32_t first = outcomes.Failed();
    for (const Retries& kind : retries) first -= std::min(first, kind.failed);
    return first;
  }
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_TALLY_H_
