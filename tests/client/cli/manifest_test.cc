#include "client/cli/manifest.h"

#include <sstream>
#include <string>

#include "absl/strings/str_replace.h"
#include "client/cli/command.h"
#include "client/cli/files.h"
#include "client/cli/resource_text.h"
#include "client/cli/talk.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "testing/temporary_directory.h"

namespace fusebox::cli {
namespace {

using ::testing::ElementsAre;

class ManifestTest : public testing::Test {
 protected:
  absl::StatusOr<ManifestFile> Read(absl::string_view text) {
    EXPECT_TRUE(WriteFile(path_, text).ok());
    return ReadManifest(path_);
  }

  // The complaint, with "F" for the file.
  std::string Complaint(absl::string_view text) {
    return absl::StrReplaceAll(Read(text).status().message(), {{path_, "F"}});
  }

  const TemporaryDirectory folder_;
  const std::string path_ = folder_.path() + "/fusebox.yaml";
};

TEST_F(ManifestTest, HoldsPoliciesAndBudgets) {
  const auto file = Read(
      "policies:\n"
      "  - name: payments\n"
      "    match: [payments/**]\n"
      "retry_budgets:\n"
      "  - name: checkout\n"
      "    settings: {retry_ratio: 0.1}\n");
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->manifest.policies(0).match(0), "payments/**");
  EXPECT_EQ(file->manifest.retry_budgets(0).settings().retry_ratio(), 0.1);
}

TEST_F(ManifestTest, TellsAllThatIsWrongWithItsNames) {
  EXPECT_EQ(Complaint("policies:\n- name: a\n- name: a\n- match: [b]\n- name: ../b\n"),
            "F:3: policies[1].name is \"a\", as is that at F:2; remove one\n"
            "F:4: policies[2].name is \"\"; use lower-case letters, digits and dashes, at most 63\n"
            "F:5: policies[3].name is \"../b\"; use lower-case letters, digits and dashes, at most "
            "63");
}

TEST_F(ManifestTest, MayHaveAPolicyAndABudgetOfOneName) {
  EXPECT_TRUE(Read("{policies: [{name: a}], retry_budgets: [{name: a}]}").ok());
}

TEST_F(ManifestTest, IsRefusedWhenItHoldsNothing) {
  for (const char* text :
       {"", "# only this\n", "policies: []", "{policies: [], retry_budgets: []}"}) {
    EXPECT_EQ(
        Complaint(text),
        "F holds nothing; write policies: or retry_budgets: into it, as in the server's file");
  }
}

TEST_F(ManifestTest, SaysWhereTheFieldOfAnErrorStands) {
  const auto file = Read("policies:\n- name: a\n  circuit_breaker:\n    max_probes: 0\n");
  ASSERT_TRUE(file.ok());
  const About about = AboutResource<v1::Policy>(*file, 0, "a");
  EXPECT_EQ(about.what, path_ + ":2: policy/a: ");
  // However the server calls it.
  EXPECT_EQ(about.locate("circuit_breaker.max_probes"), path_ + ":4");
  EXPECT_EQ(about.locate("policy.circuit_breaker.max_probes"), path_ + ":4");
  EXPECT_EQ(about.locate("match"), path_ + ":2");
}

TEST_F(ManifestTest, EachLineOfAComplaintIsALine) {
  std::ostringstream stream;
  Talk err(stream);
  EXPECT_EQ(ReportBadFile(err, absl::InvalidArgumentError("one\ntwo")), kUsage);
  EXPECT_EQ(stream.str(), "fuseboxctl: one\nfuseboxctl: two\n");
}

TEST(ResourceTest, BareIsWhatAFileWouldSay) {
  v1::RetryBudget budget;
  budget.set_name("a");
  budget.mutable_info()->set_etag("5");
  budget.mutable_status()->set_spent(7);
  EXPECT_EQ(BareYaml(budget), "name: a\n");
}

TEST(ResourceTest, NamesMayTellTheKind) {
  EXPECT_EQ(FullName<v1::Policy>("a"), "policy/a");
  EXPECT_EQ(ShortName<v1::Policy>("policy/a"), "a");
  EXPECT_EQ(ShortName<v1::RetryBudget>("budget"), "budget");
  EXPECT_EQ(ShortName<v1::RetryBudget>("policy/a"), "policy/a");
}

TEST(ResourceTest, IsShownAsARowForEachFieldThatIsSet) {
  v1::Policy policy;
  policy.set_name("a");
  policy.add_match("x");
  policy.add_match("y");
  policy.mutable_circuit_breaker()->mutable_open_duration()->set_seconds(90);
  (*policy.mutable_classification()->mutable_http())["404"] = v1::OUTCOME_FAILURE;
  std::ostringstream out;
  FieldsTable(policy).Write(out, /*colour=*/false);
  EXPECT_EQ(out.str(),
            "name                           a\n"
            "match                          x y\n"
            "circuit_breaker.open_duration  1m30s\n"
            "classification.http.404        FAILURE\n");
}

TEST(ResourceTest, AListTellsWhenAPolicyOpensDefaultsIncluded) {
  Manifest manifest;
  manifest.add_policies()->set_name("default");
  v1::Policy& never = *manifest.add_policies();
  never.set_name("never");
  never.mutable_circuit_breaker()->set_consecutive_failures(0);
  never.mutable_circuit_breaker()->set_failure_rate_threshold(0);
  never.set_shared_retry_budget("checkout");
  const Document document = ManifestDocument(manifest);
  std::ostringstream out;
  document.table(/*wide=*/false).Write(out, /*colour=*/false);
  EXPECT_EQ(out.str(),
            "POLICY   MATCH  OPENS-AT                  OPEN-FOR  RETRY-BUDGET  SOURCE\n"
            "default  -      5 in a row, 50.0% failed  30s       its own       -\n"
            "never    -      never                     30s       checkout      -\n");
  EXPECT_THAT(*document.names, ElementsAre("policy/default", "policy/never"));
}

}  // namespace
}  // namespace fusebox::cli
