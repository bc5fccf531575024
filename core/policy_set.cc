#include "core/policy_set.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {

absl::StatusOr<std::shared_ptr<const PolicySet>> PolicySet::Make(
    absl::Span<const Policy> policies) {
  std::shared_ptr<PolicySet> set(new PolicySet);
  for (size_t i = 0; i < policies.size(); ++i) {
    const absl::Status added = set->Add(policies[i], absl::StrCat("policies[", i, "]"));
    if (!added.ok()) return added;
  }
  if (set->default_ == nullptr) {
    if (const absl::Status added = set->Add(Policy{}, ""); !added.ok()) return added;
  }
  std::stable_sort(set->rules_.begin(), set->rules_.end(), [](const Rule& a, const Rule& b) {
    return a.glob.CompareSpecificity(b.glob) > 0;
  });
  return set;
}

absl::Status PolicySet::Add(const Policy& policy, absl::string_view path) {
  for (const auto& other : policies_) {
    if (other->policy.name != policy.name) continue;
    return MakeError(
        absl::StatusCode::kInvalidArgument, "POLICY_NAME_TAKEN",
        absl::StrCat("policy \"", policy.name, "\" is defined twice; rename or remove one of them"),
        absl::StrCat(path, ".name"));
  }
  policies_.push_back(std::make_shared<const RulingPolicy>(policy));
  const std::shared_ptr<const RulingPolicy> ruling = policies_.back();
  if (policy.name == "default") default_ = ruling;
  for (size_t i = 0; i < policy.match.size(); ++i) {
    absl::StatusOr<Glob> glob = Glob::Parse(policy.match[i]);
    if (!glob.ok()) return glob.status();
    const absl::Status added =
        AddRule({*std::move(glob), ruling}, absl::StrCat(path, ".match[", i, "]"));
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

absl::Status PolicySet::AddRule(Rule rule, absl::string_view path) {
  for (const Rule& other : rules_) {
    if (other.policy == rule.policy) continue;
    if (rule.glob.CompareSpecificity(other.glob) != 0) continue;
    if (!rule.glob.Overlaps(other.glob)) continue;
    return MakeError(absl::StatusCode::kInvalidArgument, "POLICY_MATCH_TIE",
                     absl::StrCat("policy \"", rule.policy->policy.name, "\": match \"",
                                  rule.glob.text(), "\" is as specific as \"", other.glob.text(),
                                  "\" of policy \"", other.policy->policy.name,
                                  "\" and both match some name; make one of them more specific"),
                     path);
  }
  rules_.push_back(std::move(rule));
  return absl::OkStatus();
}

std::shared_ptr<const RulingPolicy> PolicySet::Match(absl::string_view breaker) const {
  for (const Rule& rule : rules_) {
    if (rule.glob.Matches(breaker)) return rule.policy;
  }
  return default_;
}

absl::string_view PolicySet::MatchingGlob(absl::string_view breaker) const {
  for (const Rule& rule : rules_) {
    if (rule.glob.Matches(breaker)) return rule.glob.text();
  }
  return "";
}

}  // namespace fusebox
