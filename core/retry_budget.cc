#include "core/retry_budget.h"

#include <algorithm>
#include <numeric>

namespace fusebox {
namespace {

int64_t Reserve(const RetryBudgetPolicy& policy) {
  const int64_t per_second = policy.min_retries_per_second * RetryBudget::kOneRetry;
  return absl::ToInt64Milliseconds(policy.window) * per_second / 1000;
}

int64_t DepositPerCall(const RetryBudgetPolicy& policy) {
  constexpr int64_t kMillionthsPerThousandth = 1000;
  return (policy.retry_ratio.millionths() + kMillionthsPerThousandth / 2) /
         kMillionthsPerThousandth;
}

}  // namespace

RetryBudget::RetryBudget(const RetryBudgetPolicy& policy, Tick now)
    : head_end_((now.nanos() / SlotWidth(policy) + 1) * SlotWidth(policy)) {}

int64_t RetryBudget::SlotWidth(const RetryBudgetPolicy& policy) {
  return absl::ToInt64Nanoseconds(policy.window) / static_cast<int64_t>(kSlots);
}

void RetryBudget::Advance(const RetryBudgetPolicy& policy, Tick now) {
  if (now.nanos() < head_end_) return;
  const int64_t steps = (now.nanos() - head_end_) / SlotWidth(policy) + 1;
  head_end_ += steps * SlotWidth(policy);
  for (int64_t i = 0; i < std::min(steps, static_cast<int64_t>(kSlots)); ++i) {
    head_ = (head_ + 1) % kSlots;
    slots_[head_] = 0;
  }
}

void RetryBudget::Deposit(const RetryBudgetPolicy& policy, uint32_t calls, Tick now) {
  Advance(policy, now);
  // Far above any traffic; keeps the sum of all slots from wrapping around.
  constexpr int64_t kFull = int64_t{1} << 56;
  Newest() = std::min(kFull, Newest() + DepositPerCall(policy) * calls);
}

int64_t RetryBudget::Balance(const RetryBudgetPolicy& policy, Tick now) {
  Advance(policy, now);
  return std::accumulate(slots_.begin(), slots_.end(), Reserve(policy));
}

bool RetryBudget::TryWithdraw(const RetryBudgetPolicy& policy, Tick now) {
  if (Balance(policy, now) < kOneRetry) {
    ++refused_;
    return false;
  }
  Newest() -= kOneRetry;
  ++spent_;
  return true;
}

void RetryBudget::ChangePolicy(const RetryBudgetPolicy& from, const RetryBudgetPolicy& to,
                               Tick now) {
  Advance(from, now);
  if (from.window == to.window) return;
  const int64_t sum = std::accumulate(slots_.begin(), slots_.end(), int64_t{0});
  slots_.fill(0);
  head_end_ = (now.nanos() / SlotWidth(to) + 1) * SlotWidth(to);
  Newest() = sum;
}

bool RetryBudget::IsBlank(const RetryBudgetPolicy& policy, Tick now) {
  Advance(policy, now);
  return spent_ == 0 && refused_ == 0 &&
         std::all_of(slots_.begin(), slots_.end(), [](int64_t slot) { return slot == 0; });
}

}  // namespace fusebox
