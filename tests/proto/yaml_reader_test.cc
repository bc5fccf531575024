// What can be read from YAML, and what becomes of it.
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
using ::testing::IsEmpty;

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

// A section whose lines are all commented out is no mistake; a forgotten number or list is one.
TEST(ReadYamlTest, LeavesASectionWithoutAValueUnset) {
  EXPECT_THAT(Read<Policy>("circuit_breaker:\n#  jitter: 1\nclassification: {grpc: }"),
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

// A proto3 `optional` field is a oneof of its own, which is nobody's business.
TEST(ReadYamlTest, DoesNotMistakeOptionalFieldsForAOneof) {
  EXPECT_THAT(Errors<Policy>("circuit_breaker: {jitter: 0.1, max_probes: 1}"), IsEmpty());
}

TEST(ReadYamlTest, ReadsTextBeyondAscii) {
  EXPECT_EQ(Read<Policy>("\xEF\xBB\xBFname: zähler").name(), "zähler");
}

}  // namespace
}  // namespace fusebox
