#ifndef FUSEBOX_CORE_POLICY_SET_H_
#define FUSEBOX_CORE_POLICY_SET_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "core/classification.h"
#include "core/glob.h"
#include "core/glob_index.h"
#include "core/policy.h"

namespace fusebox {

// A policy that was validated, with its tables built. Immutable.
struct RulingPolicy {
  explicit RulingPolicy(Policy numbers)
      : policy(std::move(numbers)), classification(policy.classification) {}

  const Policy policy;
  const Classification classification;
};

// All policies of a server; says which one rules a breaker. Immutable, so safe to share.
//
//   ASSIGN_OR_RETURN(auto set, PolicySet::Make(policies));
//   set->Match("db/orders")->policy.name
class PolicySet {
 public:
  // Takes validated policies. Adds "default" if it is not among them. The error is
  // INVALID_ARGUMENT: POLICY_NAME_TAKEN when two have one name, POLICY_MATCH_TIE when two globs
  // are equally specific and both match some name, since then nothing says which rules. Its field
  // is the place of the later of the two: "policies[2].match[0]".
  static absl::StatusOr<std::shared_ptr<const PolicySet>> Make(absl::Span<const Policy> policies);

  // The policy whose matching glob is the most specific.
  std::shared_ptr<const RulingPolicy> Match(absl::string_view breaker) const;

  // Which glob it was that matched; empty where none did and the default rules.
  absl::string_view MatchingGlob(absl::string_view breaker) const;

  size_t size() const { return policies_.size(); }
  const std::vector<std::shared_ptr<const RulingPolicy>>& policies() const { return policies_; }

 private:
  struct Rule {
    std::shared_ptr<const Glob> glob;
    std::shared_ptr<const RulingPolicy> policy;
  };
  struct Draft;

  PolicySet() = default;
  // `path` is where it stands, for errors.
  absl::Status Add(const Policy& policy, absl::string_view path, Draft& draft);
  absl::Status AddRule(Rule rule, absl::string_view path, Draft& draft);
  void IndexRules();
  // Null if the default rules.
  const Rule* FindRule(absl::string_view breaker) const;

  std::vector<std::shared_ptr<const RulingPolicy>> policies_;
  std::shared_ptr<const RulingPolicy> default_;
  std::vector<Rule> rules_;  // The most specific last; without the default's.
  GlobIndex index_;          // By place in `rules_`.
};

}  // namespace fusebox

#endif  // FUSEBOX_CORE_POLICY_SET_H_
