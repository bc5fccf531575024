// What a health check answers.
#include <string>

#include "absl/strings/str_cat.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class HealthServiceTest : public RpcTest {
 protected:
  HealthServiceTest() {
    health_service_.SetServing("", true);
    health_service_.SetServing("liveness", true);
  }

  grpc::Status TryCheck(const std::string& service, HealthCheckResponse* response) {
    grpc::ClientContext context;
    Bound(context);
    HealthCheckRequest request;
    request.set_service(service);
    return health_->Check(&context, request, response);
  }
  HealthCheckResponse::ServingStatus Check(const std::string& service) {
    HealthCheckResponse response;
    const grpc::Status status = TryCheck(service, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }
  RpcError ErrorFor(const std::string& service) {
    HealthCheckResponse response;
    return ErrorOf(TryCheck(service, &response));
  }
};

TEST_F(HealthServiceTest, AServiceIsAsItWasLastSet) {
  EXPECT_EQ(Check(""), HealthCheckResponse::SERVING);
  health_service_.SetServing("", false);
  EXPECT_EQ(Check(""), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("liveness"), HealthCheckResponse::SERVING);
}

TEST_F(HealthServiceTest, AServiceThatWasNeverSetIsNotFound) {
  const RpcError error = ErrorFor("nobody");
  EXPECT_EQ(error.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(error.reason, "SERVICE_NOT_FOUND");
}

// Load balancers know two answers. What probes must be left in, or it would never recover.
TEST_F(HealthServiceTest, ABreakerServesUnlessItIsOpen) {
  Allow("db/orders");
  EXPECT_EQ(Check("breaker:db/orders"), HealthCheckResponse::SERVING);
  Trip("db/orders");
  EXPECT_EQ(Check("breaker:db/orders"), HealthCheckResponse::NOT_SERVING);
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(Check("breaker:db/orders"), HealthCheckResponse::SERVING);
  EXPECT_EQ(Get("db/orders").state(), v1::STATE_HALF_OPEN);
}

TEST_F(HealthServiceTest, APrefixServesUnlessAllOfItIsOpen) {
  Allow("db/orders");
  Trip("db/users");
  EXPECT_EQ(Check("prefix:db"), HealthCheckResponse::SERVING);
  EXPECT_EQ(Check("prefix:db/users"), HealthCheckResponse::NOT_SERVING);
  Trip("db/orders");
  Pass(HealthWalks::kMaxAge);
  EXPECT_EQ(Check("prefix:db"), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Check("prefix:"), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthServiceTest, APrefixOverManyIsAnsweredToo) {
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(engine_.Allow(absl::StrCat("cache/", i), {}, "").ok());
  }
  EXPECT_EQ(Check("prefix:cache"), HealthCheckResponse::SERVING);
}

// A check makes no breaker: a probe of a wrong name must not look well.
TEST_F(HealthServiceTest, WhatIsNotThereIsNotFound) {
  for (const char* service : {"breaker:db/orders", "prefix:db", "prefix:"}) {
    const RpcError error = ErrorFor(service);
    EXPECT_EQ(error.code, grpc::StatusCode::NOT_FOUND) << service;
    EXPECT_EQ(error.reason, "BREAKER_NOT_FOUND");
  }
  EXPECT_EQ(Info().breakers(), 0u);
}

TEST_F(HealthServiceTest, WhatCanBeNoBreakerIsABadRequest) {
  HealthCheckResponse response;
  for (const char* service : {"breaker:", "breaker:db//orders", "prefix:db/", "prefix:db/*"}) {
    ExpectBadRequest(TryCheck(service, &response), "BREAKER_NAME_INVALID", "service");
  }
}

}  // namespace
}  // namespace fusebox
