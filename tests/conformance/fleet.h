#ifndef FUSEBOX_TESTS_CONFORMANCE_FLEET_H_
#define FUSEBOX_TESTS_CONFORMANCE_FLEET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/guard.h"
#include "core/policy_set.h"
#include "core/retry_budget.h"
#include "fusebox/v1/admin.pb.h"
#include "fusebox/v1/breaker.pb.h"
#include "fusebox/v1/policy.pb.h"

namespace fusebox::conformance {

// The least that can run the vectors: core's guards by name, under policies, with shared budgets
// and a time that moves when told to. No server, no locks.
//
//   Fleet fleet(Tick::FromNanos(0));
//   fleet.SetPolicies(policies, {});
//   fleet.Allow(request);                  // the answer has the permit
//   fleet.Advance(absl::Seconds(30));
//
// Not thread-safe.
class Fleet : private TransitionSource {
 public:
  explicit Fleet(Tick start);

  // Moves time, and gives back memory wherever a server might: no answer may depend on that.
  void Advance(absl::Duration by);

  // Replaces all policies and shared budgets. Breakers follow on their next use. If something is
  // wrong with them, all stays as it was and the error names the first field at fault.
  absl::Status SetPolicies(const std::vector<v1::Policy>& policies,
                           const std::vector<v1::RetryBudget>& budgets);

  // Asks the breaker and then its fallbacks. Nobody waits here: `max_wait` counts for nothing.
  v1::AllowResponse Allow(const v1::AllowRequest& request);
  absl::StatusOr<v1::RecordResponse> Record(const v1::RecordRequest& request);
  absl::StatusOr<v1::RecordResponse> Record(const v1::BatchRecordItem& item,
                                            const std::string& client);
  v1::Breaker Get(const std::string& name);

  absl::Status SetOverride(const std::string& name, const v1::Override& override);
  void ClearOverride(const std::string& name) { Use(name).guard.SetOverride(nullptr); }

 private:
  struct Breaker {
    Guard guard;
    std::shared_ptr<const RulingPolicy> ruling;
  };
  struct SharedBudget {
    RetryBudgetPolicy policy;
    RetryBudget budget;
  };

  uint64_t NextEpoch() override { return ++epochs_; }
  uint64_t NextNumber() override { return ++numbers_; }
  uint64_t RandomBits() override { return random_(); }

  // The breaker of this name, created on first use, under the policy that rules it now.
  Breaker& Use(const std::string& name);
  // The budget that the policy shares; null if it has its own.
  SharedBudget* SharedBudgetOf(const RulingPolicy& ruling);
  v1::AllowResponse Ask(const std::string& name, const Question& question);
  // The answer of the first of them that knows the call's idempotency key, if one does.
  std::optional<v1::AllowResponse> FindDuplicate(const std::vector<std::string>& names,
                                                 const Question& question);
  v1::RecordResponse Record(const std::string& name, const Ending& ending);

  Tick now_;
  std::shared_ptr<const PolicySet> policies_;
  std::map<std::string, SharedBudget> budgets_;
  std::map<std::string, Breaker> breakers_;
  std::vector<Permit> permits_;  // A permit's bytes are its index here.
  uint64_t epochs_ = 0;
  uint64_t numbers_ = 0;
  std::mt19937_64 random_;  // With the standard's seed: the same run every time.
};

}  // namespace fusebox::conformance

#endif  // FUSEBOX_TESTS_CONFORMANCE_FLEET_H_
