// Messages in the bodies of HTTP.
#include "server/gateway/codec.h"

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "core/error.h"
#include "fusebox/v1/breaker.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

TEST(CodecTest, IsChosenByTheTypeWhateverItsCaseAndParameters) {
  for (const absl::string_view type :
       {"application/json", "Application/JSON", "application/json; charset=utf-8",
        " application/json ;x=y"}) {
    EXPECT_EQ(CodecOf(type).value(), Codec::kJson) << type;
  }
  EXPECT_EQ(CodecOf("application/proto").value(), Codec::kProtobuf);
}

TEST(CodecTest, RefusesAnyOtherType) {
  for (const absl::string_view type :
       {"", "text/plain", "application/jsonp", "application/grpc",
        "application/x-www-form-urlencoded", "multipart/form-data"}) {
    const absl::Status status = CodecOf(type).status();
    EXPECT_EQ(ErrorReason(status), "CONTENT_TYPE_UNKNOWN") << type;
    EXPECT_THAT(std::string(status.message()), HasSubstr("send application/json")) << type;
  }
}

TEST(CodecTest, BothAreReadAsTheyAreWritten) {
  v1::RecordRequest request;
  request.set_breaker("db/orders");
  request.set_permit(std::string("\0\xff", 2));
  request.set_http_status(503);
  request.mutable_latency()->set_nanos(200'000'000);
  for (const Codec codec : {Codec::kJson, Codec::kProtobuf}) {
    v1::RecordRequest read;
    ASSERT_TRUE(Decode(codec, Encode(codec, request), read).ok());
    EXPECT_EQ(read.SerializeAsString(), request.SerializeAsString());
  }
  EXPECT_THAT(Encode(Codec::kJson, request), HasSubstr(R"("latency":"0.200s")"));
}

TEST(CodecTest, AnEmptyBodyIsAnEmptyMessage) {
  for (const char* body : {"", " \n"}) {
    v1::AllowRequest read;
    EXPECT_TRUE(Decode(Codec::kJson, body, read).ok());
    EXPECT_EQ(read.ByteSizeLong(), 0u);
  }
}

// A field that is misspelt would otherwise be one that is not set.
TEST(CodecTest, SaysWhatIsWrongInTheBody) {
  v1::AllowRequest read;
  const absl::Status unknown = Decode(Codec::kJson, R"({"braker": "a"})", read);
  EXPECT_EQ(unknown.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ErrorReason(unknown), "BODY_INVALID");
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("fusebox.v1.AllowRequest"));
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("braker"));
  EXPECT_EQ(ErrorReason(Decode(Codec::kProtobuf, "\xff\xff", read)), "BODY_INVALID");
}

// What is no JSON is refused, and never ends the program.
TEST(CodecTest, TakesOrRefusesAnyBytes) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  const std::string good = R"({"breaker":"a/b","fallbacks":["c"],"maxWait":"1.5s","attempt":2})";
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = good;
    for (size_t edits = 1 + random() % 8; edits > 0; --edits) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    bytes.resize(random() % (bytes.size() + 1));
    for (const Codec codec : {Codec::kJson, Codec::kProtobuf}) {
      v1::AllowRequest read;
      const absl::Status status = Decode(codec, bytes, read);
      EXPECT_TRUE(status.ok() || ErrorReason(status) == "BODY_INVALID") << status;
    }
  }
}

TEST(CodecTest, RefusesWhatIsNestedTooDeeply) {
  v1::AllowRequest read;
  for (const char* open : {"[", "{\"breaker\":", "{\"a\":["}) {
    std::string deep;
    for (int i = 0; i < 100'000; ++i) absl::StrAppend(&deep, open);
    EXPECT_EQ(ErrorReason(Decode(Codec::kJson, deep, read)), "BODY_INVALID") << open;
  }
}

}  // namespace
}  // namespace fusebox
