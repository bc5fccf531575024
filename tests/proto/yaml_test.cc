#include "proto/yaml/yaml.h"

#include <random>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "fusebox/v1/breaker.pb.h"
#include "fusebox/v1/policy.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"
#include "proto/yaml/field_text.h"
#include "proto/yaml/nearest.h"

namespace fusebox {
namespace {

using ::fusebox::v1::BatchRecordRequest;
using ::fusebox::v1::Policy;
using ::google::protobuf::util::MessageDifferencer;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

// The lines of the error, without any if the text can be read.
template <typename M>
std::vector<std::string> Errors(absl::string_view text) {
  M message;
  SourceMap sources;
  const absl::Status status = ReadYaml("f.yaml", text, &message, &sources);
  if (status.ok()) return {};
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  return absl::StrSplit(status.message(), '\n');
}

template <typename M>
M Read(absl::string_view text) {
  M message;
  SourceMap sources;
  const absl::Status status = ReadYaml("f.yaml", text, &message, &sources);
  EXPECT_TRUE(status.ok()) << status;
  return message;
}

template <typename M>
M Text(const std::string& text) {
  M message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

MATCHER_P(EqualsProto, expected, "") {
  MessageDifferencer differencer;
  std::string difference;
  differencer.ReportDifferencesToString(&difference);
  const bool equal = differencer.Compare(expected, arg);
  *result_listener << difference;
  return equal;
}

constexpr char kWholePolicy[] = R"(# All kinds of fields.
name: payments
match: ["payments.v1.*/**", db/*]
circuit_breaker:
  window_calls: 100
  consecutive_failures: 0
  failure_rate_threshold: 0.25
  open_duration: 1m30s
  max_open_duration: 250ms
  honor_retry_after: true
classification:
  grpc:
    NOT_FOUND: FAILURE
    ABORTED: OUTCOME_IGNORED
  http: {5xx: failure, 404: Caller_Error}
shared_retry_budget: checkout
)";

constexpr char kWholePolicyAsText[] = R"(
  name: "payments"
  match: "payments.v1.*/**"
  match: "db/*"
  circuit_breaker {
    window_calls: 100
    consecutive_failures: 0
    failure_rate_threshold: 0.25
    open_duration { seconds: 90 }
    max_open_duration { nanos: 250000000 }
    honor_retry_after: true
  }
  classification {
    grpc { key: "NOT_FOUND" value: OUTCOME_FAILURE }
    grpc { key: "ABORTED" value: OUTCOME_IGNORED }
    http { key: "5xx" value: OUTCOME_FAILURE }
    http { key: "404" value: OUTCOME_CALLER_ERROR }
  }
  shared_retry_budget: "checkout"
)";

TEST(ReadYamlTest, ReadsEveryKindOfField) {
  EXPECT_THAT(Read<Policy>(kWholePolicy), EqualsProto(Text<Policy>(kWholePolicyAsText)));
}

TEST(ReadYamlTest, ReplacesWhatTheMessageHeld) {
  Policy policy = Text<Policy>(kWholePolicyAsText);
  SourceMap sources;
  ASSERT_TRUE(ReadYaml("f.yaml", "name: other", &policy, &sources).ok());
  EXPECT_THAT(policy, EqualsProto(Text<Policy>("name: 'other'")));
}

TEST(ReadYamlTest, TakesAnEmptyTextAsAnEmptyMessage) {
  for (const char* text : {"", "\n", "# nothing yet\n", "---\n", "~", "{}"}) {
    EXPECT_THAT(Read<Policy>(text), EqualsProto(Policy())) << text;
  }
}

// A section whose lines are all commented out is no mistake; a forgotten number is one.
TEST(ReadYamlTest, LeavesASectionWithoutAValueUnset) {
  EXPECT_THAT(Read<Policy>("match:\ncircuit_breaker:\n#  jitter: 1\nclassification: {grpc: }"),
              EqualsProto(Text<Policy>("classification {}")));
}

TEST(ReadYamlTest, ReadsAliases) {
  const auto batch = Read<BatchRecordRequest>(
      "items: [{breaker: a, latency: &slow 2s}, {breaker: b, latency: *slow}]");
  EXPECT_THAT(batch, EqualsProto(Text<BatchRecordRequest>(R"(
    items { breaker: "a" latency { seconds: 2 } }
    items { breaker: "b" latency { seconds: 2 } })")));
}

TEST(ReadYamlTest, KnowsTheLineOfEveryField) {
  Policy policy;
  SourceMap sources;
  ASSERT_TRUE(ReadYaml("f.yaml", kWholePolicy, &policy, &sources).ok());
  EXPECT_EQ(sources.Line("match[1]"), 3);
  EXPECT_EQ(sources.Line("circuit_breaker"), 4);
  EXPECT_EQ(sources.Line("circuit_breaker.open_duration"), 8);
  EXPECT_EQ(sources.Line("classification.grpc.ABORTED"), 14);
  EXPECT_EQ(sources.Line("classification.http.404"), 15);
  EXPECT_TRUE(sources.HasLine("circuit_breaker.window_calls"));
  EXPECT_FALSE(sources.HasLine("circuit_breaker.jitter"));
}

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
                          "circuit_breaker, classification, retry_budget, shared_retry_budget"));
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

// A proto3 `optional` field is a oneof of its own, which is nobody's business.
TEST(ReadYamlTest, DoesNotMistakeOptionalFieldsForAOneof) {
  EXPECT_THAT(Errors<Policy>("circuit_breaker: {jitter: 0.1, max_probes: 1}"), IsEmpty());
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

TEST(ReadYamlTest, SaysWhereTheTextIsNoYaml) {
  EXPECT_THAT(Errors<Policy>("name: a\nmatch: [b\nclassification: {}\n"),
              ElementsAre(AllOf(StartsWith("f.yaml:3: this is no YAML: "), HasSubstr("column"),
                                HasSubstr("check indents, colons and quotes"))));
  for (const char* text :
       {"]", "a: b: c", "\"", "- a\nb", "a: *nobody", "&", "!!", "%YAML 9", "{", "a:\n\t- b", "? [",
        "|", ">\n", "@", "`", ": :", "- - -", "*", "--- ---"}) {
    EXPECT_THAT(Errors<Policy>(text), SizeIs(1)) << text;
  }
}

TEST(ReadYamlTest, RefusesASecondDocument) {
  EXPECT_THAT(Errors<Policy>("name: a\n---\nname: b\n"),
              ElementsAre("f.yaml:2: the document is over before this line; remove the --- or the "
                          "stray character"));
}

// yaml-cpp reads endless empty documents from such a text, or a single one.
TEST(ReadYamlTest, RefusesAStrayCharacterThatEndsTheDocument) {
  EXPECT_THAT(Errors<Policy>("# a policy\n,name: a\n"),
              ElementsAre("f.yaml:2: the document is over before this line; remove the --- or the "
                          "stray character"));
  EXPECT_THAT(Errors<Policy>("name: a\n}\n"), ElementsAre(StartsWith("f.yaml:2: ")));
}

// yaml-cpp would stop reading at U+0004 and say nothing.
TEST(ReadYamlTest, RefusesWhatIsNoText) {
  EXPECT_THAT(Errors<Policy>("name: a\n\x04\nbad: key\n"),
              ElementsAre("f.yaml:2: this line holds the control character \"\\x04\"; remove it"));
  EXPECT_THAT(Errors<Policy>(absl::string_view("name: a\0b", 9)),
              ElementsAre("f.yaml:1: this line holds the control character \"\\x00\"; remove it"));
  EXPECT_THAT(Errors<Policy>("name: a\nmatch: [\xff\xfe]\n"),
              ElementsAre("f.yaml:2: this line is not in UTF-8; save the file as UTF-8"));
}

TEST(ReadYamlTest, ReadsTextBeyondAscii) {
  EXPECT_EQ(Read<Policy>("\xEF\xBB\xBFname: zähler").name(), "zähler");
}

TEST(ReadYamlTest, RefusesATextThatIsTooLarge) {
  std::string text = "name: a\n#";
  text.resize(kMaxYamlBytes, '-');
  EXPECT_EQ(Read<Policy>(text).name(), "a");
  text += '-';
  EXPECT_THAT(Errors<Policy>(text),
              ElementsAre("f.yaml:1: the document has more than 4194304 bytes; make it smaller"));
}

TEST(ReadYamlTest, RefusesAliasesThatGrowBeyondMeasure) {
  std::string text = "items:\n- &i {breaker: &b a, latency: &l 1s, count: 1}\n";
  for (int i = 0; i < 100'000; ++i) absl::StrAppend(&text, "- *i\n");
  EXPECT_THAT(Errors<BatchRecordRequest>(text),
              ElementsAre(AllOf(StartsWith("f.yaml:"),
                                HasSubstr("is one value too many; write at most 200000, counting "
                                          "each use of an alias"))));
}

TEST(ReadYamlTest, RefusesAnAliasThatHoldsItself) {
  EXPECT_THAT(Errors<google::protobuf::Struct>("fields: &f\n  a: {struct_value: {fields: *f}}\n"),
              ElementsAre(HasSubstr("is nested too deep; nest at most 32 levels and let no alias "
                                    "hold itself")));
}

TEST(ReadYamlTest, SurvivesDeepNesting) {
  for (const char* level : {"[", "{a: ", "- ", "? "}) {
    std::string text;
    while (text.size() < 100'000) text += level;
    EXPECT_THAT(Errors<Policy>(text), SizeIs(1)) << level;
    EXPECT_THAT(Errors<Policy>("name: " + text), SizeIs(1)) << level;
  }
}

// Whatever an editor, a disk or an enemy does to a file: an answer, and never a crash.
TEST(ReadYamlTest, SurvivesDamagedText) {
  constexpr unsigned kSeed = 7400;
  constexpr absl::string_view kMarks = "[]{}:,-?&*!|>'\"%@`#~ \n\tab9\xC3\x04";
  std::mt19937 random(kSeed);
  for (int round = 0; round < 5'000; ++round) {
    std::string text = kWholePolicy;
    for (int edits = 1 + static_cast<int>(random() % 6); edits > 0; --edits) {
      const size_t at = random() % text.size();
      const char mark = kMarks[random() % kMarks.size()];
      if (random() % 2 == 0) {
        text[at] = mark;
      } else {
        text.insert(at, 1, mark);
      }
    }
    Policy policy;
    SourceMap sources;
    const absl::Status status = ReadYaml("f.yaml", text, &policy, &sources);
    if (!status.ok()) {
      ASSERT_TRUE(absl::StartsWith(status.message(), "f.yaml:")) << status << "\n" << text;
      continue;
    }
    // What could be read can be written and read again.
    ASSERT_THAT(Read<Policy>(WriteYaml(policy)), EqualsProto(policy)) << text;
  }
}

TEST(WriteYamlTest, WritesWhatReadsBackEqual) {
  const Policy policy = Text<Policy>(kWholePolicyAsText);
  EXPECT_THAT(Read<Policy>(WriteYaml(policy)), EqualsProto(policy));
}

TEST(WriteYamlTest, WritesAsAPersonWould) {
  EXPECT_EQ(WriteYaml(Text<Policy>(kWholePolicyAsText)), R"(name: payments
match:
  - payments.v1.*/**
  - db/*
circuit_breaker:
  window_calls: 100
  consecutive_failures: 0
  failure_rate_threshold: 0.25
  open_duration: 1m30s
  max_open_duration: 250ms
  honor_retry_after: true
classification:
  grpc:
    ABORTED: IGNORED
    NOT_FOUND: FAILURE
  http:
    404: CALLER_ERROR
    5xx: FAILURE
shared_retry_budget: checkout
)");
}

TEST(WriteYamlTest, KeepsEmptyMessagesAndListsOfMessages) {
  for (const char* text : {"", "retry_budget {}", "circuit_breaker {} classification {}",
                           "retry_budget { retry_ratio: 0 window { seconds: 1 nanos: 1 } }"}) {
    const Policy policy = Text<Policy>(text);
    EXPECT_THAT(Read<Policy>(WriteYaml(policy)), EqualsProto(policy)) << WriteYaml(policy);
  }
  const auto batch = Text<BatchRecordRequest>(
      "items {} items { breaker: 'a' permit: 'p' } items { http_status: 0 count: 3 }");
  EXPECT_THAT(Read<BatchRecordRequest>(WriteYaml(batch)), EqualsProto(batch)) << WriteYaml(batch);
}

TEST(WriteYamlTest, KeepsMapsOfMessages) {
  const auto bag = Text<google::protobuf::Struct>(
      "fields { key: 'a' value { bool_value: false } } fields { key: 'b' value { struct_value {} } "
      "}");
  EXPECT_THAT(Read<google::protobuf::Struct>(WriteYaml(bag)), EqualsProto(bag)) << WriteYaml(bag);
}

TEST(WriteYamlTest, QuotesStringsThatYamlWouldTakeForSomethingElse) {
  for (const char* name :
       {"",   "~", "null", "true", "5",           "a: b",      "# no", "- x",    "[",
        "&a", "*", "!",    " a ",  "line\nbreak", "tab\there", "\"'",  "zähler", "%",
        "@",  "?", "|",    ">",    ":",           "---",       "...",  "=",      "<<"}) {
    Policy policy;
    policy.set_name(name);
    policy.add_match(name);
    EXPECT_THAT(Read<Policy>(WriteYaml(policy)), EqualsProto(policy)) << WriteYaml(policy);
  }
}

// Sets the only value of a wrapper message.
template <typename Wrapper>
absl::StatusOr<std::string> Canonical(absl::string_view text) {
  Wrapper wrapper;
  const auto* field = Wrapper::descriptor()->FindFieldByName("value");
  const absl::Status status = SetFieldFromText(&wrapper, field, text);
  if (!status.ok()) return status;
  return FieldToText(wrapper, field);
}

template <typename Wrapper>
std::string Refusal(absl::string_view text) {
  return std::string(Canonical<Wrapper>(text).status().message());
}

TEST(FieldTextTest, ReadsAndWritesEveryKindOfNumber) {
  EXPECT_EQ(*Canonical<google::protobuf::Int32Value>("-2147483648"), "-2147483648");
  EXPECT_EQ(*Canonical<google::protobuf::Int64Value>("9223372036854775807"), "9223372036854775807");
  EXPECT_EQ(*Canonical<google::protobuf::UInt32Value>("4294967295"), "4294967295");
  EXPECT_EQ(*Canonical<google::protobuf::UInt64Value>("18446744073709551615"),
            "18446744073709551615");
  EXPECT_EQ(*Canonical<google::protobuf::FloatValue>("0.1"), "0.1");
  EXPECT_EQ(*Canonical<google::protobuf::DoubleValue>("0.30000000000000004"),
            "0.30000000000000004");
  EXPECT_EQ(*Canonical<google::protobuf::DoubleValue>("1e-6"), "1e-06");
  EXPECT_EQ(*Canonical<google::protobuf::BoolValue>("true"), "true");
  EXPECT_EQ(*Canonical<google::protobuf::BytesValue>("\xff"), "\xff");
}

TEST(FieldTextTest, RefusesWhatIsNoWholeNumberOfTheType) {
  for (const char* text : {"", " 7", "7 ", "7.0", "1e3", "many", "-1", "4294967296", "0x10"}) {
    EXPECT_EQ(Refusal<google::protobuf::UInt32Value>(text),
              absl::StrCat("is \"", text, "\"; write a whole number from 0 to 4294967295"));
  }
  EXPECT_EQ(Refusal<google::protobuf::Int32Value>("2147483648"),
            "is \"2147483648\"; write a whole number from -2147483648 to 2147483647");
}

TEST(FieldTextTest, RefusesWhatIsNoFiniteNumber) {
  for (const char* text : {"", "nan", "inf", "1e999", "half", "0,5", " 1"}) {
    EXPECT_EQ(Refusal<google::protobuf::DoubleValue>(text),
              absl::StrCat("is \"", text, "\"; write a number, like 0.5"));
  }
  EXPECT_EQ(Refusal<google::protobuf::DoubleValue>("50%"),
            "is \"50%\"; write it as a fraction: 0.5");
  EXPECT_EQ(Refusal<google::protobuf::FloatValue>("1e39"), "is \"1e39\"; write a number, like 0.5");
}

// YAML 1.1 takes "no" for false, in a list of countries too.
TEST(FieldTextTest, RefusesWhatOnlySomeTakeForABool) {
  for (const char* text : {"yes", "no", "on", "1", "True", ""}) {
    EXPECT_EQ(Refusal<google::protobuf::BoolValue>(text),
              absl::StrCat("is \"", text, "\"; write true or false"));
  }
}

TEST(FieldTextTest, RefusesStringsThatAreNotUtf8) {
  EXPECT_THAT(Refusal<google::protobuf::StringValue>("\xC3("), HasSubstr("; write it in UTF-8"));
}

absl::StatusOr<std::string> Latency(absl::string_view text) {
  fusebox::v1::RecordRequest request;
  const auto* field = fusebox::v1::RecordRequest::descriptor()->FindFieldByName("latency");
  const absl::Status status = SetFieldFromText(&request, field, text);
  if (!status.ok()) return status;
  return FieldToText(request, field);
}

TEST(FieldTextTest, ReadsDurationsWithUnits) {
  for (const char* text : {"30s", "100ms", "1h30m", "1ns", "-5s", "-1.5s", "720h", "0s"}) {
    EXPECT_EQ(*Latency(text), text);
  }
  EXPECT_EQ(*Latency("90s"), "1m30s");
  EXPECT_EQ(*Latency("0"), "0s");
}

TEST(FieldTextTest, RefusesDurationsWithoutUnits) {
  for (const char* text : {"30", "", "s", "30 s", "1d", "soon", "0.5"}) {
    EXPECT_EQ(Latency(text).status().message(),
              absl::StrCat("is \"", text, "\"; write a duration with a unit, like 30s or 500ms"));
  }
}

TEST(FieldTextTest, RefusesDurationsThatNoMessageHolds) {
  for (const char* text : {"inf", "-inf", "100000000h"}) {
    EXPECT_EQ(Latency(text).status().message(),
              absl::StrCat("is \"", text, "\"; write a duration of less than 10,000 years"));
  }
}

TEST(FieldTextTest, ReadsEnumsByShortAndByFullName) {
  fusebox::v1::RecordRequest request;
  const auto* field = fusebox::v1::RecordRequest::descriptor()->FindFieldByName("outcome");
  for (const char* text : {"RATE_LIMITED", "OUTCOME_RATE_LIMITED", "rate_limited"}) {
    request.Clear();
    ASSERT_TRUE(SetFieldFromText(&request, field, text).ok()) << text;
    EXPECT_EQ(request.outcome(), fusebox::v1::OUTCOME_RATE_LIMITED);
    EXPECT_EQ(FieldToText(request, field), "RATE_LIMITED");
  }
  for (const char* text : {"UNSPECIFIED", "OUTCOME_UNSPECIFIED", "2", ""}) {
    EXPECT_EQ(SetFieldFromText(&request, field, text).message(),
              absl::StrCat("is \"", text,
                           "\"; write one of SUCCESS, FAILURE, TIMEOUT, "
                           "RATE_LIMITED, CALLER_ERROR, IGNORED"));
  }
}

TEST(FieldTextTest, LeavesTheFieldAloneOnError) {
  fusebox::v1::RecordRequest request;
  request.mutable_latency()->set_seconds(7);
  const auto* field = fusebox::v1::RecordRequest::descriptor()->FindFieldByName("latency");
  EXPECT_FALSE(SetFieldFromText(&request, field, "30").ok());
  EXPECT_EQ(FieldToText(request, field), "7s");
}

TEST(FieldTextTest, AppendsToARepeatedField) {
  Policy policy;
  const auto* field = Policy::descriptor()->FindFieldByName("match");
  ASSERT_TRUE(SetFieldFromText(&policy, field, "a").ok());
  ASSERT_TRUE(SetFieldFromText(&policy, field, "b").ok());
  EXPECT_THAT(policy.match(), ElementsAre("a", "b"));
  EXPECT_EQ(FieldToText(policy, field, 1), "b");
}

TEST(NearestTest, FindsWhatWasMeant) {
  const std::vector<std::string> names = {"max_breakers", "max_batches", "listen"};
  EXPECT_EQ(Nearest("max_breaker", names), "max_breakers");
  EXPECT_EQ(Nearest("MaxBreakers", names), "max_breakers");
  EXPECT_EQ(Nearest("max-breakers", names), "max_breakers");
  EXPECT_EQ(Nearest("lisetn", names), "listen");
  EXPECT_EQ(Nearest("colour", names), "");
  EXPECT_EQ(Nearest("", names), "");
  EXPECT_EQ(Nearest(std::string(1'000'000, 'x'), names), "");
  EXPECT_EQ(DidYouMean("listn", names), "; did you mean listen?");
  EXPECT_EQ(DidYouMean("colour", names), "");
}

TEST(SourceMapTest, NamesAFieldByTheNearestThingThatSetIt) {
  SourceMap sources("f.yaml");
  sources.SetLine("policies", 3);
  sources.SetLine("policies[0]", 4);
  sources.SetLine("policies[0].name", 5);
  EXPECT_EQ(sources.Name("policies[0].name"), "f.yaml:5: policies[0].name");
  EXPECT_EQ(sources.Name("policies[0].circuit_breaker.jitter"),
            "f.yaml:4: policies[0].circuit_breaker.jitter");
  EXPECT_EQ(sources.Name("policies[1]"), "f.yaml:3: policies[1]");
  EXPECT_EQ(sources.Name("server.listen"), "f.yaml: server.listen");
  EXPECT_EQ(sources.Locate("policies[0].circuit_breaker"), "f.yaml:4");
  EXPECT_EQ(sources.Locate("server"), "f.yaml");
  EXPECT_EQ(sources.Line("server"), 0);
}

TEST(SourceMapTest, LetsAnOriginOverruleTheFile) {
  SourceMap sources("f.yaml");
  sources.SetLine("server.listen", 2);
  sources.SetLine("server.listen[0]", 2);
  sources.SetOrigin("server.listen", "--listen");
  EXPECT_EQ(sources.Name("server.listen[0]"), "--listen");
  EXPECT_EQ(sources.Locate("server.listen"), "--listen");
}

TEST(SourceMapTest, NamesAFieldByItsPathWithoutAFile) {
  EXPECT_EQ(SourceMap().Name("server.listen"), "server.listen");
  EXPECT_EQ(SourceMap().Locate("server.listen"), "");
}

}  // namespace
}  // namespace fusebox
