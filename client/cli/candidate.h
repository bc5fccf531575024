// A policy that a trace is tried on, taken from a file as the server would take it.
//
//   absl::StatusOr<CandidateFile> file = CandidateFile::Read("fusebox.yaml");
//   absl::StatusOr<Candidate> candidate = file->Choose("db/orders");
#ifndef FUSEBOX_CLIENT_CLI_CANDIDATE_H_
#define FUSEBOX_CLIENT_CLI_CANDIDATE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "client/cli/manifest.h"
#include "core/policy_set.h"

namespace fusebox::cli {

struct Candidate {
  std::string file;
  std::shared_ptr<const RulingPolicy> ruling;
  // The numbers of the retry budget that the policy shares, if it does.
  std::optional<RetryBudgetPolicy> shared_budget = {};
  // Whether no policy of the file matches, so that the built-in default rules.
  bool is_built_in = false;
};

// A file that was read and checked, of which the policy for a breaker is still to be chosen.
// Immutable, so safe to share.
class CandidateFile {
 public:
  // Reads the file, or stdin for "-". INVALID_ARGUMENT: the file cannot be read, one of its
  // policies or budgets is not sound, or its only policy shares a budget that is not in it; a line
  // for each, which begins with file and, where there is one, line.
  static absl::StatusOr<CandidateFile> Read(const std::string& path);

  // The policy of the file, if it has one; of several, the one that rules `breaker`.
  // INVALID_ARGUMENT: it shares a budget that is not in the file; names file, policy and budget.
  absl::StatusOr<Candidate> Choose(absl::string_view breaker) const;

 private:
  CandidateFile() = default;

  std::shared_ptr<const RulingPolicy> Ruling(absl::string_view breaker) const;

  std::string name_;
  std::vector<std::string> own_;  // The names of the file's policies, without a built-in default.
  std::shared_ptr<const PolicySet> policies_;
  absl::flat_hash_map<std::string, RetryBudgetPolicy> budgets_;
};

}  // namespace fusebox::cli

#endif  // FUSEBOX_CLIENT_CLI_CANDIDATE_H_
