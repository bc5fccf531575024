#include "server/options/options.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/yaml/field_text.h"
#include "server/options/command_line.h"

namespace fusebox {
namespace {

using ::fusebox::config::v1::ServerOptions;
using ::google::protobuf::FieldDescriptor;
using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// A server that is about to start: its arguments, its environment and its file.
class OptionsTest : public testing::Test {
 public:
  ~OptionsTest() override {
    if (!path_.empty()) std::remove(path_.c_str());
  }

 protected:
  // Writes the file and has FUSEBOX_CONFIG name it.
  void File(absl::string_view text) {
    path_ = absl::StrCat(testing::TempDir(), getpid(), "-",
                         testing::UnitTest::GetInstance()->current_test_info()->name(), ".yaml");
    std::ofstream(path_, std::ios::binary) << text;
    environment_["FUSEBOX_CONFIG"] = path_;
  }

  absl::StatusOr<Options> Parse(std::vector<const char*> flags = {}) {
    flags.insert(flags.begin(), "fusebox");
    return ParseOptions(static_cast<int>(flags.size()), flags.data(),
                        [this](absl::string_view name) -> std::optional<std::string> {
                          const auto value = environment_.find(std::string(name));
                          if (value == environment_.end()) return std::nullopt;
                          return value->second;
                        });
  }

  ServerOptions Server(const std::vector<const char*>& flags = {}) {
    const absl::StatusOr<Options> options = Parse(flags);
    EXPECT_TRUE(options.ok()) << options.status();
    return options.ok() ? options->config.server() : ServerOptions();
  }

  // The lines of the error, with FILE for the file's name; none if there is no error.
  std::vector<std::string> Errors(const std::vector<const char*>& flags = {}) {
    const absl::StatusOr<Options> options = Parse(flags);
    if (options.ok()) return {};
    EXPECT_EQ(options.status().code(), absl::StatusCode::kInvalidArgument);
    std::vector<std::string> lines = absl::StrSplit(options.status().message(), '\n');
    for (std::string& line : lines) {
      if (!path_.empty()) line = absl::StrReplaceAll(line, {{path_, "FILE"}});
    }
    return lines;
  }

  std::map<std::string, std::string> environment_;
  std::string path_;
};

std::vector<const FieldDescriptor*> AllFields() {
  std::vector<const FieldDescriptor*> fields;
  const auto* type = ServerOptions::descriptor();
  for (int i = 0; i < type->field_count(); ++i) fields.push_back(type->field(i));
  return fields;
}

// A value that each option takes and that is not its default.
const std::map<std::string, std::string>& OtherValues() {
  static const auto* const kValues = new std::map<std::string, std::string>{
      {"listen", "127.0.0.1:1"},     {"http_listen", "127.0.0.1:2"},
      {"max_breakers", "11"},        {"idle_ttl", "1m30s"},
      {"max_watchers", "12"},        {"max_events", "13"},
      {"max_batches", "14"},         {"metrics_max_breakers", "15"},
      {"max_message_bytes", "5000"}, {"max_concurrent_streams", "16"},
      {"keepalive_time", "17s"},     {"keepalive_timeout", "18s"},
      {"lame_duck", "1s"},           {"drain_timeout", "19s"},
      {"store", "MEMORY"},           {"log_level", "DEBUG"},
      {"max_watch_lag", "1700"},
  };
  return *kValues;
}

TEST_F(OptionsTest, HasTheDefaultsOfTheDocumentation) {
  const ServerOptions server = Server();
  EXPECT_THAT(server.listen(), ElementsAre("127.0.0.1:7400"));
  EXPECT_EQ(server.http_listen(), "127.0.0.1:7401");
  EXPECT_EQ(server.max_breakers(), 1'000'000);
  EXPECT_EQ(server.idle_ttl().seconds(), 3600);
  EXPECT_EQ(server.max_watchers(), 1000);
  EXPECT_EQ(server.max_watch_lag(), 10'000);
  EXPECT_EQ(server.max_events(), 10'000);
  EXPECT_EQ(server.max_batches(), 100'000);
  EXPECT_EQ(server.metrics_max_breakers(), 1000);
  EXPECT_EQ(server.max_message_bytes(), 4 << 20);
  EXPECT_EQ(server.max_concurrent_streams(), 1000);
  EXPECT_EQ(server.keepalive_time().seconds(), 60);
  EXPECT_EQ(server.keepalive_timeout().seconds(), 20);
  EXPECT_EQ(server.lame_duck().seconds(), 2);
  EXPECT_EQ(server.drain_timeout().seconds(), 25);
  EXPECT_EQ(server.store(), config::v1::STORE_MEMORY);
  EXPECT_EQ(server.log_level(), config::v1::LOG_LEVEL_INFO);
}

// What reads the schema trusts it, so that one bad note would be a bad server.
TEST_F(OptionsTest, HasASchemaWhoseNotesCanBeRead) {
  for (const FieldDescriptor* field : AllFields()) {
    const auto& notes = field->options();
    EXPECT_FALSE(notes.GetExtension(config::v1::help).empty()) << field->name();
    EXPECT_FALSE(notes.GetExtension(config::v1::value_name).empty()) << field->name();
    EXPECT_TRUE(field->is_repeated() || field->has_presence()) << field->name();
    const bool has_range =
        field->cpp_type() == FieldDescriptor::CPPTYPE_UINT32 || IsDurationField(field);
    EXPECT_EQ(notes.HasExtension(config::v1::min), has_range) << field->name();
    EXPECT_EQ(notes.HasExtension(config::v1::max), has_range) << field->name();
    for (const std::string& text :
         {notes.GetExtension(config::v1::default_value), notes.GetExtension(config::v1::min),
          notes.GetExtension(config::v1::max)}) {
      ServerOptions scratch;
      if (!text.empty()) {
        EXPECT_TRUE(SetFieldFromText(&scratch, field, text).ok()) << field->name() << " " << text;
      }
    }
    // Kubernetes sets variables of these names.
    EXPECT_FALSE(absl::StartsWith(field->name(), "port") ||
                 absl::StartsWith(field->name(), "service_"))
        << field->name();
  }
}

TEST_F(OptionsTest, TakesEveryOptionFromItsFlag) {
  for (const FieldDescriptor* field : AllFields()) {
    const std::string& value = OtherValues().at(field->name());
    const std::string flag = FlagOf(field);
    EXPECT_EQ(FieldToText(Server({flag.c_str(), value.c_str()}), field), value) << flag;
    const std::string joined = absl::StrCat(flag, "=", value);
    EXPECT_EQ(FieldToText(Server({joined.c_str()}), field), value) << flag;
  }
}

TEST_F(OptionsTest, TakesEveryOptionFromItsVariable) {
  for (const FieldDescriptor* field : AllFields()) {
    const std::string& value = OtherValues().at(field->name());
    environment_ = {{VariableOf(field), value}};
    EXPECT_EQ(FieldToText(Server(), field), value) << VariableOf(field);
  }
}

TEST_F(OptionsTest, TakesEveryOptionFromTheFile) {
  for (const FieldDescriptor* field : AllFields()) {
    const std::string& value = OtherValues().at(field->name());
    File(absl::StrCat("server:\n  ", field->name(), ": ", field->is_repeated() ? "[\"" : "\"",
                      value, field->is_repeated() ? "\"]" : "\"", "\n"));
    EXPECT_EQ(FieldToText(Server(), field), value) << field->name();
  }
}

TEST_F(OptionsTest, NamesFlagsAndVariablesAfterTheField) {
  const auto* field = ServerOptions::descriptor()->FindFieldByName("metrics_max_breakers");
  EXPECT_EQ(FlagOf(field), "--metrics-max-breakers");
  EXPECT_EQ(VariableOf(field), "FUSEBOX_METRICS_MAX_BREAKERS");
}

TEST_F(OptionsTest, LetsTheFlagGoBeforeTheVariableBeforeTheFileBeforeTheDefault) {
  EXPECT_EQ(Server().max_events(), 10'000);
  File("server: {max_events: 1}");
  EXPECT_EQ(Server().max_events(), 1);
  environment_["FUSEBOX_MAX_EVENTS"] = "2";
  EXPECT_EQ(Server().max_events(), 2);
  EXPECT_EQ(Server({"--max-events=3"}).max_events(), 3);
}

TEST_F(OptionsTest, ReplacesAListRatherThanAddingToIt) {
  File("server:\n  listen: [\"127.0.0.1:1\", \"127.0.0.1:2\"]");
  EXPECT_THAT(Server().listen(), ElementsAre("127.0.0.1:1", "127.0.0.1:2"));
  environment_["FUSEBOX_LISTEN"] = "127.0.0.1:3, unix:/f.sock";
  EXPECT_THAT(Server().listen(), ElementsAre("127.0.0.1:3", "unix:/f.sock"));
  EXPECT_THAT(Server({"--listen", "[::1]:5", "--listen=127.0.0.1:6,127.0.0.1:7"}).listen(),
              ElementsAre("[::1]:5", "127.0.0.1:6", "127.0.0.1:7"));
}

TEST_F(OptionsTest, TakesAnEmptyValueForAValue) {
  File("server: {http_listen: \"\"}");
  EXPECT_EQ(Server().http_listen(), "");
  File("server: {http_listen: \"127.0.0.1:9\"}");
  environment_["FUSEBOX_HTTP_LISTEN"] = "";
  EXPECT_EQ(Server().http_listen(), "");
  environment_["FUSEBOX_HTTP_LISTEN"] = "127.0.0.1:8";
  EXPECT_EQ(Server({"--http-listen", "", "--max-events", "5"}).http_listen(), "");
  EXPECT_EQ(Server({"--http-listen=", "--max-events", "5"}).http_listen(), "");
  EXPECT_EQ(Server({"--max-events", "5", "--http-listen="}).http_listen(), "");
}

TEST_F(OptionsTest, LetsTheConfigFlagGoBeforeItsVariable) {
  File("server: {max_events: 1}");
  environment_["FUSEBOX_CONFIG"] = "/nowhere/f.yaml";
  EXPECT_EQ(Server({"--config", path_.c_str()}).max_events(), 1);
  EXPECT_EQ(Server({"--config="}).max_events(), 10'000);
}

TEST_F(OptionsTest, ReadsPoliciesAndBudgets) {
  File(R"(
policies:
- name: payments
  match: [payments.v1.*/**]
  circuit_breaker: {consecutive_failures: 0, open_duration: 10s}
  shared_retry_budget: checkout
retry_budgets:
- name: checkout
  settings: {retry_ratio: 0.1}
)");
  const absl::StatusOr<Options> options = Parse();
  ASSERT_TRUE(options.ok()) << options.status();
  ASSERT_EQ(options->config.policies_size(), 1);
  EXPECT_EQ(options->config.policies(0).circuit_breaker().open_duration().seconds(), 10);
  EXPECT_EQ(options->config.retry_budgets(0).settings().retry_ratio(), 0.1);
  EXPECT_EQ(options->sources.Locate("policies[0].circuit_breaker.open_duration"),
            absl::StrCat(path_, ":5"));
}

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
  EXPECT_THAT(Errors({"--idle-ttl", "1h", "--store", "sqlite"}),
              ElementsAre("--store is \"sqlite\"; write one of MEMORY"));
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

TEST_F(OptionsTest, TakesAnEmptyFile) {
  File("");
  EXPECT_TRUE(MessageDifferencer::Equals(Server(), [] {
    ServerOptions defaults;
    for (const FieldDescriptor* field : AllFields()) {
      EXPECT_TRUE(SetFieldFromText(&defaults, field,
                                   field->options().GetExtension(config::v1::default_value))
                      .ok());
    }
    return defaults;
  }()));
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

TEST_F(OptionsTest, PrintsAConfigurationThatLoadsBackToTheSame) {
  File(R"(
server: {max_breakers: 5000, http_listen: ""}
policies:
- name: payments
  match: [payments.v1.*/**, db/*]
  circuit_breaker: {consecutive_failures: 0, failure_rate_threshold: 0.1, open_duration: 1m30s}
  classification: {http: {5xx: FAILURE, 404: IGNORED}}
  retry_budget: {}
retry_budgets: [{name: checkout, settings: {retry_ratio: 0.3}}]
)");
  environment_["FUSEBOX_MAX_EVENTS"] = "77";
  const absl::StatusOr<Options> first = Parse({"--print-config", "--listen=unix:/f.sock"});
  ASSERT_TRUE(first.ok()) << first.status();
  ASSERT_TRUE(first->text.has_value());
  EXPECT_THAT(*first->text, HasSubstr("  max_breakers: 5000\n"));
  EXPECT_THAT(*first->text, HasSubstr("  max_events: 77\n"));
  EXPECT_THAT(*first->text, HasSubstr("  listen:\n    - unix:/f.sock\n"));
  EXPECT_THAT(*first->text, HasSubstr("  idle_ttl: 1h\n"));

  environment_.clear();
  File(*first->text);
  const absl::StatusOr<Options> second = Parse({"--print-config"});
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_TRUE(MessageDifferencer::Equals(first->config, second->config)) << *first->text;
  EXPECT_EQ(first->text, second->text);
}

TEST_F(OptionsTest, DoesNotPrintAConfigurationThatIsBad) {
  EXPECT_THAT(Errors({"--print-config", "--max-events=0"}),
              ElementsAre(StartsWith("--max-events is 0; ")));
}

TEST_F(OptionsTest, ExplainsEveryOptionInHelp) {
  for (const char* flag : {"--help", "-h"}) {
    const absl::StatusOr<Options> options = Parse({flag});
    ASSERT_TRUE(options.ok()) << options.status();
    ASSERT_TRUE(options->text.has_value());
    for (const FieldDescriptor* field : AllFields()) {
      EXPECT_THAT(*options->text, HasSubstr(absl::StrCat("  ", FlagOf(field), " ")));
      EXPECT_THAT(*options->text, HasSubstr(absl::StrCat("[", VariableOf(field), "]")));
    }
    EXPECT_THAT(*options->text, HasSubstr("(default 1h)"));
    EXPECT_THAT(*options->text, HasSubstr("1s to 720h"));
    EXPECT_THAT(*options->text, HasSubstr("debug, info, warning, error"));
    EXPECT_THAT(*options->text, HasSubstr("--config FILE"));
  }
}

TEST_F(OptionsTest, SaysWhichVersionItIs) {
  const absl::StatusOr<Options> options = Parse({"--version"});
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_THAT(options->text.value_or(""),
              testing::MatchesRegex("fusebox [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(OptionsTest, RunsTheServerUnlessToldToPrint) {
  const absl::StatusOr<Options> options = Parse();
  ASSERT_TRUE(options.ok()) << options.status();
  EXPECT_EQ(options->text, std::nullopt);
}

TEST(ProcessEnvironmentTest, TellsEmptyFromUnset) {
  ASSERT_EQ(setenv("FUSEBOX_OPTIONS_TEST", "", 1), 0);
  EXPECT_EQ(ProcessEnvironment("FUSEBOX_OPTIONS_TEST"), "");
  ASSERT_EQ(unsetenv("FUSEBOX_OPTIONS_TEST"), 0);
  EXPECT_EQ(ProcessEnvironment("FUSEBOX_OPTIONS_TEST"), std::nullopt);
}

}  // namespace
}  // namespace fusebox
