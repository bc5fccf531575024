// Every option from its flag, its variable and the file, and which of them goes first.
#include "server/options/options.h"

#include <cstdlib>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/yaml/field_text.h"
#include "server/options/command_line.h"
#include "server/options_fixture.h"

namespace fusebox {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;

// A value that each option takes and that is not its default.
const std::map<std::string, std::string>& OtherValues() {
  static const auto* const kValues = new std::map<std::string, std::string>{
      {"listen", "127.0.0.1:1"},
      {"http_listen", "127.0.0.1:2"},
      {"max_breakers", "11"},
      {"idle_ttl", "1m30s"},
      {"max_watchers", "12"},
      {"max_events", "13"},
      {"max_batches", "14"},
      {"metrics_max_breakers", "15"},
      {"metrics_plain_names", "true"},
      {"http_tls", "true"},
      {"http_insecure", "true"},
      {"http_name", "fusebox"},
      {"max_message_bytes", "5000"},
      {"max_concurrent_streams", "16"},
      {"keepalive_time", "17s"},
      {"keepalive_timeout", "18s"},
      {"lame_duck", "1s"},
      {"drain_timeout", "19s"},
      {"store", "MEMORY"},
      {"log_level", "DEBUG"},
      {"log_format", "JSON"},
      {"max_watch_lag", "1700"},
      {"data_dir", "elsewhere"},
      {"max_policies", "20"},
      {"max_retry_budgets", "21"},
      {"max_overrides", "22"},
      {"tls_cert", "c.pem"},
      {"tls_key", "k.pem"},
      {"tls_client_ca", "ca.pem"},
      {"identities", "i.yaml"},
      {"insecure", "true"},
      {"max_waiting_changes", "23"},
      {"max_waiting_calls", "24"},
      {"max_sessions", "25"},
      {"max_subscriptions", "26"},
      {"session_resume_time", "27s"},
      {"report_interval", "28ms"},
  };
  return *kValues;
}

// What must be set beside an option, by its variable.
std::map<std::string, std::string> Companions(const FieldDescriptor* field) {
  if (!absl::StrContains(field->name(), "tls")) return {};
  std::map<std::string, std::string> companions = {{"FUSEBOX_TLS_CERT", "c.pem"},
                                                   {"FUSEBOX_TLS_KEY", "k.pem"}};
  companions.erase(VariableOf(field));
  return companions;
}

TEST_F(OptionsTest, HasTheDefaultsOfTheDocumentation) {
  const ServerOptions server = Server();
  EXPECT_THAT(server.listen(), ElementsAre("127.0.0.1:7400"));
  EXPECT_EQ(server.http_listen(), "127.0.0.1:7401");
  EXPECT_EQ(server.max_breakers(), 1'000'000);
  EXPECT_EQ(server.idle_ttl().seconds(), 3600);
  EXPECT_EQ(server.max_watchers(), 1000);
  EXPECT_EQ(server.max_watch_lag(), 100'000);
  EXPECT_EQ(server.max_events(), 10'000);
  EXPECT_EQ(server.max_batches(), 100'000);
  EXPECT_EQ(server.max_waiting_calls(), 100'000);
  EXPECT_EQ(server.max_sessions(), 20'000);
  EXPECT_EQ(server.max_subscriptions(), 10'000);
  EXPECT_EQ(server.session_resume_time().seconds(), 60);
  EXPECT_EQ(server.report_interval().nanos(), 500'000'000);
  EXPECT_EQ(server.metrics_max_breakers(), 1000);
  EXPECT_EQ(server.max_message_bytes(), 4 << 20);
  EXPECT_EQ(server.max_concurrent_streams(), 1000);
  EXPECT_EQ(server.keepalive_time().seconds(), 60);
  EXPECT_EQ(server.keepalive_timeout().seconds(), 20);
  EXPECT_EQ(server.lame_duck().seconds(), 2);
  EXPECT_EQ(server.drain_timeout().seconds(), 25);
  EXPECT_EQ(server.store(), config::v1::STORE_SQLITE);
  EXPECT_EQ(server.data_dir(), "fusebox-data");
  EXPECT_EQ(server.max_policies(), 1000);
  EXPECT_EQ(server.max_retry_budgets(), 1000);
  EXPECT_EQ(server.max_overrides(), 10'000);
  EXPECT_EQ(server.max_waiting_changes(), 1000);
  EXPECT_EQ(server.log_level(), config::v1::LOG_LEVEL_INFO);
  EXPECT_EQ(server.log_format(), config::v1::LOG_FORMAT_LOGFMT);
  EXPECT_EQ(server.tls_cert(), "");
  EXPECT_EQ(server.tls_key(), "");
  EXPECT_EQ(server.tls_client_ca(), "");
  EXPECT_EQ(server.identities(), "");
  EXPECT_FALSE(server.insecure());
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
    environment_ = Companions(field);
    if (field->cpp_type() == FieldDescriptor::CPPTYPE_BOOL) {
      EXPECT_EQ(FieldToText(Server({flag.c_str()}), field), value) << flag;
    } else {
      EXPECT_EQ(FieldToText(Server({flag.c_str(), value.c_str()}), field), value) << flag;
    }
    const std::string joined = absl::StrCat(flag, "=", value);
    EXPECT_EQ(FieldToText(Server({joined.c_str()}), field), value) << flag;
  }
}

TEST_F(OptionsTest, TakesEveryOptionFromItsVariable) {
  for (const FieldDescriptor* field : AllFields()) {
    const std::string& value = OtherValues().at(field->name());
    environment_ = Companions(field);
    environment_[VariableOf(field)] = value;
    EXPECT_EQ(FieldToText(Server(), field), value) << VariableOf(field);
  }
}

TEST_F(OptionsTest, TakesEveryOptionFromTheFile) {
  for (const FieldDescriptor* field : AllFields()) {
    const std::string& value = OtherValues().at(field->name());
    environment_ = Companions(field);
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

TEST_F(OptionsTest, TakesAnEmptyFile) {
  File("");
  EXPECT_TRUE(MessageDifferencer::Equals(Server(), [] {
    ServerOptions defaults;
    for (const FieldDescriptor* field : AllFields()) {
      const std::string& value = field->options().GetExtension(config::v1::default_value);
      if (field->is_repeated() && value.empty()) continue;  // A list of nothing is empty.
      EXPECT_TRUE(SetFieldFromText(&defaults, field, value).ok());
    }
    return defaults;
  }()));
}

TEST(ProcessEnvironmentTest, TellsEmptyFromUnset) {
  ASSERT_EQ(setenv("FUSEBOX_OPTIONS_TEST", "", 1), 0);
  EXPECT_EQ(ProcessEnvironment("FUSEBOX_OPTIONS_TEST"), "");
  ASSERT_EQ(unsetenv("FUSEBOX_OPTIONS_TEST"), 0);
  EXPECT_EQ(ProcessEnvironment("FUSEBOX_OPTIONS_TEST"), std::nullopt);
}

}  // namespace
}  // namespace fusebox
