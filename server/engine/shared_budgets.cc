#include "server/engine/shared_budgets.h"

#include <utility>

namespace fusebox {

void SharedBudgets::Set(const std::vector<NamedBudget>& budgets, Tick now) {
  absl::flat_hash_map<std::string, std::shared_ptr<Budget>> next;
  for (const NamedBudget& named : budgets) {
    std::shared_ptr<Budget> budget = Find(named.name);
    if (budget == nullptr) {
      budget = std::make_shared<Budget>(named.policy, now);
    } else {
      MutexLock lock(&budget->mutex);
      budget->budget.ChangePolicy(budget->policy, named.policy, budget->Enter(now));
      budget->unspent.ChangePolicy(budget->policy, named.policy, budget->latest);
      budget->policy = named.policy;
    }
    next[named.name] = std::move(budget);
  }
  MutexLock lock(&mutex_);
  budgets_.swap(next);
}

std::shared_ptr<SharedBudgets::Budget> SharedBudgets::Find(absl::string_view name) {
  MutexLock lock(&mutex_);
  const auto found = budgets_.find(name);
  return found == budgets_.end() ? nullptr : found->second;
}

bool SharedBudgets::TryWithdraw(absl::string_view name, Tick now) {
  const std::shared_ptr<Budget> budget = Find(name);
  if (budget == nullptr) return false;
  MutexLock lock(&budget->mutex);
  return budget->budget.TryWithdraw(budget->policy, budget->Enter(now));
}

bool SharedBudgets::HoldsRetry(absl::string_view name, Tick now) {
  const std::shared_ptr<Budget> budget = Find(name);
  if (budget == nullptr) return false;
  MutexLock lock(&budget->mutex);
  return budget->budget.Balance(budget->policy, budget->Enter(now)) >= RetryBudget::kOneRetry;
}

absl::Duration SharedBudgets::RetryAfter(absl::string_view name) {
  const std::shared_ptr<Budget> budget = Find(name);
  if (budget == nullptr) return RetryBudget::RetryAfter({});
  MutexLock lock(&budget->mutex);
  return RetryBudget::RetryAfter(budget->policy);
}

void SharedBudgets::Deposit(absl::string_view name, uint32_t calls, Tick now) {
  const std::shared_ptr<Budget> budget = Find(name);
  if (budget == nullptr) return;
  MutexLock lock(&budget->mutex);
  budget->budget.Deposit(budget->policy, calls, budget->Enter(now));
  budget->unspent.Deposit(budget->policy, calls, budget->latest);
}

BudgetStatus SharedBudgets::Status(absl::string_view name, Tick now) {
  BudgetStatus status{.name = std::string(name)};
  const std::shared_ptr<Budget> budget = Find(name);
  if (budget == nullptr) return status;
  MutexLock lock(&budget->mutex);
  status.balance = budget->budget.Balance(budget->policy, budget->Enter(now));
  status.spent = budget->budget.spent();
  status.refused = budget->budget.refused();
  status.capacity = budget->unspent.Balance(budget->policy, budget->latest);
  return status;
}

std::vector<BudgetStatus> SharedBudgets::All(Tick now) {
  std::vector<std::string> names;
  {
    MutexLock lock(&mutex_);
    for (const auto& [name, budget] : budgets_) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  std::vector<BudgetStatus> all;
  for (const std::string& name : names) all.push_back(Status(name, now));
  return all;
}

}  // namespace fusebox
