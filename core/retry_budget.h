#ifndef FUSEBOX_CORE_RETRY_BUDGET_H_
#define FUSEBOX_CORE_RETRY_BUDGET_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "core/policy.h"
#include "core/tick.h"

namespace fusebox {

// How many retries may be spent, so that retries fade in an outage instead of feeding it.
//
//   balance = min_retries_per_second * window              the reserve
//           + retry_ratio per first attempt that succeeded in the window
//           - 1 per retry granted in the window
//
// Counted in thousandths of a retry, so that every ratio in thousandths is exact. Deposits and
// withdrawals age out together, in ten slots whose boundaries are multiples of a tenth of the
// window. The rule is Finagle's RetryBudget (twitter.github.io/finagle/guide/Clients.html), but
// deposits are made on success and not on send.
//
// Time is an argument and never goes back. Not thread-safe: the owner serialises calls.
class RetryBudget {
 public:
  static constexpr int64_t kOneRetry = 1000;

  RetryBudget(const RetryBudgetPolicy& policy, Tick now);

  // `calls` first attempts succeeded.
  void Deposit(const RetryBudgetPolicy& policy, uint32_t calls, Tick now);

  // Spends one retry, if the balance holds one.
  bool TryWithdraw(const RetryBudgetPolicy& policy, Tick now);

  // How long after a refusal a further retry may be granted at the earliest: when a slot ages out.
  static absl::Duration RetryAfter(const RetryBudgetPolicy& policy) {
    return policy.window / static_cast<int64_t>(kSlots);
  }

  // In thousandths of a retry. Negative when deposits aged out before what they paid for.
  int64_t Balance(const RetryBudgetPolicy& policy, Tick now);

  // Goes on under other numbers: recomputes the reserve; what was deposited and spent stays, and
  // for a changed window enters the newest slot.
  void ChangePolicy(const RetryBudgetPolicy& from, const RetryBudgetPolicy& to, Tick now);

  uint64_t spent() const { return spent_; }
  uint64_t refused() const { return refused_; }

  // Whether forgetting this budget would change nothing.
  bool IsBlank(const RetryBudgetPolicy& policy, Tick now);

 private:
  static constexpr size_t kSlots = 10;

  static int64_t SlotWidth(const RetryBudgetPolicy& policy);
  void Advance(const RetryBudgetPolicy& policy, Tick now);
  int64_t& Newest() { return slots_[head_]; }

  int64_t head_end_;  // Where the newest slot ends, in nanoseconds.
  size_t head_ = 0;
  std::array<int64_t, kSlots> slots_{};  // Deposits less withdrawals.
  uint64_t spent_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_RETRY_BUDGET_H_
