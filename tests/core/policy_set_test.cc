#include "core/policy_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

Policy Named(std::string name, std::vector<std::string> match) {
  Policy policy;
  policy.name = std::move(name);
  policy.match = std::move(match);
  return policy;
}

std::shared_ptr<const PolicySet> SetOf(const std::vector<Policy>& policies) {
  absl::StatusOr<std::shared_ptr<const PolicySet>> set = PolicySet::Make(policies);
  EXPECT_TRUE(set.ok()) << set.status();
  return set.ok() ? *std::move(set) : *PolicySet::Make({});
}

std::string Ruler(const PolicySet& set, absl::string_view breaker) {
  return set.Match(breaker)->policy.name;
}

// Fusebox works without any configuration.
TEST(PolicySetTest, ThereIsAlwaysADefault) {
  const auto set = SetOf({});
  EXPECT_EQ(set->size(), 1u);
  EXPECT_EQ(Ruler(*set, "anything/at/all"), "default");
  EXPECT_EQ(set->Match("x")->policy.circuit_breaker, CircuitBreakerPolicy{});
}

// The default is a policy like any other: its numbers can be changed.
TEST(PolicySetTest, TheDefaultCanBeGivenAndRulesWhatNothingElseMatches) {
  Policy own;
  own.circuit_breaker.consecutive_failures = 9;
  const auto set = SetOf({Named("db", {"db/**"}), own});
  EXPECT_EQ(set->size(), 2u);
  EXPECT_EQ(Ruler(*set, "db/orders"), "db");
  EXPECT_EQ(Ruler(*set, "dbx"), "default");
  EXPECT_EQ(set->Match("dbx")->policy.circuit_breaker.consecutive_failures, 9u);
}

// Even a policy that matches all goes before the default.
TEST(PolicySetTest, TheDefaultGoesLast) {
  EXPECT_EQ(Ruler(*SetOf({Named("everything", {"**"})}), "a"), "everything");
}

// The order of definition must not matter: files are sorted by people.
TEST(PolicySetTest, TheMostSpecificRulesWhateverTheOrder) {
  std::vector<Policy> policies = {Named("all", {"**"}),
                                  Named("dir", {"payments.v1.*/**"}),
                                  Named("one", {"*/Charge"}),
                                  Named("long", {"payments.v1.Charge*/Charge"}),
                                  Named("lit", {"payments.v1.ChargeService/Charge"}),
                                  Named("sub", {"payments.v1.*/Charge"})};
  std::sort(policies.begin(), policies.end(),
            [](const Policy& a, const Policy& b) { return a.name < b.name; });
  do {
    const auto set = SetOf(policies);
    EXPECT_EQ(Ruler(*set, "payments.v1.ChargeService/Charge"), "lit");
    EXPECT_EQ(Ruler(*set, "payments.v1.Charger/Charge"), "long");
    EXPECT_EQ(Ruler(*set, "payments.v1.Refunds/Charge"), "sub");
    EXPECT_EQ(Ruler(*set, "payments.v1.Refunds/x/y"), "dir");
    EXPECT_EQ(Ruler(*set, "other/Charge"), "one");
    EXPECT_EQ(Ruler(*set, "other"), "all");
  } while (std::next_permutation(policies.begin(), policies.end(),
                                 [](const auto& a, const auto& b) { return a.name < b.name; }));
}

// From the left: a literal first segment beats any number of literals further right.
TEST(PolicySetTest, SegmentsAreComparedFromTheLeft) {
  const auto set = SetOf({Named("left", {"a/**"}), Named("right", {"*/b/c"})});
  EXPECT_EQ(Ruler(*set, "a/b/c"), "left");
  EXPECT_EQ(Ruler(*set, "x/b/c"), "right");
}

// A policy is one thing with several globs.
TEST(PolicySetTest, EachGlobOfAPolicyCounts) {
  const auto set = SetOf({Named("data", {"db/*", "cache/*", "db/*"}), Named("hot", {"cache/hot"})});
  EXPECT_EQ(Ruler(*set, "db/x"), "data");
  EXPECT_EQ(Ruler(*set, "cache/x"), "data");
  EXPECT_EQ(Ruler(*set, "cache/hot"), "hot");
}

// One policy rules whole: nothing is merged from the less specific one.
TEST(PolicySetTest, NothingIsMerged) {
  Policy general = Named("general", {"db/**"});
  general.circuit_breaker.max_probes = 7;
  Policy special = Named("special", {"db/a"});
  special.circuit_breaker.success_threshold = 9;
  const auto set = SetOf({general, special});
  EXPECT_EQ(set->Match("db/a")->policy.circuit_breaker.max_probes, 3u);
  EXPECT_EQ(set->Match("db/a")->policy.circuit_breaker.success_threshold, 9u);
}

// With a tie, which policy rules would depend on luck.
TEST(PolicySetTest, ATieIsRefusedAndNamesBothGlobs) {
  const auto set =
      PolicySet::Make({Named("first", {"x", "**/a/**"}), Named("second", {"**/b/**"})});
  EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(set.status()), "POLICY_MATCH_TIE");
  EXPECT_EQ(ErrorField(set.status()), "policies[1].match[0]");
  EXPECT_THAT(std::string(set.status().message()),
              AllOf(HasSubstr("policy \"second\": match \"**/b/**\""),
                    HasSubstr("\"**/a/**\" of policy \"first\""), HasSubstr("more specific")));
}

// The plainest tie.
TEST(PolicySetTest, TheSameGlobInTwoPoliciesIsATie) {
  const auto set = PolicySet::Make({Named("first", {"db/*"}), Named("second", {"db/*"})});
  EXPECT_EQ(ErrorReason(set.status()), "POLICY_MATCH_TIE");
}

// Whoever reads policies from a file can say in which line they tie.
TEST(PolicySetTest, ATieIsFoundByItsPlaceAmongThePolicies) {
  const auto set = PolicySet::Make(
      {Named("first", {"a", "db/*"}), Named("second", {"b"}), Named("third", {"c", "db/*"})});
  EXPECT_EQ(ErrorField(set.status()), "policies[2].match[1]");
}

// Globs that share no name never tie, however alike.
TEST(PolicySetTest, EquallySpecificGlobsWithoutACommonNameAreNoTie) {
  const auto set = SetOf({Named("a", {"a/*", "xa*"}), Named("b", {"b/*", "xb*"})});
  EXPECT_EQ(Ruler(*set, "a/1"), "a");
  EXPECT_EQ(Ruler(*set, "xb1"), "b");
}

// A thousand policies with all the globs that they may have are checked and matched by their heads;
// each with each would be two billion comparisons.
TEST(PolicySetTest, ManyPoliciesAreNoProduct) {
  std::vector<Policy> policies;
  for (int i = 0; i < 1'000; ++i) {
    policies.push_back(Named(absl::StrCat("p", i), {}));
    for (size_t j = 0; j < kMaxGlobsPerPolicy; ++j) {
      policies.back().match.push_back(absl::StrCat("service", i, "/method", j, "/*"));
    }
  }
  const auto set = SetOf(policies);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(Ruler(*set, absl::StrCat("service", i, "/method63/x")), absl::StrCat("p", i));
  }
  EXPECT_EQ(Ruler(*set, "service1000/method0/x"), "default");
}

// Two policies with one name could not be told apart afterwards.
TEST(PolicySetTest, ANameIsTakenOnce) {
  const auto set = PolicySet::Make({Named("db", {"a"}), Named("db", {"b"})});
  EXPECT_EQ(set.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(set.status()), "POLICY_NAME_TAKEN");
  EXPECT_EQ(ErrorField(set.status()), "policies[1].name");
  EXPECT_THAT(std::string(set.status().message()),
              AllOf(HasSubstr("policy \"db\" is defined twice"), HasSubstr("rename or remove")));
}

// The policy classifies, so its table is built with it.
TEST(PolicySetTest, ARulingPolicyClassifies) {
  Policy policy = Named("db", {"db"});
  policy.classification.http[404] = Outcome::kFailure;
  const auto set = SetOf({policy});
  EXPECT_EQ(set->Match("db")->classification.Classify(Result::Http(404)), Outcome::kFailure);
  EXPECT_EQ(set->Match("x")->classification.Classify(Result::Http(404)), Outcome::kCallerError);
}

}  // namespace
}  // namespace fusebox
