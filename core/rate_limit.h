#ifndef FUSEBOX_CORE_RATE_LIMIT_H_
#define FUSEBOX_CORE_RATE_LIMIT_H_

#include <cstdint>
#include <limits>

#include "absl/numeric/int128.h"
#include "absl/time/time.h"
#include "core/policy.h"
#include "core/tick.h"

namespace fusebox {

// How many calls may be made per time: a bucket of `burst` tokens that fills evenly, with `rate`
// tokens in each `per`.
//
//   interval  = per / rate                   what it takes a token to come back
//   tolerance = (burst - 1) * interval
//   arrival   = when the bucket is full again, were nothing more taken
//
//   a token is there at `now`   if   arrival <= now + tolerance
//   to take it:                      arrival = max(arrival, now) + interval
//
// So any stretch of time, of length t and with both of its ends, grants at most
// burst + t * rate / per. The rule is the Generic Cell Rate Algorithm in its virtual scheduling
// form (ITU-T I.371, ATM Forum Traffic Management 4.0). Times are kept in units of 1 / rate ns, in
// which all of the above are whole numbers: 3 per second or 7 per minute lose nothing to rounding.
//
//   RateLimit limit(policy, now);            // 10 per 1s: full, with 10 tokens
//   limit.TryTake(policy, now)               // {.taken = true}, ten times; then
//                                            // {.taken = false, .retry_after = 100ms}
//
// Who waits for a token holds none. The owner keeps a WaitQueue, refuses at once who would wait too
// long, by Wait(), and lets the first of the queue TryTake() when its time has come. So those
// behind one who gives up move up by themselves, and a timer that is late cannot bunch up calls, as
// it could if tokens were promised for a time to come.
//
// For policies that are on. Time is an argument and never goes back. Every operation is O(1). Not
// thread-safe: the owner serialises calls.
class RateLimit {
 public:
  struct Answer {
    bool taken = false;
    // When refused: exactly how long until a call is granted, if no other one is before.
    absl::Duration retry_after = {};
  };

  // Starts full.
  RateLimit(const RateLimitPolicy& policy, Tick now);

  Answer TryTake(const RateLimitPolicy& policy, Tick now);

  // The call whose token was taken at `taken` was not made: as if the token had never been taken.
  // Never gives too much: if, at a later tick, another one was taken out of a bucket that was less
  // than one token away from full (or were, without what was given back since), then some of this
  // one may have come back by itself, and nothing is given back. Nor is it if the token was taken
  // from another bucket, which this one has replaced.
  void GiveBack(const RateLimitPolicy& policy, Tick taken);

  // How long until a call is granted that has `ahead` others before it, each of them made as soon
  // as it can be. With a burst of 1 up to 1 ns short for each of them, since they keep whole ns
  // apart.
  absl::Duration Wait(const RateLimitPolicy& policy, uint32_t ahead, Tick now) const;

  // Whether nothing is missing from the bucket.
  bool IsFull(const RateLimitPolicy& policy, Tick now) const { return Spent(policy, now) == 0; }

  // How many calls would be granted now.
  uint32_t Available(const RateLimitPolicy& policy, Tick now) const;

  // Goes on under other numbers: what share of the burst is spent stays.
  void ChangePolicy(const RateLimitPolicy& from, const RateLimitPolicy& to, Tick now);

  uint64_t granted() const { return granted_; }  // Less what was given back.
  // As if TryTake() had refused.
  void CountRefusal() { ++refused_; }
  uint64_t refused() const { return refused_; }

  // Whether forgetting it would change nothing.
  bool IsBlank(const RateLimitPolicy& policy, Tick now) const;

 private:
  static constexpr int64_t kNothingTaken = std::numeric_limits<int64_t>::max();

  // What is missing from a full bucket, in 1 / rate ns.
  absl::int128 Spent(const RateLimitPolicy& policy, Tick now) const;
  void NoteTake(const RateLimitPolicy& policy, Tick now);

  absl::int128 arrival_;  // In 1 / rate ns.
  uint64_t granted_ = 0;
  uint64_t refused_ = 0;
  Tick born_;

  // A token may be given back if each take at a later tick found at least one token spent. That is
  // so for those taken at `exact_since_` or later: the least that a take after that tick found
  // spent is `least_spent_`.
  int64_t least_spent_ = kNothingTaken;
  Tick exact_since_;
  Tick latest_;  // Of all takes.
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_RATE_LIMIT_H_
