// The control plane: policies, and looking at breakers.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/name.h"
#include "server/engine/engine.h"

namespace fusebox {

absl::StatusOr<std::shared_ptr<const PolicySet>> Engine::CheckPolicies(
    const std::vector<Policy>& policies, const std::vector<NamedBudget>& budgets) {
  for (const Policy& policy : policies) {
    const std::string& wanted = policy.shared_retry_budget;
    const bool known =
        wanted.empty() || std::any_of(budgets.begin(), budgets.end(),
                                      [&](const NamedBudget& b) { return b.name == wanted; });
    if (known) continue;
    return MakeError(absl::StatusCode::kInvalidArgument, "RETRY_BUDGET_UNKNOWN",
                     absl::StrCat("policy \"", policy.name, "\": shared_retry_budget is \"", wanted,
                                  "\", which does not exist; define it or name another"),
                     "shared_retry_budget");
  }
  return PolicySet::Make(policies);
}

absl::Status Engine::SetPolicies(const std::vector<Policy>& policies,
                                 const std::vector<NamedBudget>& budgets) {
  absl::StatusOr<std::shared_ptr<const PolicySet>> set = CheckPolicies(policies, budgets);
  if (!set.ok()) return set.status();
  MutexLock configure(&configure_mutex_);
  budgets_.Set(budgets, clock_.Now());
  rules_.Set(*std::move(set));
  return absl::OkStatus();
}

absl::StatusOr<BreakerView> Engine::Get(absl::string_view breaker) {
  const Tick now = clock_.Now();
  Aftermath aftermath;
  LockedBreaker entry = Enter(breaker, now, aftermath);
  if (entry) return View(std::move(entry), now, std::move(aftermath));
  return NoSuchBreaker(breaker);
}

BreakerView Engine::View(LockedBreaker entry, Tick now, Aftermath aftermath) {
  BreakerView view{.name = std::string(entry->name()), .ruling = entry->ruling};
  const uint32_t revision = entry->guard.revision();
  view.snapshot = entry->guard.TakeSnapshot(*entry->ruling, now, numbers_, aftermath.transitions);
  Leave(*entry, revision, aftermath);
  entry.Unlock();

  Publish(view.name, aftermath);
  view.policy_match = std::string(rules_.policies()->MatchingGlob(view.name));
  const std::string& shared = view.ruling->policy.shared_retry_budget;
  if (shared.empty()) {
    view.budget = {.balance = view.snapshot.budget_balance,
                   .spent = view.snapshot.budget_spent,
                   .refused = view.snapshot.budget_refused};
  } else {
    view.budget = budgets_.Status(shared, now);
  }
  return view;
}

std::vector<BreakerView> Engine::List(const Glob& match, size_t limit, Slot& cursor,
                                      const MaySee& may_see) {
  constexpr size_t kLooksPerBreaker = 64;
  const Tick now = clock_.Now();
  std::vector<BreakerView> views;
  for (size_t looks = 0; looks < limit * kLooksPerBreaker && views.size() < limit; ++looks) {
    if (IsListed(cursor)) break;
    const Slot slot = cursor++;
    std::string name;
    if (const LockedBreaker entry = registry_.At(slot)) name = std::string(entry->name());
    if (name.empty() || !match.Matches(name)) continue;
    if (may_see != nullptr && !may_see(name)) continue;
    Aftermath aftermath;
    LockedBreaker entry = Enter(name, now, aftermath, slot);
    if (!entry) continue;
    const bool here = entry->slot() == slot;
    BreakerView view = View(std::move(entry), now, std::move(aftermath));
    if (here) views.push_back(std::move(view));
  }
  return views;
}

absl::StatusOr<std::shared_ptr<ChangedNames>> Engine::Watch(Glob glob, std::function<void()> wake,
                                                            absl::string_view resume_token) {
  return watch_hub_.Watch(std::move(glob), std::move(wake), resume_token);
}

}  // namespace fusebox
