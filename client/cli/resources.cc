#include "client/cli/resources.h"

#include <utility>

#include "client/cli/pages.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

using Stub = v1::AdminService::Stub;

template <typename Request>
Request Changing(const Change& change) {
  Request request;
  request.set_actor(change.actor);
  request.set_validate_only(change.validate_only);
  return request;
}

}  // namespace

grpc::Status Resource<v1::Policy>::Get(Connection& server, const std::string& name,
                                       v1::Policy* policy) {
  v1::GetPolicyRequest request;
  request.set_name(name);
  v1::GetPolicyResponse response;
  grpc::Status status = server.Call(&Stub::GetPolicy, request, &response);
  *policy = std::move(*response.mutable_policy());
  return status;
}

grpc::Status Resource<v1::Policy>::List(Connection& server, Manifest* manifest) {
  return EachPage(server, &Stub::ListPolicies, v1::ListPoliciesRequest(),
                  [manifest](const v1::ListPoliciesResponse& page) {
                    manifest->mutable_policies()->MergeFrom(page.policies());
                    return true;
                  });
}

grpc::Status Resource<v1::Policy>::Create(Connection& server, const v1::Policy& policy,
                                          const Change& change, v1::Policy* result) {
  auto request = Changing<v1::CreatePolicyRequest>(change);
  *request.mutable_policy() = policy;
  v1::CreatePolicyResponse response;
  grpc::Status status = server.Call(&Stub::CreatePolicy, request, &response);
  *result = std::move(*response.mutable_policy());
  return status;
}

grpc::Status Resource<v1::Policy>::Update(Connection& server, const v1::Policy& policy,
                                          const Change& change, v1::Policy* result) {
  auto request = Changing<v1::UpdatePolicyRequest>(change);
  *request.mutable_policy() = policy;
  v1::UpdatePolicyResponse response;
  grpc::Status status = server.Call(&Stub::UpdatePolicy, request, &response);
  *result = std::move(*response.mutable_policy());
  return status;
}

grpc::Status Resource<v1::Policy>::Delete(Connection& server, const std::string& name,
                                          const Change& change) {
  auto request = Changing<v1::DeletePolicyRequest>(change);
  request.set_name(name);
  v1::DeletePolicyResponse response;
  return server.Call(&Stub::DeletePolicy, request, &response);
}

grpc::Status Resource<v1::RetryBudget>::Get(Connection& server, const std::string& name,
                                            v1::RetryBudget* budget) {
  v1::GetRetryBudgetRequest request;
  request.set_name(name);
  v1::GetRetryBudgetResponse response;
  grpc::Status status = server.Call(&Stub::GetRetryBudget, request, &response);
  *budget = std::move(*response.mutable_retry_budget());
  return status;
}

grpc::Status Resource<v1::RetryBudget>::List(Connection& server, Manifest* manifest) {
  return EachPage(server, &Stub::ListRetryBudgets, v1::ListRetryBudgetsRequest(),
                  [manifest](const v1::ListRetryBudgetsResponse& page) {
                    manifest->mutable_retry_budgets()->MergeFrom(page.retry_budgets());
                    return true;
                  });
}

grpc::Status Resource<v1::RetryBudget>::Create(Connection& server, const v1::RetryBudget& budget,
                                               const Change& change, v1::RetryBudget* result) {
  auto request = Changing<v1::CreateRetryBudgetRequest>(change);
  *request.mutable_retry_budget() = budget;
  v1::CreateRetryBudgetResponse response;
  grpc::Status status = server.Call(&Stub::CreateRetryBudget, request, &response);
  *result = std::move(*response.mutable_retry_budget());
  return status;
}

grpc::Status Resource<v1::RetryBudget>::Update(Connection& server, const v1::RetryBudget& budget,
                                               const Change& change, v1::RetryBudget* result) {
  auto request = Changing<v1::UpdateRetryBudgetRequest>(change);
  *request.mutable_retry_budget() = budget;
  v1::UpdateRetryBudgetResponse response;
  grpc::Status status = server.Call(&Stub::UpdateRetryBudget, request, &response);
  *result = std::move(*response.mutable_retry_budget());
  return status;
}

grpc::Status Resource<v1::RetryBudget>::Delete(Connection& server, const std::string& name,
                                               const Change& change) {
  auto request = Changing<v1::DeleteRetryBudgetRequest>(change);
  request.set_name(name);
  v1::DeleteRetryBudgetResponse response;
  return server.Call(&Stub::DeleteRetryBudget, request, &response);
}

}  // namespace fusebox::cli
