// Policies and retry budgets as people read them.
#ifndef FUSEBOX_CLIENT_CLI_RESOURCE_TEXT_H_
#define FUSEBOX_CLIENT_CLI_RESOURCE_TEXT_H_

#include <string>

#include "client/cli/documents.pb.h"
#include "client/cli/output.h"
#include "core/policy.h"
#include "fusebox/v1/policy.pb.h"

namespace fusebox::cli {

// A list, whose names are "policy/payments" and "budget/checkout". `manifest` must outlive it.
Document ManifestDocument(const Manifest& manifest);

// All fields that are set, a row each: "circuit_breaker.open_duration  30s".
Table FieldsTable(const google::protobuf::Message& message);

// The policy's numbers with the defaults for those that it does not set.
Policy NumbersOf(const v1::Policy& policy);

// "shared checkout: 12.0 of 20.0 retries left, 3 spent, 0 refused"; without "of" if that is not
// known.
std::string BudgetText(const v1::RetryBudgetStatus& budget);

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_RESOURCE_TEXT_H_
