#include "server/serving/configuration.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
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

}  // namespace

absl::StatusOr<EngineConfiguration> ConfigureEngine(const Options& options) {
  const config::v1::ServerOptions& server = options.config.server();
  EngineConfiguration configuration{.bounds = {.max_breakers = server.max_breakers(),
                                               .idle_ttl = FromProto(server.idle_ttl()),
                                               .max_watchers = server.max_watchers(),
                                               .max_events = server.max_events(),
                                               .max_batches = server.max_batches()},
                                    .policies = {},
                                    .budgets = {}};
  std::vector<std::string> problems;
  for (int i = 0; i < options.config.policies_size(); ++i) {
    std::vector<FieldError> errors;
    configuration.policies.push_back(FromProto(options.config.policies(i), errors));
    Explain(errors, absl::StrCat("policies[", i, "]"), options.sources, problems);
  }
  for (int i = 0; i < options.config.retry_budgets_size(); ++i) {
    const v1::RetryBudget& budget = options.config.retry_budgets(i);
    std::vector<FieldError> errors;
    configuration.budgets.push_back(
        {budget.name(), FromProto(budget.settings(), "settings.", errors)});
    Explain(errors, absl::StrCat("retry_budgets[", i, "]"), options.sources, problems);
  }
  if (problems.empty()) return configuration;
  return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
}

}  // namespace fusebox
