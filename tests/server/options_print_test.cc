// What is printed instead of serving: the configuration, help, the version.
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "server/options/command_line.h"
#include "server/options/options.h"
#include "server/options_fixture.h"

namespace fusebox {
namespace {

using ::google::protobuf::util::MessageDifferencer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

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

}  // namespace
}  // namespace fusebox
