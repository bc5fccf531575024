// What is wrong with a text that is YAML is named, with its line and the remedy.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "fusebox/v1/breaker.pb.h"
#include "fusebox/v1/policy.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "proto/yaml/yaml.h"
#include "proto/yaml_fixture.h"

namespace fusebox {
namespace {

using ::fusebox::v1::BatchRecordRequest;
using ::fusebox::v1::Policy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

TEST(ReadYamlTest, CountsWindowsLineEndsOnce) {
  EXPECT_THAT(Errors<Policy>("name: a\r\n\r\nmatsch: []\r\n"),
              ElementsAre("f.yaml:3: matsch is not known here; did you mean match?"));
}

TEST(ReadYamlTest, RefusesAnUnknownKeyAndGuessesWhatWasMeant) {
  EXPECT_THAT(Errors<BatchRecordRequest>("items:\n- breaker: a\n- latencies: 1s"),
              ElementsAre("f.yaml:3: items[1].latencies is not known here; did you mean latency?"));
}

TEST(ReadYamlTest, RefusesAnUnknownKeyAndListsTheKnownOnesWhenNoneIsNear) {
  EXPECT_THAT(Errors<Policy>("colour: red"),
              ElementsAre("f.yaml:1: colour is not known here; the keys are name, match, "
                          "circuit_breaker, classification, retry_budget, shared_retry_budget, "
                          "info, retry, hedge, rate_limit, bulkhead, idempotency, queue"));
}

TEST(ReadYamlTest, KeepsAnErrorOnOneLineWhateverTheKeyHolds) {
  EXPECT_THAT(Errors<Policy>("\"a\\nb\": 1"), ElementsAre(StartsWith("f.yaml:1: a\\nb is not ")));
}

TEST(ReadYamlTest, RefusesAKeyThatIsSetTwice) {
  EXPECT_THAT(
      Errors<Policy>("circuit_breaker:\n  jitter: 0\n  max_probes: 1\n  jitter: 1\n"),
      ElementsAre("f.yaml:4: circuit_breaker.jitter is set twice, first on line 2; keep one of "
                  "the two"));
  EXPECT_THAT(Errors<Policy>("classification:\n  http:\n    404: FAILURE\n    404: IGNORED\n"),
              ElementsAre("f.yaml:4: classification.http.404 is set twice, first on line 3; keep "
                          "one of the two"));
}

TEST(ReadYamlTest, RefusesTwoFieldsOfAOneof) {
  EXPECT_THAT(Errors<Policy>("retry_budget: {}\nname: a\nshared_retry_budget: b\n"),
              ElementsAre("f.yaml:3: the document sets both retry_budget (line 1) and "
                          "shared_retry_budget (line 3); keep one of the two"));
  EXPECT_THAT(
      Errors<Policy>("circuit_breaker:\n  window_calls: 5\n  window_duration: 5s\n"),
      ElementsAre("f.yaml:3: circuit_breaker sets both window_calls (line 2) and window_duration "
                  "(line 3); keep one of the two"));
}

TEST(ReadYamlTest, RefusesTheWrongKindOfNode) {
  EXPECT_THAT(
      Errors<Policy>("match: db/*\n"),
      ElementsAre("f.yaml:1: match is \"db/*\"; write a list, like [...] or lines that begin "
                  "with -"));
  EXPECT_THAT(Errors<Policy>("match: {a: b}\n"), ElementsAre(HasSubstr("match is a map; write")));
  EXPECT_THAT(Errors<Policy>("circuit_breaker:\n- jitter: 1\n"),
              ElementsAre("f.yaml:1: circuit_breaker is a list; write a map, with lines like "
                          "\"key: value\""));
  EXPECT_THAT(Errors<Policy>("classification:\n  grpc: [NOT_FOUND]\n"),
              ElementsAre("f.yaml:2: classification.grpc is a list; write a map, with lines like "
                          "\"key: value\""));
  EXPECT_THAT(Errors<Policy>("name: [a]"),
              ElementsAre("f.yaml:1: name is a list; write a single value"));
  EXPECT_THAT(Errors<Policy>("classification: {grpc: {NOT_FOUND: {a: b}}}"),
              ElementsAre("f.yaml:1: classification.grpc.NOT_FOUND is a map; write a single "
                          "value"));
  EXPECT_THAT(Errors<BatchRecordRequest>("items: [a]"),
              ElementsAre(HasSubstr("f.yaml:1: items[0] is \"a\"; write a map")));
  EXPECT_THAT(Errors<Policy>("[a, b]"),
              ElementsAre("f.yaml:1: the document is a list; write a map, with lines like \"key: "
                          "value\""));
  EXPECT_THAT(Errors<Policy>("just words"),
              ElementsAre(StartsWith("f.yaml:1: the document is \"just words\"; write a map")));
}

TEST(ReadYamlTest, RefusesAKeyThatIsNoName) {
  EXPECT_THAT(Errors<Policy>("name: a\n[b, c]: d\n"),
              ElementsAre("f.yaml:2: the document has a key that is a list; write a name"));
  EXPECT_THAT(Errors<Policy>("classification:\n  grpc:\n    {a: b}: FAILURE\n"),
              ElementsAre("f.yaml:3: classification.grpc has a key that is a map; write a name"));
}

TEST(ReadYamlTest, RefusesAValueThatIsMissing) {
  EXPECT_THAT(Errors<Policy>("circuit_breaker:\n  jitter:\n  max_probes: 3\n"),
              ElementsAre("f.yaml:2: circuit_breaker.jitter has no value; write one or remove the "
                          "key"));
  // A file that breaks off there must not say "none".
  for (const char* text : {"name: a\nmatch:", "name: a\nmatch:\n", "name: a\nmatch: ~"}) {
    EXPECT_THAT(Errors<Policy>(text), ElementsAre("f.yaml:2: match has no value; write a list, [] "
                                                  "for none, or remove the key"));
  }
  EXPECT_THAT(Errors<Policy>("match: [a, ~]"),
              ElementsAre("f.yaml:1: match[1] has no value; write one or remove the -"));
  EXPECT_THAT(Errors<BatchRecordRequest>("items:\n- breaker: a\n-\n"),
              ElementsAre(HasSubstr("items[1] has no value; write one or remove the -")));
}

TEST(ReadYamlTest, SaysWhereABadValueIs) {
  EXPECT_THAT(Errors<BatchRecordRequest>("items:\n- breaker: a\n- breaker: b\n  latency: 30\n"),
              ElementsAre("f.yaml:4: items[1].latency is \"30\"; write a duration with a unit, "
                          "like 30s or 500ms"));
  EXPECT_THAT(Errors<Policy>("classification:\n  http:\n    404: FALURE\n"),
              ElementsAre("f.yaml:3: classification.http.404 is \"FALURE\"; write one of SUCCESS, "
                          "FAILURE, TIMEOUT, RATE_LIMITED, CALLER_ERROR, IGNORED; did you mean "
                          "FAILURE?"));
}

TEST(ReadYamlTest, ReportsAllErrorsAtOnceInOrder) {
  EXPECT_THAT(Errors<Policy>("nam: a\nmatch: b\ncircuit_breaker:\n  jitter: much\n"),
              ElementsAre(StartsWith("f.yaml:1: nam "), StartsWith("f.yaml:2: match "),
                          StartsWith("f.yaml:4: circuit_breaker.jitter is \"much\"; write a ")));
}

TEST(ReadYamlTest, CountsTheErrorsThatItDoesNotShow) {
  std::string text = "circuit_breaker:\n";
  for (int i = 0; i < 25; ++i) absl::StrAppend(&text, "  key", i, ": 1\n");
  const std::vector<std::string> errors = Errors<Policy>(text);
  ASSERT_THAT(errors, SizeIs(kMaxYamlErrors + 1));
  EXPECT_THAT(errors[0], StartsWith("f.yaml:2: circuit_breaker.key0 "));
  EXPECT_THAT(errors[19], StartsWith("f.yaml:21: circuit_breaker.key19 "));
  EXPECT_EQ(errors[20], "f.yaml: and 5 more errors; fix these first");
}

}  // namespace
}  // namespace fusebox
