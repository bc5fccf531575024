// What is written reads back equal, and as a person would have written it.
#include "fusebox/v1/breaker.pb.h"
#include "fusebox/v1/policy.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/struct.pb.h"
#include "gtest/gtest.h"
#include "proto/yaml/yaml.h"
#include "proto/yaml_fixture.h"

namespace fusebox {
namespace {

using ::fusebox::v1::BatchRecordRequest;
using ::fusebox::v1::Policy;

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
      "items {} items { breaker: 'a' permit: '\\377p' } items { http_status: 0 count: 3 }");
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

}  // namespace
}  // namespace fusebox
