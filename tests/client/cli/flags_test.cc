#include "client/cli/flags.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "client/cli/enums.h"
#include "client/cli/variables.h"
#include "fusebox/v1/admin.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

using ::testing::HasSubstr;

// What a flag makes of a text; what is said of it if it is refused.
template <typename Declare>
std::string Parsed(Declare declare, const std::string& text) {
  CLI::App app;
  std::string value;
  declare(FlagSet(app).Add("--flag", value, "A flag"));
  try {
    app.parse(std::vector<std::string>{text, "--flag"});  // CLI11 takes them from the back.
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return value;
}

template <typename Enum>
void IsEnum(Flag flag) {
  flag.OneOf(EnumNames<Enum>());
}

TEST(OneOfTest, MakesWhatPeopleWriteTheNameThatIsMeant) {
  for (const char* text : {"half-open", "HALF_OPEN", "Half_Open"}) {
    EXPECT_EQ(Parsed(IsEnum<v1::State>, text), "HALF_OPEN");
  }
  EXPECT_EQ(Parsed(IsEnum<v1::OverrideMode>, "forced-closed"), "FORCED_CLOSED");
}

TEST(OneOfTest, RefusesWhatIsNoneAndNamesThoseThatAre) {
  for (const char* text : {"UNSPECIFIED", "STATE_OPEN", "", "halfopen"}) {
    EXPECT_THAT(Parsed(IsEnum<v1::State>, text), HasSubstr("not in {CLOSED,OPEN,HALF_OPEN}"));
  }
}

TEST(DurationFlagTest, HasAUnitAndIsFromZeroOn) {
  for (const char* text : {"30ms", "5s", "1h30m", "0s", "0"}) EXPECT_EQ(DurationFault(text), "");
  for (const char* text : {"5", "-5s", "inf", "soon", ""}) {
    EXPECT_THAT(DurationFault(text), HasSubstr("is no duration; write a number with a unit"));
  }
}

TEST(OptionalFlagTest, TakesAnEmptyTextForAValue) {
  CLI::App app;
  std::optional<std::string> value;
  FlagSet(app).Add("--prefix", value, "A prefix");
  app.parse(std::vector<std::string>{"", "--prefix"});
  EXPECT_EQ(value, "");
}

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
