#include "server/control/policy_changes.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "proto/convert/convert.h"
#include "server/control/resource_changes.h"

namespace fusebox {
namespace {

// What the template below needs to know of each kind.
struct PolicyTraits {
  using Message = v1::Policy;
  static constexpr ResourceKind kKind = kPolicyKind;
  static constexpr Table kTable = Table::kPolicies;
  static auto& In(auto& book) { return book.policies; }
  static std::vector<FieldError> Check(const Message& message) {
    std::vector<FieldError> errors;
    FromProto(message, errors);
    return errors;
  }
};

struct BudgetTraits {
  using Message = v1::RetryBudget;
  static constexpr ResourceKind kKind = kRetryBudgetKind;
  static constexpr Table kTable = Table::kRetryBudgets;
  static auto& In(auto& book) { return book.retry_budgets; }
  static std::vector<FieldError> Check(const Message& message) {
    std::vector<FieldError> errors;
    if (!IsResourceName(message.name())) {
      errors.push_back({"name", absl::StrCat("name is ", QuoteForError(message.name()),
                                             "; use 1 to 63 lower-case letters, digits and "
                                             "dashes")});
    }
    FromProto(message.settings(), "settings.", errors);
    return errors;
  }
};

template <typename Traits>
absl::Status CheckAlone(const typename Traits::Message& message) {
  const std::vector<FieldError> errors = Traits::Check(message);
  if (errors.empty()) return absl::OkStatus();
  return MakeFieldErrors(absl::StrCat(Traits::kKind.prefix, "_INVALID"), "", errors);
}

// Puts it in the place of what had its name, if all still go together.
template <typename Traits>
absl::Status Put(const typename Traits::Message& message, Draft& draft) {
  using Message = typename Traits::Message;
  Book next = draft.book;
  Traits::In(next)[message.name()] = std::make_shared<const Message>(message);
  if (absl::Status rules = MakeRules(next).status(); !rules.ok()) return rules;
  draft.book = std::move(next);
  draft.rows.Put(Traits::kTable, message.name(), message.SerializeAsString());
  draft.rules_changed = true;
  return absl::OkStatus();
}

template <typename Traits>
absl::StatusOr<typename Traits::Message> Create(typename Traits::Message message,
                                                const Author& author, size_t limit, Draft& draft) {
  if (absl::Status alone = CheckAlone<Traits>(message); !alone.ok()) return alone;
  const auto& all = Traits::In(draft.book);
  if (const auto other = all.find(message.name()); other != all.end()) {
    return NameTaken(Traits::kKind, message.name(), other->second->info().source());
  }
  if (all.size() >= limit) return TooMany(Traits::kKind, limit);
  Stamp(author, nullptr, *message.mutable_info());
  if (absl::Status put = Put<Traits>(message, draft); !put.ok()) return put;
  return message;
}

template <typename Traits>
absl::StatusOr<typename Traits::Message> Update(const typename Traits::Message& wanted,
                                                const google::protobuf::FieldMask& mask,
                                                const Author& author, Draft& draft) {
  using Message = typename Traits::Message;
  const auto& all = Traits::In(draft.book);
  const auto found = all.find(wanted.name());
  if (found == all.end()) return NotFound(Traits::kKind, wanted.name());
  const Message before = *found->second;
  const absl::Status writable =
      CheckWritable(Traits::kKind, wanted.name(), before.info(), wanted.info().etag());
  if (!writable.ok()) return writable;
  absl::StatusOr<Message> merged = Merge(before, wanted, mask);
  if (!merged.ok()) return merged.status();
  if (absl::Status alone = CheckAlone<Traits>(*merged); !alone.ok()) return alone;
  if (AreEqual(before, *merged)) return before;
  Stamp(author, &before.info(), *merged->mutable_info());
  if (absl::Status put = Put<Traits>(*merged, draft); !put.ok()) return put;
  return merged;
}

// The place of what may be deleted.
template <typename Traits>
absl::StatusOr<typename Resources<typename Traits::Message>::const_iterator> FindDeletable(
    absl::string_view name, absl::string_view etag, Draft& draft) {
  const auto& all = Traits::In(draft.book);
  const auto found = all.find(name);
  if (found == all.end()) return NotFound(Traits::kKind, name);
  const absl::Status writable = CheckWritable(Traits::kKind, name, found->second->info(), etag);
  if (!writable.ok()) return writable;
  return found;
}

template <typename Traits>
absl::Status AddFileResources(const std::vector<typename Traits::Message>& messages,
                              const Book& before, Book& next) {
  using Message = typename Traits::Message;
  auto& all = Traits::In(next);
  std::erase_if(all,
                [](const auto& item) { return item.second->info().source() == v1::SOURCE_FILE; });
  for (Message message : messages) {
    const auto other = all.find(message.name());
    if (other != all.end() && other->second->info().source() == v1::SOURCE_API) {
      return NameTaken(Traits::kKind, message.name(), v1::SOURCE_API);
    }
    message.clear_info();
    message.mutable_info()->set_source(v1::SOURCE_FILE);
    const auto old = Traits::In(before).find(message.name());
    const bool is_new = old == Traits::In(before).end();
    if (!is_new) message.mutable_info()->set_etag(old->second->info().etag());
    if (is_new || !AreEqual(*old->second, message)) message.mutable_info()->set_etag(NewEtag());
    std::string name = message.name();
    all[std::move(name)] = std::make_shared<const Message>(std::move(message));
  }
  return absl::OkStatus();
}

template <typename Traits>
absl::Status AddKept(const Book& kept, Book& book) {
  auto& all = Traits::In(book);
  for (const auto& [name, message] : Traits::In(kept)) {
    if (message->info().source() != v1::SOURCE_API) continue;
    const auto other = all.find(name);
    if (other != all.end() && other->second->info().source() == v1::SOURCE_FILE) {
      return NameTaken(Traits::kKind, name, v1::SOURCE_API);
    }
    all[name] = message;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status AddKeptResources(const Book& kept, Book& book) {
  const absl::Status policies = AddKept<PolicyTraits>(kept, book);
  return policies.ok() ? AddKept<BudgetTraits>(kept, book) : policies;
}

absl::StatusOr<v1::Policy> CreatePolicy(const v1::Policy& wanted, const Author& author,
                                        const ControlLimits& limits, Draft& draft) {
  v1::Policy numbers = wanted;
  numbers.DiscardUnknownFields();  // What is kept is bounded by what is checked.
  return Create<PolicyTraits>(std::move(numbers), author, limits.max_policies, draft);
}

absl::StatusOr<v1::Policy> UpdatePolicy(const v1::Policy& wanted,
                                        const google::protobuf::FieldMask& mask,
                                        const Author& author, Draft& draft) {
  v1::Policy numbers = wanted;
  numbers.DiscardUnknownFields();
  return Update<PolicyTraits>(numbers, mask, author, draft);
}

absl::Status DeletePolicy(absl::string_view name, absl::string_view etag, Draft& draft) {
  const auto found = FindDeletable<PolicyTraits>(name, etag, draft);
  if (!found.ok()) return found.status();
  if ((*found)->second->info().source() == v1::SOURCE_BUILT_IN) {
    return MakeError(absl::StatusCode::kFailedPrecondition, "POLICY_READ_ONLY",
                     "policy \"default\" is built in and rules what no other does; update it to "
                     "change its numbers",
                     "name");
  }
  draft.book.policies.erase(*found);
  // Fewer globs cannot tie, and nothing refers to a policy.
  if (name == "default") {
    draft.book.policies["default"] = std::make_shared<const v1::Policy>(BuiltInDefault());
  }
  draft.rows.Erase(Table::kPolicies, std::string(name));
  draft.rules_changed = true;
  return absl::OkStatus();
}

absl::StatusOr<v1::RetryBudget> CreateRetryBudget(const v1::RetryBudget& wanted,
                                                  const Author& author, const ControlLimits& limits,
                                                  Draft& draft) {
  v1::RetryBudget numbers = wanted;
  numbers.clear_status();
  numbers.DiscardUnknownFields();
  return Create<BudgetTraits>(numbers, author, limits.max_retry_budgets, draft);
}

absl::StatusOr<v1::RetryBudget> UpdateRetryBudget(const v1::RetryBudget& wanted,
                                                  const google::protobuf::FieldMask& mask,
                                                  const Author& author, Draft& draft) {
  v1::RetryBudget numbers = wanted;
  numbers.clear_status();
  numbers.DiscardUnknownFields();
  return Update<BudgetTraits>(numbers, mask, author, draft);
}

absl::Status DeleteRetryBudget(absl::string_view name, absl::string_view etag, Draft& draft) {
  const auto found = FindDeletable<BudgetTraits>(name, etag, draft);
  if (!found.ok()) return found.status();
  for (const auto& [policy_name, policy] : draft.book.policies) {
    if (policy->shared_retry_budget() != name) continue;
    return MakeError(absl::StatusCode::kFailedPrecondition, "RETRY_BUDGET_IN_USE",
                     absl::StrCat("retry budget \"", name, "\" is named by policy \"", policy_name,
                                  "\"; change that first"),
                     "name");
  }
  draft.book.retry_budgets.erase(*found);
  draft.rows.Erase(Table::kRetryBudgets, std::string(name));
  draft.rules_changed = true;
  return absl::OkStatus();
}

absl::Status ReplaceFileResources(const std::vector<v1::Policy>& policies,
                                  const std::vector<v1::RetryBudget>& budgets, Draft& draft) {
  Book next = draft.book;
  absl::Status status = AddFileResources<PolicyTraits>(policies, draft.book, next);
  if (status.ok()) status = AddFileResources<BudgetTraits>(budgets, draft.book, next);
  if (!status.ok()) return status;
  if (!next.policies.contains("default")) {
    next.policies["default"] = std::make_shared<const v1::Policy>(BuiltInDefault());
  }
  if (status = MakeRules(next).status(); !status.ok()) return status;
  draft.book = std::move(next);
  draft.rules_changed = true;
  return absl::OkStatus();
}

}  // namespace fusebox
