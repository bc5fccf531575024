#ifndef FUSEBOX_SERVER_ENGINE_SHARED_BUDGETS_H_
#define FUSEBOX_SERVER_ENGINE_SHARED_BUDGETS_H_

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "core/retry_budget.h"
#include "core/tick.h"
#include "server/sync/mutex.h"

namespace fusebox {

// What is left of a retry budget.
struct BudgetStatus {
  std::string name = {};
  int64_t balance = 0;  // In thousandths of a retry.
  uint64_t spent = 0;
  uint64_t refused = 0;
  int64_t capacity = 0;  // What the balance would be if nothing were spent. Of shared ones only.
};

// A named budget and its numbers.
struct NamedBudget {
  std::string name;
  RetryBudgetPolicy policy;
};

// The retry budgets that breakers share, by name. Each has a lock of its own; the map's lock is
// given back before. A name that is not there grants nothing and takes no deposits: whoever sets
// policies sees to it that they name budgets that exist. Thread-safe.
class SharedBudgets {
 public:
  // Replaces all. A budget whose name stays keeps what it holds.
  void Set(const std::vector<NamedBudget>& budgets, Tick now);

  bool TryWithdraw(absl::string_view name, Tick now);
  bool HoldsRetry(absl::string_view name, Tick now);
  // How long to stay away after a refusal.
  absl::Duration RetryAfter(absl::string_view name);
  void Deposit(absl::string_view name, uint32_t calls, Tick now);
  BudgetStatus Status(absl::string_view name, Tick now);
  std::vector<BudgetStatus> All(Tick now);

 private:
  struct Budget {
    Budget(const RetryBudgetPolicy& numbers, Tick now)
        : policy(numbers), budget(numbers, now), unspent(numbers, now), latest(now) {}

    // Time, clamped.
    Tick Enter(Tick now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
      return latest = std::max(latest, now);
    }

    Mutex mutex;
    RetryBudgetPolicy policy ABSL_GUARDED_BY(mutex);
    RetryBudget budget ABSL_GUARDED_BY(mutex);
    RetryBudget unspent ABSL_GUARDED_BY(mutex);  // The same, but that nobody spends of it.
    Tick latest ABSL_GUARDED_BY(mutex);
  };

  std::shared_ptr<Budget> Find(absl::string_view name);

  Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<Budget>> budgets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_ENGINE_SHARED_BUDGETS_H_
