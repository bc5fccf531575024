// Errors as Connect's protocol writes them.
#include "server/gateway/connect_error.h"

#include <google/protobuf/util/json_util.h>
#include <grpcpp/grpcpp.h>

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "gtest/gtest.h"
#include "server/gateway/error_body.pb.h"
#include "server/http/http_message.h"

namespace fusebox {
namespace {

using http::v1::ErrorBody;
using ::testing::Contains;
using ::testing::Pair;
using ::testing::StartsWith;

ErrorBody Parse(const HttpResponse& response) {
  EXPECT_EQ(response.content_type, "application/json");
  ErrorBody body;
  EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(response.body, &body).ok())
      << response.body;
  return body;
}

// https://connectrpc.com/docs/protocol#error-codes
TEST(ConnectErrorTest, EachCodeHasItsNameAndItsHttpStatus) {
  const std::map<grpc::StatusCode, std::pair<std::string, int>> expected = {
      {grpc::StatusCode::CANCELLED, {"canceled", 499}},
      {grpc::StatusCode::UNKNOWN, {"unknown", 500}},
      {grpc::StatusCode::INVALID_ARGUMENT, {"invalid_argument", 400}},
      {grpc::StatusCode::DEADLINE_EXCEEDED, {"deadline_exceeded", 504}},
      {grpc::StatusCode::NOT_FOUND, {"not_found", 404}},
      {grpc::StatusCode::ALREADY_EXISTS, {"already_exists", 409}},
      {grpc::StatusCode::PERMISSION_DENIED, {"permission_denied", 403}},
      {grpc::StatusCode::RESOURCE_EXHAUSTED, {"resource_exhausted", 429}},
      {grpc::StatusCode::FAILED_PRECONDITION, {"failed_precondition", 400}},
      {grpc::StatusCode::ABORTED, {"aborted", 409}},
      {grpc::StatusCode::OUT_OF_RANGE, {"out_of_range", 400}},
      {grpc::StatusCode::UNIMPLEMENTED, {"unimplemented", 501}},
      {grpc::StatusCode::INTERNAL, {"internal", 500}},
      {grpc::StatusCode::UNAVAILABLE, {"unavailable", 503}},
      {grpc::StatusCode::DATA_LOSS, {"data_loss", 500}},
      {grpc::StatusCode::UNAUTHENTICATED, {"unauthenticated", 401}},
  };
  for (const auto& [code, shown] : expected) {
    const HttpResponse response = ConnectError(grpc::Status(code, "so it is"));
    EXPECT_EQ(response.status, shown.second) << shown.first;
    EXPECT_EQ(Parse(response).code(), shown.first);
    EXPECT_EQ(Parse(response).message(), "so it is");
  }
}

TEST(ConnectErrorTest, PutsTheCodeBeforeTheMessageAndThatBeforeTheRest) {
  const HttpResponse response = ConnectError(absl::NotFoundError("none"));
  EXPECT_THAT(response.body, StartsWith(R"({"code":"not_found","message":"none","details":[)"));
}

TEST(ConnectErrorTest, ShowsDetailsForProgramsAndForPeople) {
  const absl::Status status =
      MakeError(absl::StatusCode::kNotFound, "BREAKER_NOT_FOUND", "there is no breaker \"a\"");
  const ErrorBody body = Parse(ConnectError(status));
  ASSERT_EQ(body.details_size(), 1);
  const ErrorBody::Detail& detail = body.details(0);
  EXPECT_EQ(detail.type(), "google.rpc.ErrorInfo");
  EXPECT_EQ(detail.debug().fields().at("reason").string_value(), "BREAKER_NOT_FOUND");
  std::string bytes;
  ASSERT_TRUE(absl::Base64Unescape(detail.value(), &bytes))
      << "without padding: " << detail.value();
  google::rpc::ErrorInfo info;
  ASSERT_TRUE(info.ParseFromString(bytes));
  EXPECT_EQ(info.reason(), "BREAKER_NOT_FOUND");
  EXPECT_EQ(info.domain(), "fusebox");
}

TEST(ConnectErrorTest, SaysWhichCredentialsItWants) {
  const HttpResponse response = ConnectError(absl::UnauthenticatedError("who?"));
  EXPECT_EQ(response.status, 401);
  EXPECT_THAT(response.headers, Contains(Pair("WWW-Authenticate", StartsWith("Bearer"))));
}

// A message from elsewhere may say anything.
TEST(ConnectErrorTest, WritesAnyMessage) {
  const grpc::Status status(grpc::StatusCode::INTERNAL, "\"</script>\n\x01");
  EXPECT_EQ(Parse(ConnectError(status)).message(), "\"</script>\n\x01");
  EXPECT_EQ(ConnectError(grpc::Status(static_cast<grpc::StatusCode>(16), "", "no details")).status,
            401);
}

}  // namespace
}  // namespace fusebox
