#ifndef FUSEBOX_TESTS_CORE_REFERENCE_BUDGET_H_
#define FUSEBOX_TESTS_CORE_REFERENCE_BUDGET_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "core/policy.h"
#include "core/reference_calls.h"
#include "core/tick.h"

namespace fusebox {

// What the reference model knows of its retry budget: every deposit and every withdrawal, for ever.
class ReferenceBudget {
 public:
  void Deposit(const RetryBudgetPolicy& policy, uint32_t calls, Tick now) {
    money_.push_back({now, policy.retry_ratio.millionths() / 1'000 * calls});
  }

  bool TryWithdraw(const RetryBudgetPolicy& policy, Tick now) {
    if (Balance(policy, now) < 1'000) {
      ++refused_;
      return false;
    }
    money_.push_back({now, -1'000});
    ++spent_;
    return true;
  }

  int64_t Balance(const RetryBudgetPolicy& policy, Tick now) const {
    int64_t balance = absl::ToInt64Seconds(policy.window) * policy.min_retries_per_second * 1'000;
    for (const Money& money : money_) {
      if (IsRecent(money.time, now, policy.window)) balance += money.amount;
    }
    return balance;
  }

  // What the old window holds comes again, now.
  void ChangePolicy(const RetryBudgetPolicy& from, const RetryBudgetPolicy& to, Tick now) {
    if (from.window == to.window) return;
    std::erase_if(money_, [&](const Money& m) { return !IsRecent(m.time, now, from.window); });
    for (Money& money : money_) money.time = now;
  }

  uint64_t spent() const { return spent_; }
  uint64_t refused() const { return refused_; }

 private:
  struct Money {
    Tick time;
    int64_t amount;
  };

  std::vector<Money> money_;
  uint64_t spent_ = 0;
  uint64_t refused_ = 0;
};

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_CORE_REFERENCE_BUDGET_H_
