#ifndef FUSEBOX_TESTS_PROTO_YAML_FIXTURE_H_
#define FUSEBOX_TESTS_PROTO_YAML_FIXTURE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/protobuf/util/message_differencer.h"
#include "gtest/gtest.h"
#include "proto/yaml/yaml.h"

// What the tests of reading and writing YAML share.
namespace fusebox {

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
  google::protobuf::util::MessageDifferencer differencer;
  std::string difference;
  differencer.ReportDifferencesToString(&difference);
  const bool equal = differencer.Compare(expected, arg);
  *result_listener << difference;
  return equal;
}

inline constexpr char kWholePolicy[] = R"(# All kinds of fields.
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

// The same.
inline constexpr char kWholePolicyAsText[] = R"(
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

}  // namespace fusebox

#endif  // FUSEBOX_TESTS_PROTO_YAML_FIXTURE_H_
