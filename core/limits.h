#ifndef FUSEBOX_CORE_LIMITS_H_
#define FUSEBOX_CORE_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "core/bulkhead.h"
#include "core/call.h"
#include "core/idempotency_keys.h"
#include "core/permit_id.h"
#include "core/policy.h"
#include "core/prefetch.h"
#include "core/rate_limit.h"
#include "core/retry_budget.h"
#include "core/tick.h"
#include "core/waiters.h"

namespace fusebox {

// Why a call is refused by another part than the breaker.
struct Refusal {
  Reason reason = Reason::kNone;
  absl::Duration retry_after = {};
  std::optional<IdempotencyKeys::Begun> first = {};  // Of a duplicate.
  bool waits = false;  // No refusal: it stands in the queue for what `reason` says.
};

// Where the parts stand that the policy switches on.
struct RateLimitStatus {
  uint32_t available = 0;
  uint64_t granted = 0;
  uint64_t refused = 0;
};
struct BulkheadStatus {
  uint32_t in_use = 0;
  uint32_t max_concurrent = 0;
  uint64_t granted = 0;
  uint64_t refused = 0;
  uint64_t expired = 0;
};
struct IdempotencyStatus {
  uint32_t keys = 0;
  uint64_t begun = 0;
  uint64_t duplicates = 0;
  uint64_t refused = 0;
};

// What bounds the calls of one breaker besides the breaker itself; parts that are off cost nothing.
//
//   idempotency keys -> queue -> bulkhead -> rate limit -> private retry budget (for extra calls)
//
// A call takes from all of them or from none: what refuses spends nothing, and what was taken
// before it is given back, in reverse. The order is from what says most about this very call to
// what says least. A duplicate must not be made however much room there is. A place in the bulkhead
// comes before a token, since giving a place back is always exact, and a token may be gone. The
// budget comes last: it is the only one that cannot give back.
//
// A call that may wait, and that the bulkhead or the rate limit has nothing for, stands in the
// queue and holds nothing. While anybody does, whoever comes is behind them, whatever is free.
//
// Time is an argument and never goes back. Not thread-safe.
class Limits {
 public:
  // The refusal, or nothing if the call may be made; `permit` is new. Or else it waits, and has
  // taken nothing.
  std::optional<Refusal> Take(const Policy& policy, const Question& question, PermitId permit,
                              Tick now);

  // The call of `permit`, which took at `taken`, is not made after all. For calls that took no
  // private retry budget.
  void GiveBack(const Policy& policy, PermitId permit, Tick taken, Tick now);

  // The call of `permit` ended. To be told once.
  // With `unsent`, a key is as if the call had never begun.
  void End(const Policy& policy, PermitId permit, Outcome outcome, bool unsent, Tick now);

  // The place of `permit` in the bulkhead, if it still has one.
  void FreePlace(PermitId permit, Tick now);

  // `calls` first attempts succeeded: deposits in the private retry budget.
  void Earn(const Policy& policy, uint32_t calls, Tick now);

  // Whether the private retry budget holds a retry.
  bool HoldsRetry(const Policy& policy, Tick now);

  // Whoever is to be asked anew: their time is over, or it is their turn. `settled` says that the
  // breaker's answer needs nothing from here, so that nobody has to wait for it.
  std::optional<Waiters::Left> NextToAsk(const Policy& policy, bool settled, Tick now);
  // When there may be one, unless what is taken comes back before.
  Tick NextTurn(const Policy& policy, bool settled, Tick now);
  // Whoever waits, as if their time were over.
  std::optional<Waiters::Left> TakeAnyWaiter();
  // Takes one out of the queue. False if it does not stand there.
  bool CancelWait(uint64_t id) { return waiters() != nullptr && waiters()->Cancel(id); }
  size_t waiting() const { return waiters() == nullptr ? 0 : waiters()->size(); }

  // Starts over, but for what is out: leases and keys.
  void Reset();

  void ChangePolicy(const Policy& from, const Policy& to, Tick now);

  // Forgets parts that hold nothing. True if it did.
  bool Trim(const Policy& policy, Tick now);

  // Has the processor fetch what Take() and End() read first.
  void Prefetch() const {
    if (switched_ != nullptr) PrefetchAll(*switched_);
  }
  // The same of Earn() and HoldsRetry().
  void PrefetchBudget() const {
    if (budget_ != nullptr) PrefetchAll(*budget_);
  }

  // Whether this call takes anything from here.
  static bool Concern(const Policy& policy, const Question& question);
  static bool HasPrivateBudget(const Policy& policy) { return policy.shared_retry_budget.empty(); }

  // Whether forgetting it would lose sight of a call that is out or was made, or give back what was
  // spent before its time.
  bool IsHolding(const Policy& policy, Tick now);

  // IdempotencyKeys::RefuseDuplicate() of the question's key, if it has one.
  std::optional<IdempotencyKeys::Begun> RefuseDuplicate(const Policy& policy,
                                                        const Question& question, Tick now);

  // For showing; absent if it is off.
  std::optional<RateLimitStatus> RateLimitAt(const RateLimitPolicy& policy, Tick now) const;
  std::optional<BulkheadStatus> BulkheadAt(const BulkheadPolicy& policy, Tick now);
  std::optional<IdempotencyStatus> IdempotencyAt(const IdempotencyPolicy& policy, Tick now);
  // Null if it was not needed so far.
  RetryBudget* budget() { return budget_.get(); }

 private:
  // The parts that only a policy switches on; each comes with its first use. The two that meet
  // every call are in one piece of memory.
  struct Switched {
    std::optional<Bulkhead> bulkhead;
    std::optional<RateLimit> rate_limit;
    std::unique_ptr<IdempotencyKeys> keys;
    std::unique_ptr<Waiters> waiters;

    bool IsEmpty() const {
      return !bulkhead.has_value() && !rate_limit.has_value() && keys == nullptr &&
             waiters == nullptr;
    }
  };

  std::optional<Refusal> TakeKey(const Policy& policy, const Question& question, PermitId permit,
                                 Tick now);
  std::optional<Refusal> TakeRoom(const Policy& policy, const Question& question, PermitId permit,
                                  Tick now);
  std::optional<Reason> WhatLacks(const Policy& policy, Tick now);
  std::optional<Refusal> QueueUp(const Policy& policy, const Question& question, Tick now);
  bool Enqueue(const Policy& policy, const Question& question, Tick now);
  Refusal RefuseFor(const Policy& policy, Reason reason, Tick now);
  std::optional<Refusal> TakePlace(const Policy& policy, const Question& question, PermitId permit,
                                   Tick now);
  std::optional<Refusal> TakeToken(const Policy& policy, Tick now);
  std::optional<Refusal> TakeRetry(const Policy& policy, const Question& question, Tick now);

  // Null if it was not needed so far.
  template <typename Part>
  static Part* PointerTo(std::optional<Part>& part) {
    return part.has_value() ? &*part : nullptr;
  }
  IdempotencyKeys* keys() const { return switched_ ? switched_->keys.get() : nullptr; }
  Bulkhead* bulkhead() const { return switched_ ? PointerTo(switched_->bulkhead) : nullptr; }
  RateLimit* rate_limit() const { return switched_ ? PointerTo(switched_->rate_limit) : nullptr; }
  Waiters* waiters() const { return switched_ ? switched_->waiters.get() : nullptr; }

  bool TrimSwitched(const Policy& policy, Tick now);
  void DropSwitchedIfEmpty();
  Switched& EnsureSwitched();
  IdempotencyKeys& EnsureKeys();
  Bulkhead& EnsureBulkhead(const Policy& policy);
  RateLimit& EnsureRateLimit(const Policy& policy, Tick now);
  Waiters& EnsureWaiters();
  RetryBudget& EnsureBudget(const Policy& policy, Tick now);

  // Most breakers have a budget and nothing else.
  std::unique_ptr<RetryBudget> budget_;
  std::unique_ptr<Switched> switched_;
};

// After how long what a call holds comes back by itself, if its holder dies; 0 if it holds nothing.
absl::Duration LeaseOf(const Policy& policy, const Question& question);

}  // namespace fusebox

#endif  // FUSEBOX_CORE_LIMITS_H_
