#include "conformance/fleet.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"

namespace fusebox::conformance {
namespace {

// No vector looks at the wall clock; any time will do.
constexpr absl::Time kWallTime = absl::FromUnixSeconds(1'700'000'000);

}  // namespace

Fleet::Fleet(Tick start) : now_(start), policies_(PolicySet::Make({}).value()) {}

void Fleet::Advance(absl::Duration by) {
  now_ += by;
  for (auto& [name, breaker] : breakers_) {
    Transitions transitions;
    breaker.guard.Advance(*breaker.ruling, now_, *this, transitions);
    breaker.guard.Trim(*breaker.ruling, now_);
  }
}

absl::Status Fleet::SetPolicies(const std::vector<v1::Policy>& policies,
                                const std::vector<v1::RetryBudget>& budgets) {
  std::vector<FieldError> errors;
  std::vector<Policy> converted;
  for (const v1::Policy& policy : policies) converted.push_back(FromProto(policy, errors));
  std::map<std::string, SharedBudget> shared;
  for (const v1::RetryBudget& budget : budgets) {
    const RetryBudgetPolicy to = FromProto(budget.settings(), "settings.", errors);
    const auto old = budgets_.find(budget.name());
    SharedBudget entry =
        old == budgets_.end() ? SharedBudget{to, RetryBudget(to, now_)} : old->second;
    entry.budget.ChangePolicy(std::exchange(entry.policy, to), to, now_);
    shared.emplace(budget.name(), entry);
  }
  if (!errors.empty()) {
    return MakeError(absl::StatusCode::kInvalidArgument, "POLICY_INVALID", errors[0].message,
                     errors[0].field);
  }
  auto set = PolicySet::Make(converted);
  if (!set.ok()) return set.status();
  policies_ = *std::move(set);
  budgets_ = std::move(shared);
  return absl::OkStatus();
}

Fleet::Breaker& Fleet::Use(const std::string& name) {
  std::shared_ptr<const RulingPolicy> ruling = policies_->Match(name);
  auto found = breakers_.find(name);
  if (found == breakers_.end()) {
    found = breakers_.emplace(name, Breaker{Guard(NextEpoch(), now_), ruling}).first;
  }
  Breaker& breaker = found->second;
  if (breaker.ruling->policy != ruling->policy) {
    Transitions transitions;
    breaker.guard.ChangePolicy(*breaker.ruling, *ruling, now_, *this, transitions);
  }
  breaker.ruling = std::move(ruling);
  return breaker;
}

Fleet::SharedBudget* Fleet::SharedBudgetOf(const RulingPolicy& ruling) {
  const auto found = budgets_.find(ruling.policy.shared_retry_budget);
  return found == budgets_.end() ? nullptr : &found->second;
}

v1::AllowResponse Fleet::Allow(const v1::AllowRequest& request) {
  const Question question = *FromProto(request);
  std::vector<std::string> names = {request.breaker()};
  names.insert(names.end(), request.fallbacks().begin(), request.fallbacks().end());
  if (names.size() == 1) return Ask(names[0], question);
  if (auto duplicate = FindDuplicate(names, question)) return *std::move(duplicate);
  v1::AllowResponse first;
  google::protobuf::RepeatedPtrField<v1::Refusal> refused;
  for (const std::string& name : names) {
    v1::AllowResponse answer = Ask(name, question);
    if (answer.decision() != v1::DECISION_DENIED) {
      *answer.mutable_refused() = std::move(refused);
      return answer;
    }
    v1::Refusal& refusal = *refused.Add();
    refusal.set_breaker(name);
    refusal.set_reason(answer.reason());
    *refusal.mutable_retry_after() = answer.retry_after();
    if (refused.size() == 1) first = std::move(answer);
  }
  *first.mutable_refused() = std::move(refused);
  return first;
}

std::optional<v1::AllowResponse> Fleet::FindDuplicate(const std::vector<std::string>& names,
                                                      const Question& question) {
  for (const std::string& name : names) {
    const auto found = breakers_.find(name);
    if (found == breakers_.end()) continue;
    Transitions transitions;
    const auto refusal = found->second.guard.RefuseDuplicate(*found->second.ruling, question, now_,
                                                             *this, transitions);
    if (!refusal.has_value()) continue;
    v1::AllowResponse response;
    Show(*refusal, response);
    response.set_breaker(name);
    return response;
  }
  return std::nullopt;
}

v1::AllowResponse Fleet::Ask(const std::string& name, const Question& question) {
  Breaker& breaker = Use(name);
  Transitions transitions;
  Decision decision = breaker.guard.Acquire(*breaker.ruling, question, now_, *this, transitions);
  SharedBudget* shared = SharedBudgetOf(*breaker.ruling);
  // What SHADOW alone lets pass is refused as far as the budget can see: it spends nothing.
  const bool spends = decision.allowed && !decision.shadow_denied && question.IsExtra();
  if (shared != nullptr && spends && !shared->budget.TryWithdraw(shared->policy, now_)) {
    decision =
        breaker.guard.Refuse(*breaker.ruling, question, decision,
                             {Reason::kRetryBudget, RetryBudget::RetryAfter(shared->policy)});
  }
  v1::AllowResponse response;
  Show(decision, response);
  response.set_breaker(name);
  if (decision.allowed) {
    response.set_permit(absl::StrCat(permits_.size()));
    permits_.push_back(decision.permit);
  }
  return response;
}

absl::StatusOr<v1::RecordResponse> Fleet::Record(const v1::RecordRequest& request) {
  absl::StatusOr<Ending> ending = FromProto(request);
  if (!ending.ok()) return ending.status();
  size_t index = 0;
  if (absl::SimpleAtoi(request.permit(), &index)) ending->permit = permits_.at(index);
  return Record(request.breaker(), *ending);
}

absl::StatusOr<v1::RecordResponse> Fleet::Record(const v1::BatchRecordItem& item,
                                                 const std::string& client) {
  absl::StatusOr<Ending> ending = FromProto(item);
  if (!ending.ok()) return ending.status();
  ending->client = client;
  return Record(item.breaker(), *ending);
}

v1::RecordResponse Fleet::Record(const std::string& name, const Ending& ending) {
  Breaker& breaker = Use(name);
  Transitions transitions;
  Verdict verdict = breaker.guard.Record(*breaker.ruling, ending, now_, *this, transitions);
  if (SharedBudget* shared = SharedBudgetOf(*breaker.ruling); shared != nullptr) {
    shared->budget.Deposit(shared->policy, verdict.earned_calls, now_);
    const bool asks = verdict.retry.has_value() && verdict.retry->permitted;
    if (asks && shared->budget.Balance(shared->policy, now_) < RetryBudget::kOneRetry) {
      verdict.retry = {.reason = RetryReason::kBudgetEmpty};
    }
  }
  return ToProto(verdict);
}

v1::Breaker Fleet::Get(const std::string& name) {
  Breaker& breaker = Use(name);
  const RulingPolicy& ruling = *breaker.ruling;
  Transitions transitions;
  const Snapshot snapshot = breaker.guard.TakeSnapshot(ruling, now_, *this, transitions);
  const WallAnchor anchor{now_, kWallTime};
  v1::Breaker message = ToProto(snapshot, name, ruling.policy.name, anchor);
  if (SharedBudget* shared = SharedBudgetOf(ruling); shared != nullptr) {
    v1::RetryBudgetStatus& status = *message.mutable_retry_budget();
    status.set_name(ruling.policy.shared_retry_budget);
    status.set_balance_millis(shared->budget.Balance(shared->policy, now_));
    status.set_spent(shared->budget.spent());
    status.set_refused(shared->budget.refused());
  }
  return message;
}

absl::Status Fleet::SetOverride(const std::string& name, const v1::Override& override) {
  absl::StatusOr<Override> converted = FromProto(override, WallAnchor{now_, kWallTime});
  if (!converted.ok()) return converted.status();
  converted->match = name;
  converted->by_name = true;
  Use(name).guard.SetOverride(std::make_shared<const Override>(*std::move(converted)));
  return absl::OkStatus();
}

}  // namespace fusebox::conformance
