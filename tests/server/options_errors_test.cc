// What is wrong with options is named, with where it came from and the remedy.
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/yaml/field_text.h"
#include "server/options/command_line.h"
#include "server/options/options.h"
#include "server/options_fixture.h"

namespace fusebox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

TEST_F(OptionsTest, SaysWhereABadValueCameFrom) {
  File("server:\n  max_events: many\n");
  EXPECT_THAT(Errors(), ElementsAre("FILE:2: server.max_events is \"many\"; write a whole number "
                                    "from 0 to 4294967295"));
  File("");
  environment_["FUSEBOX_IDLE_TTL"] = "60";
  EXPECT_THAT(Errors(), ElementsAre("FUSEBOX_IDLE_TTL is \"60\"; write a duration with a unit, "
                                    "like 30s or 500ms"));
  EXPECT_THAT(Errors({"--idle-ttl", "1d"}),
              ElementsAre("--idle-ttl is \"1d\"; write a duration with a unit, like 30s or 500ms"));
  EXPECT_THAT(Errors({"--idle-ttl", "1h", "--log-level", "warn"}),
              ElementsAre("--log-level is \"warn\"; write one of DEBUG, INFO, WARNING, ERROR"));
  EXPECT_THAT(Errors({"--idle-ttl", "1h", "--store", "disk"}),
              ElementsAre("--store is \"disk\"; write one of MEMORY, SQLITE"));
  EXPECT_THAT(Errors({"--idle-ttl", "1h", "--max-events", "-1"}),
              ElementsAre("--max-events is \"-1\"; write a whole number from 0 to 4294967295"));
}

TEST_F(OptionsTest, ReportsAllBadValuesAtOnce) {
  environment_["FUSEBOX_IDLE_TTL"] = "";
  EXPECT_THAT(Errors({"--max-events=x"}), ElementsAre(StartsWith("FUSEBOX_IDLE_TTL is \"\"; "),
                                                      StartsWith("--max-events is \"x\"; ")));
  environment_.clear();
  EXPECT_THAT(Errors({"--max-events=0", "--max-breakers=0", "--listen=x"}),
              ElementsAre(StartsWith("--max-breakers is 0; "), StartsWith("--max-events is 0; "),
                          StartsWith("--listen is \"x\"; ")));
}

TEST_F(OptionsTest, RefusesEveryOptionOutsideItsRange) {
  for (const FieldDescriptor* field : AllFields()) {
    const auto& notes = field->options();
    if (!notes.HasExtension(config::v1::min)) continue;
    const std::string& min = notes.GetExtension(config::v1::min);
    const std::string& max = notes.GetExtension(config::v1::max);
    const std::string expected = absl::StrCat("; set it between ", min, " and ", max, " (default ",
                                              notes.GetExtension(config::v1::default_value), ")");
    const bool is_duration = IsDurationField(field);
    const std::string below = is_duration ? "-1ns" : "0";
    const std::string above = is_duration ? "721h" : "4294967295";
    for (const std::string& value : {below, above}) {
      if (value == min) continue;  // metrics_max_breakers may be 0.
      environment_ = {{VariableOf(field), value}};
      EXPECT_THAT(Errors(),
                  testing::Contains(absl::StrCat(VariableOf(field), " is ", value, expected)));
    }
    // The bounds themselves are inside; what they contradict is another matter.
    for (const std::string& value : {min, max}) {
      environment_ = {{VariableOf(field), value}};
      EXPECT_THAT(Errors(), testing::Not(testing::Contains(HasSubstr("; set it between"))))
          << field->name();
    }
  }
}

TEST_F(OptionsTest, NamesTheLineOfAnOptionOutsideItsRange) {
  File("server:\n  listen: [\"127.0.0.1:0\"]\n  idle_ttl: 10ms\n");
  EXPECT_THAT(Errors(), ElementsAre("FILE:3: server.idle_ttl is 10ms; set it between 1s and 720h "
                                    "(default 1h)"));
}

TEST_F(OptionsTest, RefusesAFlagThatIsGivenTwice) {
  EXPECT_THAT(Errors({"--max-events", "5", "--max-events=6"}),
              ElementsAre("--max-events is given as \"5\" and as \"6\"; give it once"));
  EXPECT_THAT(Errors({"--config=a", "--config=b"}),
              ElementsAre("--config is given as \"a\" and as \"b\"; give it once"));
}

TEST_F(OptionsTest, RefusesAnUnknownFlagAndGuessesWhatWasMeant) {
  EXPECT_THAT(Errors({"--max-breaker=5"}),
              ElementsAre("flag \"--max-breaker\" is not known; did you mean --max-breakers?"));
  EXPECT_THAT(Errors({"--max_breakers=5"}),
              ElementsAre("flag \"--max_breakers\" is not known; did you mean --max-breakers?"));
  EXPECT_THAT(Errors({"--colour"}), ElementsAre("flag \"--colour\" is not known; see --help"));
  EXPECT_THAT(Errors({"-x"}), ElementsAre("flag \"-x\" is not known; see --help"));
}

TEST_F(OptionsTest, RefusesAnArgumentThatBelongsToNoFlag) {
  EXPECT_THAT(Errors({"fusebox.yaml"}),
              ElementsAre("argument \"fusebox.yaml\" belongs to no flag; remove it or see --help"));
  EXPECT_THAT(Errors({"--listen", "127.0.0.1:1", "127.0.0.1:2"}),
              ElementsAre("argument \"127.0.0.1:2\" belongs to no flag; remove it or see --help"));
}

TEST_F(OptionsTest, RefusesAFlagWithoutItsValue) {
  EXPECT_THAT(Errors({"--max-events"}),
              ElementsAre(testing::AllOf(StartsWith("--max-events: "),
                                         HasSubstr("missing; write the value after it"))));
  EXPECT_THAT(Errors({"--print-config=perhaps"}),
              ElementsAre(testing::AllOf(HasSubstr("perhaps"), HasSubstr("; see --help"))));
}

TEST_F(OptionsTest, RefusesAFileThatCannotBeRead) {
  EXPECT_THAT(Errors({"--config", "/nowhere/f.yaml"}),
              ElementsAre("--config is \"/nowhere/f.yaml\", which cannot be read (No such file or "
                          "directory); name a file that can"));
  environment_["FUSEBOX_CONFIG"] = "/";
  EXPECT_THAT(Errors(), ElementsAre("FUSEBOX_CONFIG is \"/\", which cannot be read (Is a "
                                    "directory); name a file that can"));
}

TEST_F(OptionsTest, DoesNotReadAFileWithoutEnd) {
  EXPECT_THAT(
      Errors({"--config=/dev/zero"}),
      ElementsAre("/dev/zero:1: the document has more than 4194304 bytes; make it smaller"));
}

TEST_F(OptionsTest, ReportsWhatIsWrongWithTheFile) {
  File(
      "server: {max_breaker: 5}\npolicies:\n- name: a\n- nam: b\n- circuit_breaker:\n"
      "    open_duration: 30\n");
  EXPECT_THAT(
      Errors(),
      ElementsAre("FILE:1: server.max_breaker is not known here; did you mean max_breakers?",
                  "FILE:4: policies[1].nam is not known here; did you mean name?",
                  "FILE:6: policies[2].circuit_breaker.open_duration is \"30\"; write a "
                  "duration with a unit, like 30s or 500ms"));
}

TEST_F(OptionsTest, RefusesADrainThatIsShorterThanTheLameDuckWithin) {
  File("server:\n  lame_duck: 40s\n");
  EXPECT_THAT(
      Errors(),
      ElementsAre("the default of --drain-timeout is 25s but includes lame_duck, which is "
                  "40s (FILE:2: server.lame_duck); raise drain_timeout or lower lame_duck"));
  EXPECT_THAT(Errors({"--drain-timeout=39s"}),
              ElementsAre("--drain-timeout is 39s but includes lame_duck, which is 40s (FILE:2: "
                          "server.lame_duck); raise drain_timeout or lower lame_duck"));
  EXPECT_THAT(Errors({"--drain-timeout=40s"}), IsEmpty());
}

TEST_F(OptionsTest, RefusesToListenTwiceOnOneAddress) {
  File("server:\n  listen:\n  - 127.0.0.1:7500\n  - localhost:7500\n  - 127.0.0.1:7500\n");
  EXPECT_THAT(Errors(), ElementsAre("FILE:5: server.listen[2] is \"127.0.0.1:7500\", which is "
                                    "taken by \"127.0.0.1:7500\" of FILE:3: server.listen[0]; "
                                    "remove one or give it another port or path"));
}

TEST_F(OptionsTest, RefusesHttpOnAnAddressOfGrpc) {
  EXPECT_THAT(Errors({"--http-listen=127.0.0.1:7400"}),
              ElementsAre("--http-listen is \"127.0.0.1:7400\", which is taken by "
                          "\"127.0.0.1:7400\" of the default of --listen; remove one or give it "
                          "another port or path"));
  environment_["FUSEBOX_LISTEN"] = "0.0.0.0:7401";
  environment_["FUSEBOX_INSECURE"] = "true";
  EXPECT_THAT(Errors(), ElementsAre("the default of --http-listen is \"127.0.0.1:7401\", which is "
                                    "taken by \"0.0.0.0:7401\" of FUSEBOX_LISTEN; remove one or "
                                    "give it another port or path"));
}

TEST_F(OptionsTest, RefusesToListenNowhere) {
  File("server:\n  listen: []\n");
  EXPECT_THAT(Errors(), ElementsAre("FILE:2: server.listen is empty; name at least one address, "
                                    "like 127.0.0.1:7400"));
  environment_["FUSEBOX_LISTEN"] = "";
  EXPECT_THAT(Errors(), ElementsAre("FUSEBOX_LISTEN is empty; name at least one address, like "
                                    "127.0.0.1:7400"));
}

TEST_F(OptionsTest, RefusesAddressesThatNobodyCanListenOn) {
  EXPECT_THAT(Errors({"--listen=7400"}),
              ElementsAre("--listen is \"7400\"; write host:port, like 127.0.0.1:7400, or "
                          "unix:/path"));
  EXPECT_THAT(Errors({"--http-listen=127.0.0.1:70000"}),
              ElementsAre("--http-listen is \"127.0.0.1:70000\"; write a port from 1 to 65535, or "
                          "0 for a free one"));
  EXPECT_THAT(Errors({"--http-listen=unix:/h.sock"}),
              ElementsAre("--http-listen is \"unix:/h.sock\"; write host:port, like "
                          "127.0.0.1:7400"));
  EXPECT_THAT(Errors({"--http-listen=:7401"}),
              ElementsAre("--http-listen is \":7401\"; write host:port, like 127.0.0.1:7400"));
}

TEST_F(OptionsTest, RefusesTwoPoliciesOrBudgetsOfOneName) {
  File("policies:\n- name: a\n- name: b\n- name: a\nretry_budgets:\n- name: a\n- name: a\n");
  EXPECT_THAT(Errors(), ElementsAre("FILE:4: policies[2].name is \"a\", which policies[0] (line 2) "
                                    "is already called; give each a name of its own",
                                    "FILE:7: retry_budgets[1].name is \"a\", which "
                                    "retry_budgets[0] (line 6) is already called; give each a name "
                                    "of its own"));
}

TEST_F(OptionsTest, RefusesAPolicyThatNamesAnUnknownBudget) {
  File("policies:\n- name: a\n  shared_retry_budget: chekout\nretry_budgets:\n- name: checkout\n");
  EXPECT_THAT(Errors(), ElementsAre("FILE:3: policies[0].shared_retry_budget is \"chekout\", and "
                                    "retry_budgets has none of that name; add it there; did you "
                                    "mean checkout?"));
}

}  // namespace
}  // namespace fusebox
