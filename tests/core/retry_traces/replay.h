#ifndef FUSEBOX_TESTS_CORE_RETRY_TRACES_REPLAY_H_
#define FUSEBOX_TESTS_CORE_RETRY_TRACES_REPLAY_H_

#include <algorithm>
#include <cstdint>
#include <queue>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "core/outcome_window.h"
#include "core/retry_advice.h"
#include "core/retry_estimate.h"
#include "core/retry_traces/trace.h"

namespace fusebox {

// What came of the retries that a policy permitted.
struct Retries {
  int useful = 0;   // Succeeded, which ends their call.
  int useless = 0;  // Failed.
};

// Lives through a trace in virtual time, with no breaker and an endless budget: of every call the
// first attempt, and the later ones as far as the policy permits them. Advice and estimate learn
// from what was made and from nothing else. Attempts are made when the trace made them, since
// nobody knows how they would have ended at another time.
class Replay {
 public:
  Replay(const RetryPolicy& policy, const Trace& trace, uint64_t seed)
      : policy_(policy), trace_(trace), random_(seed) {
    for (size_t call = 0; call < trace.size(); ++call) Make({call, 0});
    while (!ends_.empty()) {
      const Made made = ends_.top().second;
      now_ = ends_.top().first;
      ends_.pop();
      End(made);
    }
  }

  const Retries& retries() const { return retries_; }

 private:
  // An attempt that was made: which call's, and how many were made before it.
  using Made = std::pair<size_t, size_t>;

  const TracedCall::Attempt& Of(Made made) const {
    return trace_[made.first].attempts[made.second];
  }

  void Make(Made made) { ends_.emplace(Tick() + Of(made).ended, made); }

  void End(Made made) {
    const Outcome outcome = Of(made).outcome;
    const auto attempt = static_cast<uint32_t>(made.second + 1);
    Learn(made, attempt, IsSuccess(outcome));
    last_minute_.Add({.calls = 1, .failures = IsFailure(outcome) ? 1u : 0u}, now_);
    const RetryAdvice advice =
        Advise(policy_, {.outcome = outcome,
                         .attempt = attempt,
                         .last_minute = last_minute_.Counts(now_),
                         .success_probability = estimate_.Probability(outcome, attempt + 1, now_),
                         .random_bits = random_()});
    if (advice.permitted) Make({made.first, made.second + 1});
  }

  void Learn(Made made, uint32_t attempt, bool success) {
    if (attempt == 1) {
      estimate_.LearnFirst(success, 1, now_);
      return;
    }
    ++(success ? retries_.useful : retries_.useless);
    estimate_.LearnRetries(Of({made.first, made.second - 1}).outcome, attempt, success ? 1 : 0,
                           success ? 0 : 1);
  }

  const RetryPolicy& policy_;
  const Trace& trace_;
  std::mt19937_64 random_;
  Tick now_;
  std::priority_queue<std::pair<Tick, Made>, std::vector<std::pair<Tick, Made>>, std::greater<>>
      ends_;
  TimeWindow last_minute_{absl::Minutes(1), now_};
  RetryEstimate estimate_;
  Retries retries_;
};

// As everybody retries: three attempts, come what may.
inline RetryPolicy FixedPolicy() {
  return {.failure_rate_limit = Share(), .min_success_probability = Share()};
}

// What the adaptive policy (the default) changes, against the fixed one.
struct Comparison {
  Retries fixed;
  Retries adaptive;

  double useless_saved() const { return Less(fixed.useless, adaptive.useless); }
  double useful_lost() const { return Less(fixed.useful, adaptive.useful); }

 private:
  static double Less(int before, int after) {
    return before == 0 ? 0 : static_cast<double>(before - after) / before;
  }
};

inline Comparison Compare(const Trace& trace, uint64_t seed) {
  return {Replay(FixedPolicy(), trace, seed).retries(),
          Replay(RetryPolicy(), trace, seed).retries()};
}

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_RETRY_TRACES_REPLAY_H_
