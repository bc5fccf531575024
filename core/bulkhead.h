#ifndef FUSEBOX_CORE_BULKHEAD_H_
#define FUSEBOX_CORE_BULKHEAD_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/container/btree_set.h"
#include "absl/time/time.h"
#include "core/leases.h"
#include "core/permit_id.h"
#include "core/policy.h"
#include "core/tick.h"

namespace fusebox {

// How many calls may be out at once, so that a slow dependency cannot take every thread of its
// callers with it.
//
//   TryTake -- a lease --> Return             the call ended
//                      --> GiveBack           it was never made
//                      --> lease_timeout      its holder died: the place comes back by itself
//
// A lease belongs to one permit, over epochs. It ends once: what comes for it later frees nothing.
// The timeout is the policy's of now and not of when a lease was taken, so that shortening it also
// frees what dead holders have; a holder may ask for a shorter one of its own. A lowered bound
// takes no lease away: no new one is granted until there are fewer than it.
//
// Whoever shall wait for a place stands in a WaitQueue. To ask whether its turn has come, without
// that counting as a refusal, there is IsFull().
//
// For policies that are on. Holds what Leases does, and 40 to 70 bytes more for each lease whose
// holder said how long. Time is an argument and never goes back; every operation first ends what
// has run out. All are O(log leases), amortized. Not thread-safe: the owner serialises calls.
class Bulkhead {
 public:
  explicit Bulkhead(const BulkheadPolicy& policy) : lease_timeout_(policy.lease_timeout) {}

  // False if every place is taken. `permit` is newer than all before it. `lease` is how long it
  // may hold it, if that is shorter than the policy's timeout is then.
  bool TryTake(const BulkheadPolicy& policy, PermitId permit, Tick now,
               absl::Duration lease = absl::InfiniteDuration());

  // The call of `permit` ended. False if it held no place: it never did, or does not any more.
  bool Return(PermitId permit, Tick now);

  // As if `permit` had never taken its place. False if it held none.
  bool GiveBack(PermitId permit, Tick now);

  // Whether TryTake() would refuse now.
  bool IsFull(const BulkheadPolicy& policy, Tick now);

  // When the next lease runs out, and ending those that have.
  Tick NextDeadline() const;
  void Advance(Tick now);

  // How long after a refusal to ask again. When a call ends cannot be known; soon, in any case.
  absl::Duration RetryAfter(Tick now) const;

  // Goes on under other numbers. What had run out by now, under the old ones, has ended.
  void ChangePolicy(const BulkheadPolicy& to, Tick now);

  // As of the last operation.
  size_t InUse() const { return leases_.size(); }

  uint64_t granted() const { return granted_; }  // Less what was given back.
  // As if TryTake() had refused.
  void CountRefusal() { ++refused_; }
  uint64_t refused() const { return refused_; }
  uint64_t expired() const { return expired_; }

  // Whether forgetting it would change nothing.
  bool IsBlank() const { return leases_.empty() && granted_ == 0 && refused_ == 0; }

 private:
  void ForgetOwnEnd(const Lease& lease);

  absl::Duration lease_timeout_;
  Leases leases_;
  absl::btree_set<std::pair<Tick, PermitId>> own_ends_;
  uint64_t granted_ = 0;
  uint64_t refused_ = 0;
  uint64_t expired_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_BULKHEAD_H_
