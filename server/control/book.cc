#include "server/control/book.h"

#include <utility>

#include "proto/convert/convert.h"

namespace fusebox {

v1::Policy BuiltInDefault() {
  v1::Policy policy;
  policy.set_name("default");
  policy.mutable_info()->set_source(v1::SOURCE_BUILT_IN);
  policy.mutable_info()->set_etag("built-in");
  return policy;
}

Book::Book() : overrides(std::make_shared<OverrideSet>()) {
  policies["default"] = std::make_shared<const v1::Policy>(BuiltInDefault());
}

absl::StatusOr<EngineRules> MakeRules(const Book& book) {
  EngineRules rules;
  std::vector<FieldError> unused;  // Each was checked when it came.
  for (const auto& [name, policy] : book.policies) {
    rules.policies.push_back(FromProto(*policy, unused));
  }
  for (const auto& [name, budget] : book.retry_budgets) {
    rules.budgets.push_back({name, FromProto(budget->settings(), "", unused)});
  }
  if (absl::Status sound = Engine::CheckPolicies(rules.policies, rules.budgets).status();
      !sound.ok()) {
    return sound;
  }
  return rules;
}

}  // namespace fusebox
