#ifndef FUSEBOX_CORE_EXPERIENCE_H_
#define FUSEBOX_CORE_EXPERIENCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "core/classification.h"
#include "core/latency_sketch.h"
#include "core/outcome_window.h"
#include "core/policy.h"
#include "core/retry_advice.h"
#include "core/retry_estimate.h"
#include "core/tally.h"
#include "core/tick.h"

namespace fusebox {

// What one call, or several alike, taught.
struct Lesson {
  Outcome outcome = Outcome::kSuccess;
  std::optional<absl::Duration> latency = {};
  uint32_t calls = 1;
  uint32_t attempt = 1;
  std::optional<Outcome> previous_failure = {};  // Of a retry; without it nothing is learned.
};

// What the calls of one breaker taught about retries and about latencies. Learns nothing of retries
// before the first failure, and nothing of latencies unless the policy hedges by a percentile, so
// that a healthy breaker costs no memory.
//
// Time is an argument and never goes back. Not thread-safe.
class Experience {
 public:
  void Learn(const Policy& policy, const Lesson& lesson, Tick now);

  // The same of calls that were summed up. In which order they ended is not known: retries are
  // paired with the last of them.
  void Learn(const Policy& policy, const Tally& tally, Tick now);

  // Whether somebody without any would begin to learn with this.
  static bool IsWorthIt(const Policy& policy, const Lesson& lesson);
  static bool IsWorthIt(const Policy& policy, const Tally& tally);

  // Whether to make another attempt after one that failed. `inputs` without what is known here: the
  // last minute and the probability.
  RetryAdvice Advise(const RetryPolicy& policy, RetryInputs inputs, Tick now);

  // How likely attempt `attempt` succeeds after one that ended with `previous`.
  double Probability(Outcome previous, uint32_t attempt, Tick now) const;

  // That of every kind of retry; empty before the first failure.
  struct Estimate {
    Outcome previous = Outcome::kFailure;
    uint32_t attempt = 2;  // 4: and all later ones.
    double probability = 0;
  };
  std::vector<Estimate> Estimates(Tick now) const;

  // HedgeDelay()'s.
  std::optional<absl::Duration> HedgeDelayAt(const HedgePolicy& policy, Tick now) {
    return HedgeDelay(policy, latencies_.has_value() ? &*latencies_ : nullptr, now);
  }

  // Forgets what has faded or is not asked for. True if it did.
  bool Trim(const Policy& policy, Tick now);

  bool IsBlank() const { return retries_ == nullptr && !latencies_.has_value(); }

 private:
  struct Retries {
    explicit Retries(Tick now) : last_minute(absl::Minutes(1), now) {}

    TimeWindow last_minute;
    RetryEstimate estimate;
  };

  void LearnRetries(const Lesson& lesson, Tick now);
  void LearnRetries(const Tally& tally, Tick now);
  Retries& EnsureRetries(Tick now);

  std::unique_ptr<Retries> retries_;
  std::optional<LatencySketch> latencies_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_EXPERIENCE_H_
