// The health of all breakers under a prefix.
#include <future>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

using ::testing::HasSubstr;

class GetHealthTest : public RpcTest {
 protected:
  grpc::Status TryHealth(const std::string& prefix, v1::GetHealthResponse* response) {
    grpc::ClientContext context;
    Bound(context);
    v1::GetHealthRequest request;
    request.set_prefix(prefix);
    return admin_->GetHealth(&context, request, response);
  }
  // More than are looked at in one go.
  void MakeMany(uint64_t breakers = 10'000) {
    for (uint64_t i = 0; i < breakers; ++i) {
      ASSERT_TRUE(engine_.Allow(absl::StrCat("cache/", i), {}, "").ok());
    }
  }
  // Asks once for so many other prefixes, and for none again: while the clock stands still, no
  // other walk can be begun.
  void OccupyWalks(size_t prefixes) {
    for (size_t i = 0; i < prefixes; ++i) {
      const auto report = engine_.HealthOf(absl::StrCat("other/", i));
      ASSERT_TRUE(report.ok()) << report.status();
      ASSERT_EQ(*report, nullptr);
    }
  }
  v1::GetHealthResponse Health(const std::string& prefix = "") {
    v1::GetHealthResponse response;
    const grpc::Status status = TryHealth(prefix, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(GetHealthTest, SaysHowAllAreAndWhichAreTheWorst) {
  Allow("db/orders");
  Trip("db/users");
  Allow("cache/a");
  const v1::GetHealthResponse health = Health("db");
  EXPECT_EQ(health.health(), v1::HEALTH_DEGRADED);
  EXPECT_EQ(health.healthy(), 1u);
  EXPECT_EQ(health.degraded(), 0u);
  EXPECT_EQ(health.unhealthy(), 1u);
  EXPECT_EQ(health.score(), 1);
  ASSERT_EQ(health.worst_size(), 1);
  EXPECT_EQ(health.worst(0).name(), "db/users");
  EXPECT_EQ(health.worst(0).state(), v1::STATE_OPEN);
  EXPECT_EQ(health.worst(0).health(), v1::HEALTH_UNHEALTHY);
  EXPECT_EQ(health.worst(0).score(), 1);
}

TEST_F(GetHealthTest, TheEmptyPrefixIsAllAndAWholeNameIsOne) {
  Allow("db/orders");
  Trip("db/users");
  EXPECT_EQ(Health().health(), v1::HEALTH_DEGRADED);
  EXPECT_EQ(Health("db/users").health(), v1::HEALTH_UNHEALTHY);
  EXPECT_EQ(Health("db/orders").health(), v1::HEALTH_HEALTHY);
}

TEST_F(GetHealthTest, FollowsWithinASecond) {
  Allow("db/orders");
  EXPECT_EQ(Health("db").health(), v1::HEALTH_HEALTHY);
  Trip("db/orders");
  Pass(HealthWalks::kMaxAge);
  EXPECT_EQ(Health("db").health(), v1::HEALTH_UNHEALTHY);
}

TEST_F(GetHealthTest, AnswersAlsoWhereThereAreMany) {
  constexpr uint64_t kBreakers = 10'000;
  MakeMany(kBreakers);
  EXPECT_EQ(Health("cache").healthy(), kBreakers);
}

// What waits for its turn must not hold up a server that stops.
TEST_F(GetHealthTest, AServerThatEndsWaitsForNoWalk) {
  MakeMany();
  OccupyWalks(HealthWalks::kMaxWalks);
  grpc::ClientContext context;
  Bound(context);
  v1::GetHealthRequest request;
  request.set_prefix("cache");
  v1::GetHealthResponse response;
  std::promise<grpc::Status> end;
  admin_->async()->GetHealth(&context, &request, &response,
                             [&end](grpc::Status status) { end.set_value(std::move(status)); });
  Info();  // Sent later, on the same connection.
  StopServer();
  EXPECT_FALSE(end.get_future().get().ok());
}

TEST_F(GetHealthTest, OnePrefixTooManyIsRefused) {
  MakeMany();
  OccupyWalks(HealthWalks::kMaxKept);
  v1::GetHealthResponse response;
  const RpcError error = ErrorOf(TryHealth("cache", &response));
  EXPECT_EQ(error.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, "TOO_MANY_HEALTH_WALKS");
  EXPECT_TRUE(error.may_retry);
  Pass(HealthWalks::kMaxAge);
  EXPECT_EQ(Health("cache").health(), v1::HEALTH_HEALTHY);
}

TEST_F(GetHealthTest, NothingUnderThePrefixIsNotFound) {
  Allow("payments.v2/charge");
  v1::GetHealthResponse response;
  const RpcError error = ErrorOf(TryHealth("payments", &response));
  EXPECT_EQ(error.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(error.reason, "BREAKER_NOT_FOUND");
  EXPECT_EQ(error.domain, "fusebox");
  EXPECT_THAT(error.message, HasSubstr("no breaker under \"payments\"; "));
}

TEST_F(GetHealthTest, RefusesWhatIsNoPath) {
  v1::GetHealthResponse response;
  for (const char* prefix : {"payments/", "/payments", "pay*", "a b"}) {
    ExpectBadRequest(TryHealth(prefix, &response), "BREAKER_NAME_INVALID", "prefix");
  }
}

}  // namespace
}  // namespace fusebox
