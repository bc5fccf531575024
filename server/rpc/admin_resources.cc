// Policies and retry budgets.
#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/glob.h"
#include "core/policy.h"
#include "server/control/policy_changes.h"
#include "server/control/resource_changes.h"
#include "server/errors/errors.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/list_request.h"
#include "server/rpc/peer.h"

namespace fusebox {
namespace {

// One page of what stands in the order of its names and may be seen. The token is the last name of
// the page before; it is there only if something that may be seen follows.
template <typename Message, typename Request>
absl::Status ListPage(const Resources<Message>& all, const Request& request,
                      const std::function<bool(const Message&)>& may_see,
                      const std::function<void(const Message&)>& add, std::string& next_token) {
  const absl::StatusOr<size_t> page_size = PageSize(request.page_size());
  if (!page_size.ok()) return page_size.status();
  if (!request.page_token().empty() && !IsResourceName(request.page_token())) {
    return BadPageToken();
  }
  size_t listed = 0;
  std::string last;
  for (auto item = all.upper_bound(request.page_token()); item != all.end(); ++item) {
    if (!may_see(*item->second)) continue;
    if (listed == *page_size) {
      next_token = last;
      break;
    }
    add(*item->second);
    ++listed;
    last = item->first;
  }
  return absl::OkStatus();
}

// The breakers that a policy is for. Of one that says none: who may change any hears that it is
// bad.
Scope ScopeOf(const v1::Policy& policy) {
  if (policy.name() == "default") return Scope::All();
  return policy.match().empty() ? Scope::Some() : Scope::MatchAll(policy.match());
}

// Whether it is for some breaker that the caller may look at.
bool Concerns(const v1::Policy& policy, const Caller& caller) {
  if (policy.name() == "default") return true;
  return std::any_of(policy.match().begin(), policy.match().end(), [&](const std::string& match) {
    const absl::StatusOr<Glob> glob = Glob::Parse(match);
    return glob.ok() && caller.MaySome(Role::kReader, *glob);
  });
}

// Whether the caller may read or change a policy as it is. One that does not exist looks like one
// of others, but to who may do that with all.
absl::Status CheckPolicy(const Caller& caller, Role role, const Book& book, const std::string& name,
                         absl::string_view method) {
  const auto found = book.policies.find(name);
  const bool exists = found != book.policies.end();
  if (exists && role == Role::kReader && Concerns(*found->second, caller)) return absl::OkStatus();
  const Scope scope = exists && role != Role::kReader ? ScopeOf(*found->second) : Scope::All();
  if (caller.Check(role, scope, method).ok()) return absl::OkStatus();
  return MakeError(
      absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
      absl::StrCat(method, ": ", QuoteForError(caller.name()), " is no ", RoleName(role),
                   " of the breakers that policy ", QuoteForError(name),
                   " is for, or there is no such policy; grant it role ", RoleName(role),
                   " for them in the server's file of identities"));
}

// Whether the caller may have the policy spend from the shared budget that it names. Whoever spends
// from one takes from all who share it; so that a reference is new takes what changing a budget
// does. One that is there already was let through once.
absl::Status CheckSharedBudget(const Caller& caller, const Book& book, const v1::Policy& policy,
                               absl::string_view method) {
  const std::string& wanted = policy.shared_retry_budget();
  const auto found = book.policies.find(policy.name());
  const bool is_new =
      found == book.policies.end() || found->second->shared_retry_budget() != wanted;
  if (wanted.empty() || !is_new || caller.MayAll(Role::kOperator, Glob::All())) {
    return absl::OkStatus();
  }
  return MakeError(
      absl::StatusCode::kPermissionDenied, "PERMISSION_DENIED",
      absl::StrCat(method, ": ", QuoteForError(caller.name()),
                   " is no OPERATOR of \"**\", which it takes to set "
                   "shared_retry_budget to ",
                   QuoteForError(wanted),
                   "; ask somebody who is, or set a retry_budget of the policy's own"));
}

Control::Kind KindOf(bool validate_only) {
  return validate_only ? Control::Kind::kTrial : Control::Kind::kDurable;
}

}  // namespace

v1::RetryBudget AdminService::ShowBudget(v1::RetryBudget budget) const {
  const BudgetStatus status = engine_.Budget(budget.name());
  v1::RetryBudgetStatus& message = *budget.mutable_status();
  message.set_name(budget.name());
  message.set_balance_millis(status.balance);
  message.set_spent(status.spent);
  message.set_refused(status.refused);
  message.set_capacity_millis(status.capacity);
  return budget;
}

grpc::ServerUnaryReactor* AdminService::CreatePolicy(grpc::CallbackServerContext* context,
                                                     const v1::CreatePolicyRequest* request,
                                                     v1::CreatePolicyResponse* response) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kOperator, ScopeOf(request->policy()));
  if (!caller.ok()) return Finish(context, caller.status());
  return Submit(context, caller->ActorOr(request->actor()), KindOf(request->validate_only()),
                [this, request, response, caller = *caller](const Author& author, Draft& draft) {
                  absl::Status may_spend =
                      CheckSharedBudget(caller, draft.book, request->policy(), "CreatePolicy");
                  if (!may_spend.ok()) return may_spend;
                  auto made =
                      fusebox::CreatePolicy(request->policy(), author, control_.limits(), draft);
                  if (made.ok()) *response->mutable_policy() = *made;
                  return made.status();
                });
}

grpc::ServerUnaryReactor* AdminService::GetPolicy(grpc::CallbackServerContext* context,
                                                  const v1::GetPolicyRequest* request,
                                                  v1::GetPolicyResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  const std::shared_ptr<const Book> book = control_.book();
  const absl::Status readable =
      CheckPolicy(*caller, Role::kReader, *book, request->name(), "GetPolicy");
  if (!readable.ok()) return Finish(context, readable);
  const auto found = book->policies.find(request->name());
  if (found == book->policies.end()) return Finish(context, NotFound(kPolicyKind, request->name()));
  *response->mutable_policy() = *found->second;
  return Finish(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* AdminService::ListPolicies(grpc::CallbackServerContext* context,
                                                     const v1::ListPoliciesRequest* request,
                                                     v1::ListPoliciesResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  const auto may_see = [&caller](const v1::Policy& policy) { return Concerns(policy, *caller); };
  const auto add = [response](const v1::Policy& policy) { *response->add_policies() = policy; };
  return Finish(context, ListPage<v1::Policy>(control_.book()->policies, *request, may_see, add,
                                              *response->mutable_next_page_token()));
}

grpc::ServerUnaryReactor* AdminService::UpdatePolicy(grpc::CallbackServerContext* context,
                                                     const v1::UpdatePolicyRequest* request,
                                                     v1::UpdatePolicyResponse* response) {
  const absl::StatusOr<Caller> caller =
      authorizer_.Check(*context, Role::kOperator, ScopeOf(request->policy()));
  if (!caller.ok()) return Finish(context, caller.status());
  return Submit(context, caller->ActorOr(request->actor()), KindOf(request->validate_only()),
                [request, response, caller = *caller](const Author& author, Draft& draft) {
                  absl::Status writable = CheckPolicy(caller, Role::kOperator, draft.book,
                                                      request->policy().name(), "UpdatePolicy");
                  if (!writable.ok()) return writable;
                  absl::Status may_spend =
                      CheckSharedBudget(caller, draft.book, request->policy(), "UpdatePolicy");
                  if (!may_spend.ok()) return may_spend;
                  auto made = fusebox::UpdatePolicy(request->policy(), request->update_mask(),
                                                    author, draft);
                  if (made.ok()) *response->mutable_policy() = *made;
                  return made.status();
                });
}

grpc::ServerUnaryReactor* AdminService::DeletePolicy(grpc::CallbackServerContext* context,
                                                     const v1::DeletePolicyRequest* request,
                                                     v1::DeletePolicyResponse*) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kOperator, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  return Submit(context, caller->ActorOr(request->actor()), KindOf(request->validate_only()),
                [request, caller = *caller](const Author&, Draft& draft) {
                  absl::Status writable = CheckPolicy(caller, Role::kOperator, draft.book,
                                                      request->name(), "DeletePolicy");
                  if (!writable.ok()) return writable;
                  return fusebox::DeletePolicy(request->name(), request->etag(), draft);
                });
}

grpc::ServerUnaryReactor* AdminService::CreateRetryBudget(
    grpc::CallbackServerContext* context, const v1::CreateRetryBudgetRequest* request,
    v1::CreateRetryBudgetResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kOperator, Scope::All());
  if (!caller.ok()) return Finish(context, caller.status());
  return Submit(context, caller->ActorOr(request->actor()), KindOf(request->validate_only()),
                [this, request, response](const Author& author, Draft& draft) {
                  auto made = fusebox::CreateRetryBudget(request->retry_budget(), author,
                                                         control_.limits(), draft);
                  if (made.ok()) *response->mutable_retry_budget() = *made;
                  return made.status();
                });
}

grpc::ServerUnaryReactor* AdminService::GetRetryBudget(grpc::CallbackServerContext* context,
                                                       const v1::GetRetryBudgetRequest* request,
                                                       v1::GetRetryBudgetResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  const std::shared_ptr<const Book> book = control_.book();
  const auto found = book->retry_budgets.find(request->name());
  if (found == book->retry_budgets.end()) {
    return Finish(context, NotFound(kRetryBudgetKind, request->name()));
  }
  *response->mutable_retry_budget() = ShowBudget(*found->second);
  return Finish(context, absl::OkStatus());
}

grpc::ServerUnaryReactor* AdminService::ListRetryBudgets(grpc::CallbackServerContext* context,
                                                         const v1::ListRetryBudgetsRequest* request,
                                                         v1::ListRetryBudgetsResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kReader, Scope::Some());
  if (!caller.ok()) return Finish(context, caller.status());
  const auto add = [this, response](const v1::RetryBudget& budget) {
    *response->add_retry_budgets() = ShowBudget(budget);
  };
  const auto all = [](const v1::RetryBudget&) { return true; };
  return Finish(context, ListPage<v1::RetryBudget>(control_.book()->retry_budgets, *request, all,
                                                   add, *response->mutable_next_page_token()));
}

grpc::ServerUnaryReactor* AdminService::UpdateRetryBudget(
    grpc::CallbackServerContext* context, const v1::UpdateRetryBudgetRequest* request,
    v1::UpdateRetryBudgetResponse* response) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kOperator, Scope::All());
  if (!caller.ok()) return Finish(context, caller.status());
  return Submit(context, caller->ActorOr(request->actor()), KindOf(request->validate_only()),
                [request, response](const Author& author, Draft& draft) {
                  auto made = fusebox::UpdateRetryBudget(request->retry_budget(),
                                                         request->update_mask(), author, draft);
                  if (made.ok()) *response->mutable_retry_budget() = *made;
                  return made.status();
                });
}

grpc::ServerUnaryReactor* AdminService::DeleteRetryBudget(
    grpc::CallbackServerContext* context, const v1::DeleteRetryBudgetRequest* request,
    v1::DeleteRetryBudgetResponse*) {
  const absl::StatusOr<Caller> caller = authorizer_.Check(*context, Role::kOperator, Scope::All());
  if (!caller.ok()) return Finish(context, caller.status());
  return Submit(context, caller->ActorOr(request->actor()), KindOf(request->validate_only()),
                [request](const Author&, Draft& draft) {
                  return fusebox::DeleteRetryBudget(request->name(), request->etag(), draft);
                });
}

}  // namespace fusebox
