#include "core/policy_set.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {

// What only matters while a set is made.
struct PolicySet::Draft {
  absl::flat_hash_set<std::string> names;
  // Of each TieKey() the first rule's place in `rules_`. All with this key are of one policy.
  absl::flat_hash_map<std::string, size_t> ties;
};

absl::StatusOr<std::shared_ptr<const PolicySet>> PolicySet::Make(
    absl::Span<const Policy> policies) {
  std::shared_ptr<PolicySet> set(new PolicySet);
  Draft draft;
  for (size_t i = 0; i < policies.size(); ++i) {
    const absl::Status added = set->Add(policies[i], absl::StrCat("policies[", i, "]"), draft);
    if (!added.ok()) return added;
  }
  if (set->default_ == nullptr) {
    if (const absl::Status added = set->Add(Policy{}, "", draft); !added.ok()) return added;
  }
  set->IndexRules();
  return set;
}

absl::Status PolicySet::Add(const Policy& policy, absl::string_view path, Draft& draft) {
  if (!draft.names.insert(policy.name).second) {
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
    const absl::Status added = AddRule({std::make_shared<const Glob>(*std::move(glob)), ruling},
                                       absl::StrCat(path, ".match[", i, "]"), draft);
    if (!added.ok()) return added;
  }
  return absl::OkStatus();
}

absl::Status PolicySet::AddRule(Rule rule, absl::string_view path, Draft& draft) {
  const auto [place, is_first] = draft.ties.emplace(rule.glob->TieKey(), rules_.size());
  if (!is_first && rules_[place->second].policy != rule.policy) {
    const Rule& other = rules_[place->second];
    return MakeError(absl::StatusCode::kInvalidArgument, "POLICY_MATCH_TIE",
                     absl::StrCat("policy \"", rule.policy->policy.name, "\": match \"",
                                  rule.glob->text(), "\" is as specific as \"", other.glob->text(),
                                  "\" of policy \"", other.policy->policy.name,
                                  "\" and both match some name; make one of them more specific"),
                     path);
  }
  rules_.push_back(std::move(rule));
  return absl::OkStatus();
}

// Of equally specific ones, which are of one policy if they tie, the first goes first.
void PolicySet::IndexRules() {
  std::reverse(rules_.begin(), rules_.end());
  std::stable_sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) {
    return a.glob->CompareSpecificity(*b.glob) < 0;
  });
  std::vector<GlobIndex::Entry> entries;
  entries.reserve(rules_.size());
  for (const Rule& rule : rules_) entries.push_back({rule.glob, entries.size()});
  index_ = GlobIndex(std::move(entries));
}

const PolicySet::Rule* PolicySet::FindRule(absl::string_view breaker) const {
  const std::optional<uint64_t> place = index_.First(breaker);
  return place.has_value() ? &rules_[*place] : nullptr;
}

std::shared_ptr<const RulingPolicy> PolicySet::Match(absl::string_view breaker) const {
  const Rule* rule = FindRule(breaker);
  return rule == nullptr ? default_ : rule->policy;
}

absl::string_view PolicySet::MatchingGlob(absl::string_view breaker) const {
  const Rule* rule = FindRule(breaker);
  return rule == nullptr ? "" : absl::string_view(rule->glob->text());
}

}  // namespace fusebox
