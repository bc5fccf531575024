#include "client/cli/flag_set.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/cli/enums.h"
#include "fusebox/v1/admin.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class FlagSetTest : public testing::Test {
 protected:
  // What is wrong with a command line; nothing if it was taken.
  std::string Fault(std::initializer_list<std::string> words) {
    std::vector<std::string> from_the_back(words);  // As CLI11 takes them.
    std::reverse(from_the_back.begin(), from_the_back.end());
    try {
      app_.parse(from_the_back);
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
    return "";
  }

  // The line of the help that is about a flag.
  std::string HelpOf(const std::string& flag) {
    const std::string help = app_.help();
    const size_t begin = help.find(flag);
    return begin == std::string::npos ? "" : help.substr(begin, help.find('\n', begin) - begin);
  }

  CLI::App app_{"", "fuseboxctl"};
  const FlagSet verb_{app_};
  std::string text_;
};

TEST_F(FlagSetTest, EachKindOfValueIsRead) {
  bool once = false;
  int history = 0;
  uint32_t attempt = 0;
  std::optional<int> limit;
  absl::Duration timeout, untouched = absl::Seconds(5);
  std::optional<absl::Duration> ttl, none;
  std::vector<std::string> fallbacks;
  verb_.Add("--once", once, "");
  verb_.Add("--history", history, "");
  verb_.Add("--attempt", attempt, "");
  verb_.Add("--limit", limit, "");
  verb_.Add("-t,--timeout", timeout, "");
  verb_.Add("--interval", untouched, "");
  verb_.Add("--ttl", ttl, "");
  verb_.Add("--max-wait", none, "");
  verb_.Add("--fallback", fallbacks, "");
  verb_.Add("NAME", text_, "");
  EXPECT_EQ(Fault({"db/orders", "--once", "--history", "3", "--attempt=2", "--limit", "7", "-t",
                   "2s", "--ttl", "1h30m", "--fallback", "a", "--fallback", "b"}),
            "");
  EXPECT_EQ(text_, "db/orders");
  EXPECT_TRUE(once);
  EXPECT_EQ(history, 3);
  EXPECT_EQ(attempt, 2u);
  EXPECT_EQ(limit, 7);
  EXPECT_EQ(timeout, absl::Seconds(2));
  EXPECT_EQ(untouched, absl::Seconds(5));
  EXPECT_EQ(ttl, absl::Minutes(90));
  EXPECT_EQ(none, std::nullopt);
  EXPECT_THAT(fallbacks, ElementsAre("a", "b"));
}

TEST_F(FlagSetTest, WhatIsRequiredMustBeThere) {
  verb_.Add("--reason", text_, "Why").Required();
  EXPECT_THAT(Fault({}), HasSubstr("--reason is required"));
  EXPECT_EQ(Fault({"--reason", "outage"}), "");
}

TEST_F(FlagSetTest, NumbersHaveBounds) {
  int positive = 0, count = 0, share = 0;
  verb_.Add("--positive", positive, "").Positive();
  verb_.Add("--count", count, "").NonNegative();
  verb_.Add("--share", share, "").Between(1, 1000);
  EXPECT_EQ(Fault({"--positive", "1", "--count", "0", "--share", "1000"}), "");
  EXPECT_EQ(Fault({"--positive", "0"}), "--positive: \"0\" is no number from 1 on");
  EXPECT_EQ(Fault({"--count=-1"}), "--count: \"-1\" is no number from 0 on");
  EXPECT_THAT(Fault({"--share", "1001"}), HasSubstr("not in range"));
  EXPECT_THAT(Fault({"--share", "0"}), HasSubstr("not in range"));
  EXPECT_THAT(Fault({"--count", "many"}), HasSubstr("many"));
}

TEST_F(FlagSetTest, OneOfMakesWhatPeopleWriteTheNameThatIsMeant) {
  verb_.Add("--state", text_, "").OneOf(EnumNames<v1::State>());
  for (const char* written : {"half-open", "HALF_OPEN", "Half_Open"}) {
    EXPECT_EQ(Fault({"--state", written}), "");
    EXPECT_EQ(text_, "HALF_OPEN");
  }
}

TEST_F(FlagSetTest, OneOfRefusesWhatIsNoneAndNamesThoseThatAre) {
  verb_.Add("--state", text_, "").OneOf(EnumNames<v1::State>());
  for (const char* written : {"UNSPECIFIED", "STATE_OPEN", "", "halfopen"}) {
    EXPECT_THAT(Fault({"--state", written}), HasSubstr("not in {CLOSED,OPEN,HALF_OPEN}"));
  }
}

TEST_F(FlagSetTest, AnEmptyTextIsAValueOfAnOptional) {
  std::optional<std::string> prefix;
  verb_.Add("--prefix", prefix, "");
  EXPECT_EQ(Fault({"--prefix", ""}), "");
  EXPECT_EQ(prefix, "");
}

TEST_F(FlagSetTest, ADurationHasAUnitAndIsFromZeroOn) {
  absl::Duration ttl;
  verb_.Add("--ttl", ttl, "");
  for (const char* written : {"30ms", "5s", "1h30m", "0s", "0"}) {
    EXPECT_EQ(Fault({"--ttl", written}), "");
  }
  for (const char* written : {"5", "-5s", "inf", "soon", ""}) {
    EXPECT_THAT(Fault({absl::StrCat("--ttl=", written)}), Not(IsEmpty())) << written;
    EXPECT_THAT(DurationFault(written), HasSubstr("is no duration; write a number with a unit"));
  }
}

TEST_F(FlagSetTest, ChecksRefuseAndRewrite) {
  std::string code;
  verb_.Add("--even", text_, "").Checked([](const std::string& text) {
    return text.size() % 2 == 0 ? std::string() : "an odd text";
  });
  verb_.Add("--code", code, "").Rewritten([](std::string& text) {
    text += "!";
    return std::string();
  });
  EXPECT_EQ(Fault({"--even", "ab", "--code", "x"}), "");
  EXPECT_EQ(code, "x!");
  EXPECT_THAT(Fault({"--even", "abc"}), HasSubstr("an odd text"));
}

TEST_F(FlagSetTest, CommasSeparateOnlyWhereThatIsSaid) {
  std::vector<std::string> states, names;
  verb_.Add("--state", states, "").CommaSeparated();
  verb_.Add("--name", names, "");
  verb_.Add("GLOB", text_, "");
  EXPECT_EQ(Fault({"--state", "a,b", "*", "--state", "c", "--name", "x,y"}), "");
  EXPECT_THAT(states, ElementsAre("a", "b", "c"));
  EXPECT_THAT(names, ElementsAre("x,y"));
  EXPECT_EQ(text_, "*");
}

TEST_F(FlagSetTest, SomeFlagsExcludeOthers) {
  std::string service;
  const Flag other = verb_.Add("SERVICE", service, "");
  verb_.Add("--prefix", text_, "").Excludes(other);
  EXPECT_EQ(Fault({"--prefix", "a"}), "");
  EXPECT_THAT(Fault({"liveness", "--prefix", "a"}), HasSubstr("SERVICE excludes --prefix"));
}

TEST_F(FlagSetTest, OfSomeExactlyOneMustBeThere) {
  int code = 0;
  const FlagSet result = verb_.ExactlyOne("Result", "How it ended");
  result.Add("--outcome", text_, "");
  result.Add("--code", code, "");
  EXPECT_EQ(Fault({"--code", "14"}), "");
  EXPECT_THAT(Fault({}), HasSubstr("1 option"));
  EXPECT_THAT(Fault({"--code", "14", "--outcome", "FAILURE"}), HasSubstr("1 option"));
}

TEST_F(FlagSetTest, TheHelpSaysWhatAFlagIs) {
  int limit = 100;
  absl::Duration interval = absl::Seconds(1);
  verb_.Add("--limit", limit, "At most so many").Metavar("N").ShowDefault();
  verb_.Add("--interval", interval, "Between two looks").ShowDefault("1s");
  verb_.Add("--match", text_, "Which").Description("What it was imposed on").Required();
  verb_.Footer("See the guide.");
  EXPECT_THAT(HelpOf("--limit"), HasSubstr("N=100"));
  EXPECT_THAT(HelpOf("--limit"), HasSubstr("At most so many"));
  EXPECT_THAT(HelpOf("--interval"), HasSubstr("DURATION=1s"));
  EXPECT_THAT(HelpOf("--match"), HasSubstr("What it was imposed on"));
  EXPECT_THAT(app_.help(), HasSubstr("See the guide."));
}

}  // namespace
}  // namespace fusebox::cli
