#ifndef FUSEBOX_CORE_RETRY_ESTIMATE_H_
#define FUSEBOX_CORE_RETRY_ESTIMATE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/outcome.h"
#include "core/tick.h"

namespace fusebox {

// How likely a retry succeeds, learned from what became of everybody's attempts at one breaker.
//
//   probability = up * worth, at most 0.999
//
//   up    = (successes + 0.5) / (calls + 1)
//   worth = (retries that succeeded + 4) / (retries that first attempts said should + 4)
//
// `up` is how the dependency is just now: the share of first attempts that succeeded, of the last
// 100ms (as a half-life) or of the last 8 or so, whichever are more. Alone they fade with a
// half-life of 30s. The prior is a Beta distribution of mean 0.5 and the weight of one call.
//
// `worth` is what a retry after this outcome (FAILURE, TIMEOUT, RATE_LIMITED) at this attempt
// number (2, 3, 4 and more) is worth, beside a first attempt. Each retry is paired with the next
// first attempt that ends, whoever made it: was that one a success, then the retry should have
// been. So an outage, in which both fail, says nothing against retries, and they are likely again
// with the first calls that succeed; but a retry that fails where others succeed counts against its
// kind. It is a ratio of observed to expected successes as under indirect standardisation, shrunk
// to 1 by a Gamma prior of the weight of 4 (D. Clayton and J. Kaldor, Biometrics 43, 1987). Its
// evidence weighs at most 64, and fades with a half-life of 5 minutes.
//
// Time is an argument and never goes back. O(1), 256 bytes. Not thread-safe.
class RetryEstimate {
 public:
  // `calls` first attempts ended alike: with IsSuccess(outcome), or with IsFailure(outcome). What
  // is neither says nothing.
  void LearnFirst(bool success, uint32_t calls, Tick now);

  // Retries ended: so many succeeded and so many failed. `attempt`, 2 or more, is their number;
  // `previous`, a failure, is how the attempt before each of them ended.
  void LearnRetries(Outcome previous, uint32_t attempt, uint32_t succeeded, uint32_t failed);

  // Of attempt `attempt`, 2 or more, after one that ended with `previous`, a failure. Above 0,
  // below 1.
  double Probability(Outcome previous, uint32_t attempt, Tick now) const;

  // Whether all evidence has faded, so that forgetting this estimate would change nothing.
  bool IsBlank(Tick now) const;

 private:
  // Weights of first attempts.
  struct Recent {
    double calls = 0;
    double successes = 0;
  };
  // Of one outcome and attempt number.
  struct Kind {
    double succeeded = 0;
    double expected = 0;
    uint8_t unpaired = 0;            // Retries that wait for a first attempt to end;
    uint8_t unpaired_succeeded = 0;  // and how many of them succeeded.
  };

  static size_t IndexOf(Outcome previous, uint32_t attempt);
  Recent RecentAt(Tick now) const;
  void Pair(bool first_succeeded, Tick now);

  Recent recent_;
  Tick recent_since_;  // When the weights were as they are written down;
  Tick kinds_since_;   // and of the kinds'.
  bool unpaired_ = false;
  std::array<Kind, 9> kinds_;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_RETRY_ESTIMATE_H_
