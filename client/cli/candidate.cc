#include "client/cli/candidate.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/error.h"
#include "core/retry_budget.h"
#include "proto/convert/convert.h"

namespace fusebox::cli {
namespace {

// "fusebox.yaml:14: policies[2].circuit_breaker.jitter is 3; ..."
void Explain(const std::vector<FieldError>& errors, const std::string& path,
             const SourceMap& sources, std::vector<std::string>& problems) {
  for (const FieldError& error : errors) {
    const std::string place = sources.Locate(absl::StrCat(path, ".", error.field));
    problems.push_back(absl::StrCat(place, ": ", path, ".", error.message));
  }
}

std::vector<Policy> ReadPolicies(const ManifestFile& file, std::vector<std::string>& problems) {
  std::vector<Policy> policies;
  for (const v1::Policy& message : file.manifest.policies()) {
    std::vector<FieldError> errors;
    const std::string path = absl::StrCat("policies[", policies.size(), "]");
    policies.push_back(FromProto(message, errors));
    Explain(errors, path, file.sources, problems);
  }
  return policies;
}

// The numbers of all budgets, by name.
absl::flat_hash_map<std::string, RetryBudgetPolicy> ReadBudgets(
    const ManifestFile& file, std::vector<std::string>& problems) {
  absl::flat_hash_map<std::string, RetryBudgetPolicy> budgets;
  int index = 0;
  for (const v1::RetryBudget& message : file.manifest.retry_budgets()) {
    std::vector<FieldError> errors;
    budgets[message.name()] = FromProto(message.settings(), "settings.", errors);
    Explain(errors, absl::StrCat("retry_budgets[", index++, "]"), file.sources, problems);
  }
  return budgets;
}

}  // namespace

absl::StatusOr<CandidateFile> CandidateFile::Read(const std::string& path) {
  const absl::StatusOr<ManifestFile> manifest = ReadManifest(path);
  if (!manifest.ok()) return manifest.status();
  CandidateFile file;
  file.name_ = path == "-" ? "stdin" : path;
  std::vector<std::string> problems;
  const std::vector<Policy> own = ReadPolicies(*manifest, problems);
  file.budgets_ = ReadBudgets(*manifest, problems);
  if (!problems.empty()) return absl::InvalidArgumentError(absl::StrJoin(problems, "\n"));
  auto set = PolicySet::Make(own);
  if (!set.ok()) {
    const std::string place = manifest->sources.Name(ErrorField(set.status()));
    return absl::InvalidArgumentError(absl::StrCat(place, ": ", set.status().message()));
  }
  file.policies_ = *std::move(set);
  for (const Policy& policy : own) file.own_.push_back(policy.name);
  if (own.size() != 1) return file;
  // It is chosen for every breaker.
  const absl::StatusOr<Candidate> only = file.Choose("");
  if (!only.ok()) return only.status();
  return file;
}

absl::StatusOr<Candidate> CandidateFile::Choose(absl::string_view breaker) const {
  Candidate candidate{.file = name_, .ruling = Ruling(breaker)};
  const Policy& policy = candidate.ruling->policy;
  candidate.is_built_in = std::find(own_.begin(), own_.end(), policy.name) == own_.end();
  if (policy.shared_retry_budget.empty()) return candidate;
  const auto budget = budgets_.find(policy.shared_retry_budget);
  if (budget == budgets_.end()) {
    return absl::InvalidArgumentError(absl::StrCat(
        name_, ": policy \"", policy.name, "\" shares the retry budget \"",
        policy.shared_retry_budget, "\", which is not in the file; add it to retry_budgets:"));
  }
  candidate.shared_budget = budget->second;
  return candidate;
}

std::shared_ptr<const RulingPolicy> CandidateFile::Ruling(absl::string_view breaker) const {
  if (own_.size() != 1) return policies_->Match(breaker);
  // A draft is tried whatever it will match.
  const auto& all = policies_->policies();
  return *std::find_if(all.begin(), all.end(),
                       [this](const auto& one) { return one->policy.name == own_[0]; });
}

}  // namespace fusebox::cli
