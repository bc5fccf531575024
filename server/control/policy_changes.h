#ifndef FUSEBOX_SERVER_CONTROL_POLICY_CHANGES_H_
#define FUSEBOX_SERVER_CONTROL_POLICY_CHANGES_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fusebox/v1/policy.pb.h"
#include "google/protobuf/field_mask.pb.h"
#include "server/control/book.h"

namespace fusebox {

// Changes of policies and retry budgets in a draft; a change that fails has changed nothing. Errors
// are those of AdminService's methods of the same names. An update that changes nothing keeps the
// etag. Pure but for etags, which are random.

absl::StatusOr<v1::Policy> CreatePolicy(const v1::Policy& wanted, const Author& author,
                                        const ControlLimits& limits, Draft& draft);
absl::StatusOr<v1::Policy> UpdatePolicy(const v1::Policy& wanted,
                                        const google::protobuf::FieldMask& mask,
                                        const Author& author, Draft& draft);
absl::Status DeletePolicy(absl::string_view name, absl::string_view etag, Draft& draft);

absl::StatusOr<v1::RetryBudget> CreateRetryBudget(const v1::RetryBudget& wanted,
                                                  const Author& author, const ControlLimits& limits,
                                                  Draft& draft);
absl::StatusOr<v1::RetryBudget> UpdateRetryBudget(const v1::RetryBudget& wanted,
                                                  const google::protobuf::FieldMask& mask,
                                                  const Author& author, Draft& draft);
absl::Status DeleteRetryBudget(absl::string_view name, absl::string_view etag, Draft& draft);

// Adds everything of the API that was kept. The errors are ALREADY_EXISTS, as below.
absl::Status AddKeptResources(const Book& kept, Book& book);

// Replaces everything that is the file's. A policy or a budget that did not change keeps its etag.
// Errors: ALREADY_EXISTS (reason POLICY_NAME_TAKEN, RETRY_BUDGET_NAME_TAKEN: the API defined it);
// MakeRules()'s, also where a policy of the API names a budget that the file has no more.
absl::Status ReplaceFileResources(const std::vector<v1::Policy>& policies,
                                  const std::vector<v1::RetryBudget>& budgets, Draft& draft);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_CONTROL_POLICY_CHANGES_H_
