#include "client/cli/flags.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "client/cli/variables.h"
#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

TEST(MomentTest, IsATimeOrHowLongAgo) {
  const absl::Time now = absl::FromUnixSeconds(1'000'000'000);
  for (const char* text : {"15m", "1h30m", "0s", "2001-09-09T01:46:40Z"}) {
    EXPECT_EQ(MomentFault(text), "");
  }
  EXPECT_EQ(ParseMoment("15m", now), now - absl::Minutes(15));
  EXPECT_EQ(ParseMoment("2001-09-09T01:46:40Z", now), now);
  EXPECT_EQ(ParseMoment("2001-09-09T03:46:40.5+02:00", now), now + absl::Milliseconds(500));
}

TEST(MomentTest, IsNothingElse) {
  for (const char* text : {"15", "-5m", "2001-09-09", "2001-09-09T01:46:40", "yesterday", ""}) {
    EXPECT_EQ(MomentFault(text),
              std::string("\"") + text +
                  "\" is no moment; write how long ago, like 15m, or a time with its zone, like "
                  "2026-02-03T04:05:06Z");
  }
}

// An app with a flag, a verb, a group of verbs, and a nameless group of flags.
class VariablesTest : public testing::Test {
 public:
  ~VariablesTest() override {
    unsetenv("FUSEBOX_DO_IT_HTTP_STATUS");
    unsetenv("FUSEBOX_OUTPUT");
  }

 protected:
  VariablesTest() {
    app_.add_option("-o,--output", output_);
    CLI::App& verb = *app_.add_subcommand("do-it");
    verb.add_option("NAME", name_);
    verb.add_option_group("Result")->add_option("--http-status", status_);
    app_.add_subcommand("policy")->add_subcommand("list")->add_option("--limit", limit_);
    NameVariables(app_);
  }

  CLI::App app_{"", "fuseboxctl"};
  std::string output_, name_;
  int status_ = 0, limit_ = 0;
};

TEST_F(VariablesTest, AreNamedByVerbAndFlag) {
  EXPECT_EQ(app_.get_option("--output")->get_envname(), "FUSEBOX_OUTPUT");
  CLI::App* list = app_.get_subcommand("policy")->get_subcommand("list");
  EXPECT_EQ(list->get_option("--limit")->get_envname(), "FUSEBOX_POLICY_LIST_LIMIT");
}

TEST_F(VariablesTest, ThoseOfANamelessGroupAreTheVerbs) {
  setenv("FUSEBOX_DO_IT_HTTP_STATUS", "503", 1);
  app_.parse("do-it");
  EXPECT_EQ(status_, 503);
}

TEST_F(VariablesTest, HelpAndArgumentsHaveNone) {
  EXPECT_EQ(app_.get_help_ptr()->get_envname(), "");
  EXPECT_EQ(app_.get_subcommand("do-it")->get_option("NAME")->get_envname(), "");
}

TEST_F(VariablesTest, AreBlamedForWhatTheySaid) {
  setenv("FUSEBOX_OUTPUT", "xml", 1);
  app_.parse("");
  EXPECT_EQ(BlameVariable(app_, "--output: xml is bad"), "  FUSEBOX_OUTPUT is set to \"xml\".\n");
  EXPECT_EQ(BlameVariable(app_, "--limit: xml is bad"), "");
}

TEST_F(VariablesTest, AreNotBlamedForAFlag) {
  setenv("FUSEBOX_OUTPUT", "xml", 1);
  app_.parse("--output json");
  EXPECT_EQ(BlameVariable(app_, "--output: json is bad"), "");
}

}  // namespace
}  // namespace fusebox::cli
