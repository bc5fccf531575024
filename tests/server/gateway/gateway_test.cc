#include "server/gateway/gateway.h"

#include <google/protobuf/generated_message_reflection.h>
#include <google/protobuf/message.h>
#include <grpcpp/grpcpp.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace fusebox {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kAllow[] = "/fusebox.v1.BreakerService/Allow";
constexpr char kReset[] = "/fusebox.v1.AdminService/ResetBreaker";

// What a service was asked, and with which metadata.
struct Heard {
  std::vector<std::string> clients, breakers, tokens, traces;

  void Metadata(const grpc::ServerContext& context) {
    for (const auto& [name, value] : context.client_metadata()) {
      if (name == "authorization") tokens.emplace_back(value.data(), value.size());
      if (name == "traceparent") traces.emplace_back(value.data(), value.size());
    }
  }
};

class Breakers final : public v1::BreakerService::Service {
 public:
  explicit Breakers(Heard& heard) : heard_(heard) {}

  grpc::Status Allow(grpc::ServerContext* context, const v1::AllowRequest* request,
                     v1::AllowResponse* response) override {
    heard_.Metadata(*context);
    heard_.clients.push_back(request->client());
    heard_.breakers.push_back(request->breaker());
    response->set_breaker(request->breaker());
    return grpc::Status::OK;
  }

 private:
  Heard& heard_;
};

class Admin final : public v1::AdminService::Service {
 public:
  explicit Admin(Heard& heard) : heard_(heard) {}

  grpc::Status ResetBreaker(grpc::ServerContext* context, const v1::ResetBreakerRequest* request,
                            v1::ResetBreakerResponse*) override {
    heard_.Metadata(*context);
    heard_.breakers.push_back(request->name());
    return grpc::Status::OK;
  }
  grpc::Status GetBreaker(grpc::ServerContext*, const v1::GetBreakerRequest* request,
                          v1::GetBreakerResponse*) override {
    heard_.breakers.push_back(request->name());
    return {grpc::StatusCode::NOT_FOUND, "no such breaker"};
  }

 private:
  Heard& heard_;
};

class GatewayTest : public ::testing::Test {
 public:
  ~GatewayTest() override { server_->Shutdown(); }

 protected:
  GatewayTest() {
    // Without it the linker leaves the description of the service out.
    google::protobuf::LinkMessageReflection<v1::SessionRequest>();
    grpc::ServerBuilder builder;
    builder.RegisterService(&breakers_).RegisterService(&admin_);
    server_ = builder.BuildAndStart();
    Serve({});
  }

  void Serve(Gateway::Options options) {
    options.services = {"fusebox.v1.BreakerService", "fusebox.v1.AdminService"};
    gateway_ = std::make_unique<Gateway>(std::move(options));
    gateway_->SetChannel(server_->InProcessChannel({}));
  }

  HttpResponse Post(const std::string& path, const std::string& body,
                    std::vector<std::pair<std::string, std::string>> headers = {}) {
    headers.emplace_back("Content-Type", "application/json");
    for (const HttpRoute& route : gateway_->Routes()) {
      if (!route.Matches(path)) continue;
      std::promise<HttpResponse> answer;
      route.begin({.method = "POST",
                   .path = path,
                   .query = "",
                   .headers = std::move(headers),
                   .body = body,
                   .peer = "10.0.0.7"},
                  [&answer](absl::AnyInvocable<HttpResponse()> make) { answer.set_value(make()); });
      return answer.get_future().get();
    }
    return {.status = 0};
  }

  Heard heard_;
  Breakers breakers_{heard_};
  Admin admin_{heard_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Gateway> gateway_;
};

TEST_F(GatewayTest, ACallThatDoesNotSayWhoseItIsOfItsAddress) {
  EXPECT_EQ(Post(kAllow, R"({"breaker": "db/orders"})").status, 200);
  EXPECT_EQ(Post(kAllow, R"({"breaker": "db/orders", "client": "shop-1"})").status, 200);
  EXPECT_THAT(heard_.clients, ElementsAre("10.0.0.7", "shop-1"));
}

TEST_F(GatewayTest, TokensAndTracesTravelOn) {
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  Post(kAllow, "{}", {{"authorization", "Bearer s3cret"}, {"Traceparent", trace}});
  EXPECT_THAT(heard_.tokens, ElementsAre("Bearer s3cret"));
  EXPECT_THAT(heard_.traces, ElementsAre(trace));
}

TEST_F(GatewayTest, BytesThatMetadataCannotHaveAreNotSent) {
  EXPECT_EQ(Post(kAllow, "{}", {{"Authorization", "Bearer \x01"}}).status, 401);
  EXPECT_THAT(heard_.breakers, IsEmpty());
  EXPECT_EQ(Post(kAllow, "{}", {{"traceparent", "\xff"}}).status, 200);
  EXPECT_THAT(heard_.traces, IsEmpty());
}

TEST_F(GatewayTest, ChangesAreRefusedWhereNobodyHasAToken) {
  const HttpResponse response = Post(kReset, R"({"name": "a"})", {{"Authorization", "Bearer x"}});
  EXPECT_EQ(response.status, 403);
  EXPECT_THAT(response.body, AllOf(HasSubstr("permission_denied"), HasSubstr("--identities")));
  EXPECT_THAT(heard_.breakers, IsEmpty());
}

TEST_F(GatewayTest, ChangesTakeATokenThatTheServiceChecks) {
  Serve({.services = {}, .knows_tokens = true});
  const HttpResponse without = Post(kReset, R"({"name": "a"})");
  EXPECT_EQ(without.status, 401);
  EXPECT_THAT(without.body, AllOf(HasSubstr("unauthenticated"), HasSubstr("Bearer TOKEN")));
  EXPECT_THAT(heard_.breakers, IsEmpty());
  EXPECT_EQ(Post(kReset, R"({"name": "a"})", {{"Authorization", "Bearer x"}}).status, 200);
  EXPECT_THAT(heard_.breakers, ElementsAre("a"));
  EXPECT_THAT(heard_.tokens, ElementsAre("Bearer x"));
}

TEST_F(GatewayTest, LooksTakeNone) {
  const HttpResponse response = Post("/fusebox.v1.AdminService/GetBreaker", R"({"name": "a"})");
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, AllOf(HasSubstr("not_found"), HasSubstr("no such breaker")));
  EXPECT_THAT(heard_.breakers, ElementsAre("a"));
}

TEST_F(GatewayTest, WhatIsNoUnaryMethodIsNamed) {
  EXPECT_THAT(Post("/fusebox.v1.BreakerService/Alow", "{}").body, HasSubstr("there is no method"));
  EXPECT_THAT(Post("/fusebox.v1.BreakerService/Session", "{}").body, HasSubstr("is a stream"));
}

TEST_F(GatewayTest, ATimeoutIsInWholeMilliseconds) {
  EXPECT_EQ(Post(kAllow, "{}", {{"Connect-Timeout-Ms", "2000"}}).status, 200);
  EXPECT_EQ(Post(kAllow, "{}", {{"Connect-Timeout-Ms", "9999999999"}}).status, 200) << "capped";
  const HttpResponse response = Post(kAllow, "{}", {{"Connect-Timeout-Ms", "2s"}});
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(response.body, AllOf(HasSubstr("2s"), HasSubstr("write whole milliseconds")));
}

TEST_F(GatewayTest, ABodyThatIsCompressedIsNamedAsSuch) {
  EXPECT_EQ(Post(kAllow, "{}", {{"Content-Encoding", "identity"}}).status, 200);
  const HttpResponse response = Post(kAllow, "\x1f\x8b", {{"Content-Encoding", "gzip"}});
  EXPECT_EQ(response.status, 501);
  EXPECT_THAT(response.body,
              AllOf(HasSubstr("unimplemented"), HasSubstr("gzip"), HasSubstr("identity")));
}

TEST_F(GatewayTest, WithoutAChannelTheServerIsAboutToGo) {
  gateway_->SetChannel(nullptr);
  EXPECT_EQ(Post(kAllow, "{}").status, 503);
  EXPECT_THAT(heard_.breakers, IsEmpty());
}

}  // namespace
}  // namespace fusebox
