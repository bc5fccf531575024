#include "client/cli/candidate.h"

#include <string>

#include "absl/strings/str_replace.h"
#include "client/cli/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/temporary_directory.h"

namespace fusebox::cli {
namespace {

class CandidateTest : public testing::Test {
 protected:
  absl::StatusOr<Candidate> Read(absl::string_view text, absl::string_view breaker = "db/orders") {
    const auto file = ReadOnly(text);
    if (!file.ok()) return file.status();
    return file->Choose(breaker);
  }

  // Reads and checks the file, for no breaker yet.
  absl::StatusOr<CandidateFile> ReadOnly(absl::string_view text) {
    EXPECT_TRUE(WriteFile(path_, text).ok());
    return CandidateFile::Read(path_);
  }

  // Which policy of a sound file rules.
  std::string Ruling(absl::string_view text, absl::string_view breaker) {
    const auto candidate = Read(text, breaker);
    EXPECT_TRUE(candidate.ok()) << candidate.status();
    return candidate.ok() ? candidate->ruling->policy.name : "";
  }

  // The complaint, with "F" for the file.
  std::string Complaint(absl::string_view text) {
    return absl::StrReplaceAll(Read(text).status().message(), {{path_, "F"}});
  }

  const TemporaryDirectory folder_;
  const std::string path_ = folder_.path() + "/fusebox.yaml";
};

// Drafts are tried on traces of other breakers.
TEST_F(CandidateTest, TheOnlyPolicyRulesWhateverItMatches) {
  const auto candidate = Read("policies: [{name: a, match: [payments/**]}]");
  ASSERT_TRUE(candidate.ok()) << candidate.status();
  EXPECT_EQ(candidate->ruling->policy.name, "a");
  EXPECT_FALSE(candidate->is_built_in);
}

TEST_F(CandidateTest, OfSeveralPoliciesTheBestMatchRules) {
  const std::string text =
      "policies: [{name: all, match: [db/**]}, {name: one, match: [db/orders]}]";
  EXPECT_EQ(Ruling(text, "db/orders"), "one");
  EXPECT_EQ(Ruling(text, "db/carts"), "all");
  EXPECT_EQ(Ruling(text, "trace"), "default");
}

TEST_F(CandidateTest, KnowsTheBuiltInDefaultFromThatOfTheFile) {
  const std::string two = "policies: [{name: a, match: [a]}, {name: b, match: [b]}]";
  EXPECT_TRUE(Read(two)->is_built_in);
  EXPECT_FALSE(Read("policies: [{name: a, match: [a]}, {name: default}]")->is_built_in);
  EXPECT_TRUE(Read("retry_budgets: [{name: a}]")->is_built_in);
}

TEST_F(CandidateTest, HasTheNumbersOfTheBudgetThatItsPolicyShares) {
  const std::string policy = "policies: [{name: a, match: [a], shared_retry_budget: checkout}]\n";
  const auto candidate =
      Read(policy + "retry_budgets: [{name: checkout, settings: {min_retries_per_second: 7}}]");
  ASSERT_TRUE(candidate.ok()) << candidate.status();
  ASSERT_TRUE(candidate->shared_budget.has_value());
  EXPECT_EQ(candidate->shared_budget->min_retries_per_second, 7u);
  EXPECT_EQ(Complaint(policy),
            "F: policy \"a\" shares the retry budget \"checkout\", which is not in the file; add "
            "it to retry_budgets:");
}

TEST_F(CandidateTest, TellsAllThatIsWrongWithTheFile) {
  EXPECT_THAT(
      Complaint("policies:\n"
                "- name: a\n"
                "  match: [a]\n"
                "  circuit_breaker:\n"
                "    jitter: 3\n"
                "retry_budgets:\n"
                "- name: b\n"
                "  settings: {retry_ratio: -1}\n"),
      testing::AllOf(testing::StartsWith("F:5: policies[0].circuit_breaker.jitter is 3; "),
                     testing::HasSubstr("\nF:8: retry_budgets[0].settings.retry_ratio is -1; ")));
}

TEST_F(CandidateTest, RefusesPoliciesThatTie) {
  EXPECT_THAT(Complaint("policies:\n"
                        "- {name: a, match: [a]}\n"
                        "- {name: b, match: [a]}\n"),
              testing::StartsWith("F:3: policies[1].match[0]: "));
}

TEST_F(CandidateTest, ChoosesForAnyBreakerOfWhatWasReadOnce) {
  const auto file =
      ReadOnly("policies: [{name: all, match: [db/**]}, {name: one, match: [db/orders]}]");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_TRUE(WriteFile(path_, "policies: [{name: other, match: [a]}]").ok());
  EXPECT_EQ(file->Choose("db/orders")->ruling->policy.name, "one");
  EXPECT_EQ(file->Choose("db/carts")->ruling->policy.name, "all");
}

TEST_F(CandidateTest, NeedsNoBreakerToMissTheBudgetOfTheOnlyPolicy) {
  const auto file = ReadOnly("policies: [{name: a, match: [a], shared_retry_budget: checkout}]");
  EXPECT_THAT(file.status().message(), testing::HasSubstr("shares the retry budget \"checkout\""));
}

// Those that are not tried need none.
TEST_F(CandidateTest, OfSeveralPoliciesTheChosenOneNeedsItsBudget) {
  const auto file = ReadOnly(
      "policies: [{name: a, match: [a], shared_retry_budget: checkout}, {name: b, match: [b]}]");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_TRUE(file->Choose("b").ok());
  EXPECT_THAT(file->Choose("a").status().message(),
              testing::HasSubstr("shares the retry budget \"checkout\""));
}

}  // namespace
}  // namespace fusebox::cli
