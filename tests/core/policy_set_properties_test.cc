// Random policies beside a list that is searched from end to end.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "core/policy_set.h"
#include "core/random_globs.h"

namespace fusebox {
namespace {

struct Rule {
  Glob glob;
  std::string policy;
  std::string path;
};

std::vector<Policy> DrawPolicies(const Segments& of) {
  std::vector<Policy> policies(*rc::gen::inRange<size_t>(0, 8));
  for (size_t i = 0; i < policies.size(); ++i) {
    policies[i].name = absl::StrCat("p", i);
    for (int globs = *rc::gen::inRange(1, 5); globs > 0; --globs) {
      policies[i].match.push_back(Join(DrawSegments(of, 4)).text());
    }
  }
  return policies;
}

std::vector<Rule> RulesOf(const std::vector<Policy>& policies) {
  std::vector<Rule> rules;
  for (size_t i = 0; i < policies.size(); ++i) {
    for (size_t j = 0; j < policies[i].match.size(); ++j) {
      rules.push_back({*Glob::Parse(policies[i].match[j]), policies[i].name,
                       absl::StrCat("policies[", i, "].match[", j, "]")});
    }
  }
  return rules;
}

// The first two that tie, the later of them first.
std::optional<std::pair<Rule, Rule>> FindTie(const std::vector<Rule>& rules) {
  for (size_t later = 0; later < rules.size(); ++later) {
    for (size_t earlier = 0; earlier < later; ++earlier) {
      const Rule &a = rules[later], &b = rules[earlier];
      if (a.policy == b.policy || a.glob.CompareSpecificity(b.glob) != 0) continue;
      if (a.glob.Overlaps(b.glob)) return std::pair(a, b);
    }
  }
  return std::nullopt;
}

// Each pair of globs is compared here.
RC_GTEST_PROP(PolicySetProperties, FindsTheTieThatComparingAllFinds, ()) {
  const std::vector<Policy> policies = DrawPolicies({"a", "b", "a*", "b*", "*", "**"});
  const auto tie = FindTie(RulesOf(policies));
  const auto set = PolicySet::Make(policies);
  RC_ASSERT(set.ok() == !tie.has_value());
  if (!tie.has_value()) return;
  const auto& [later, earlier] = *tie;
  RC_ASSERT(ErrorReason(set.status()) == "POLICY_MATCH_TIE");
  RC_ASSERT(ErrorField(set.status()) == later.path);
  const std::string names = absl::StrCat(
      "policy \"", later.policy, "\": match \"", later.glob.text(), "\" is as specific as \"",
      earlier.glob.text(), "\" of policy \"", earlier.policy, "\"");
  RC_ASSERT(set.status().message().find(names) != absl::string_view::npos);
}

// Globs that cannot stay with those before them are left out here.
RC_GTEST_PROP(PolicySetProperties, MatchesAsIfAllWereTriedInOrder, ()) {
  std::vector<Policy> policies = DrawPolicies({"a", "ab", "abc", "b", "c", "a*", "ab*", "*", "**"});
  while (const auto tie = FindTie(RulesOf(policies))) {
    for (Policy& policy : policies) {
      if (policy.name == tie->first.policy) std::erase(policy.match, tie->first.glob.text());
    }
  }
  const auto set = PolicySet::Make(policies);
  RC_ASSERT(set.ok());
  std::vector<Rule> rules = RulesOf(policies);
  std::stable_sort(rules.begin(), rules.end(), [](const Rule& a, const Rule& b) {
    return a.glob.CompareSpecificity(b.glob) > 0;
  });
  for (int i = 0; i < 20; ++i) {
    const std::string name = DrawName();
    const auto rule = std::find_if(rules.begin(), rules.end(),
                                   [&](const Rule& r) { return r.glob.Matches(name); });
    const bool is_ruled = rule != rules.end();
    RC_ASSERT((*set)->Match(name)->policy.name == (is_ruled ? rule->policy : "default"));
    RC_ASSERT((*set)->MatchingGlob(name) == (is_ruled ? rule->glob.text() : ""));
  }
}

}  // namespace
}  // namespace fusebox
