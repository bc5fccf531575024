#include "server/serving/configuration.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error.h"
#include "core/policy_set.h"
#include "proto/convert/convert.h"

namespace fusebox {
namespace {

// "fusebox.yaml:14: policies[2].circuit_breaker.jitter is 3; ..."
void Explain(const std::vector<FieldError>& errors, const std::string& path,
             const SourceMap& sources, std::vector<std::string>& problems) {
  for (const FieldError& error : errors) {
    const std::string place = sources.Locate(absl::StrCat(path, ".", error.field));
    problems.push_back(absl::StrCat(place, place.empty() ? "" : ": ", path, ".", error.message));
  }
}

FieldError InfoIsOurs() {
  return {"info", "info and status are what a server says of it; remove them"};
}

std::vector<Policy> ReadPolicies(const Options& options, std::vector<std::string>& problems) {
  std::vector<Policy> policies;
  for (int i = 0; i < options.config.policies_size(); ++i) {
    std::vector<FieldError> errors;
    policies.push_back(FromProto(options.config.policies(i), errors));
    if (options.config.policies(i).has_info()) errors.push_back(InfoIsOurs());
    Explain(errors, absl::StrCat("policies[", i, "]"), options.sources, problems);
  }
  return policies;
}

std::vector<NamedBudget> ReadBudgets(const Options& options, std::vector<std::string>& problems) {
  std::vector<NamedBudget> budgets;
  for (int i = 0; i < options.config.retry_budgets_size(); ++i) {
    const v1::RetryBudget& budget = options.config.retry_budgets(i);
    std::vector<FieldError> errors;
    if (!IsResourceName(budget.name())) {
      errors.push_back({"name", absl::StrCat("name is ", QuoteForError(budget.name()),
                                             "; use 1 to 63 lower-case letters, digits and "
                                             "dashes")});
    }
    budgets.push_back({budget.name(), FromProto(budget.settings(), "settings.", errors)});
    if (budget.has_info() || budget.has_status()) errors.push_back(InfoIsOurs());
    Explain(errors, absl::StrCat("retry_budgets[", i, "]"), options.sources, problems);
  }
  return budgets;
}

// Whether policies that are sound each by itself go together.
absl::Status CheckTogether(const std::vector<Policy>& policies, const SourceMap& sources) {
  const absl::Status status = PolicySet::Make(policies).status();
  if (status.ok()) return status;
  const std::string path = ErrorField(status);
  return MakeError(status.code(), ErrorReason(status),
                   absl::StrCat(sources.Name(path), ": ", status.message()), path);
}

}  // namespace

absl::StatusOr<EngineConfiguration> ConfigureEngine(const Options& options) {
  const config::v1::ServerOptions& server = options.config.server();
  EngineConfiguration configuration{.bounds = {.max_breakers = server.max_breakers(),
                                               .idle_ttl = FromProto(server.idle_ttl()),
                                               .max_watchers = server.max_watchers(),
                                               .max_watch_lag = server.max_watch_lag(),
                                               .max_events = server.max_events(),
                                               .max_batches = server.max_batches(),
                                               .max_waiting_calls = server.max_waiting_calls()},
                                    .limits = {.max_policies = server.max_policies(),
                                               .max_retry_budgets = server.max_retry_budgets(),
                                               .max_overrides = server.max_overrides(),
                                               .max_waiting_changes = server.max_waiting_changes()},
                                    .policies = {},
                                    .budgets = {}};
  std::vector<std::string> problems;
  configuration.policies = ReadPolicies(options, problems);
  configuration.budgets = ReadBudgets(options, problems);
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  const absl::Status together = CheckTogether(configuration.policies, options.sources);
  if (!together.ok()) return together;
  return configuration;
}

}  // namespace fusebox
