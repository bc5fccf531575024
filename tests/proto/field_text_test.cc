// Single values as text: numbers, durations, enums.
#include "proto/yaml/field_text.h"

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "fusebox/v1/breaker.pb.h"
#include "fusebox/v1/policy.pb.h"
#include "gmock/gmock.h"
#include "google/protobuf/wrappers.pb.h"
#include "gtest/gtest.h"

namespace fusebox {
namespace {

using ::fusebox::v1::Policy;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

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

absl::StatusOr<std::string> CreateTime(absl::string_view text) {
  fusebox::v1::ResourceInfo info;
  const auto* field = fusebox::v1::ResourceInfo::descriptor()->FindFieldByName("create_time");
  const absl::Status status = SetFieldFromText(&info, field, text);
  if (!status.ok()) return status;
  return FieldToText(info, field);
}

TEST(FieldTextTest, ReadsTimesWithTheirZone) {
  for (const char* text : {"2026-02-03T04:05:06Z", "2026-02-03T04:05:06.5Z",
                           "1969-12-31T23:59:59.000000001Z", "0001-01-01T00:00:00Z"}) {
    EXPECT_EQ(*CreateTime(text), text);
  }
  EXPECT_EQ(*CreateTime("2026-02-03T04:05:06+02:00"), "2026-02-03T02:05:06Z");
}

TEST(FieldTextTest, RefusesTimesWithoutAZone) {
  for (const char* text :
       {"2026-02-03T04:05:06", "2026-02-03", "04:05", "1770091506", "", "infinite-future"}) {
    EXPECT_EQ(
        CreateTime(text).status().message(),
        absl::StrCat("is \"", text, "\"; write a time with its zone, like 2026-02-03T04:05:06Z"));
  }
}

// A permit holds any bytes, which YAML does not.
TEST(FieldTextTest, WritesBytesInBase64) {
  EXPECT_EQ(*Canonical<google::protobuf::BytesValue>("AP8="), "AP8=");
  EXPECT_EQ(Refusal<google::protobuf::BytesValue>("A!"), "is \"A!\"; write it in base64");
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

}  // namespace
}  // namespace fusebox
