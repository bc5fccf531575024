// Following the health of a service, a breaker or a prefix.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/rpc/rpc_fixture.h"

namespace fusebox {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// One watch, as a client holds it.
class Watcher {
 public:
  Watcher(Health::Stub& health, const std::string& service) {
    // By the time that a test takes to fail, not to pass.
    context_.set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(120, GPR_TIMESPAN)));
    HealthCheckRequest request;
    request.set_service(service);
    reader_ = health.Watch(&context_, request);
  }
  ~Watcher() {
    if (finished_) return;
    context_.TryCancel();
    Finish();
  }

  // Waits for the next answer; UNKNOWN, which is never sent, when the watch is over.
  HealthCheckResponse::ServingStatus Next() {
    HealthCheckResponse response;
    return reader_->Read(&response) ? response.status() : HealthCheckResponse::UNKNOWN;
  }
  void Cancel() { context_.TryCancel(); }
  grpc::Status Finish() {
    finished_ = true;
    return reader_->Finish();
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<HealthCheckResponse>> reader_;
  bool finished_ = false;
};

class HealthWatchTest : public RpcTest {
 protected:
  explicit HealthWatchTest(const EngineOptions& options = {.idle_ttl = absl::Minutes(10)})
      : RpcTest(options) {
    health_service_.SetServing("", true);
  }

  std::unique_ptr<Watcher> Watch(const std::string& service) {
    return std::make_unique<Watcher>(*health_, service);
  }
  // Time goes on and the server looks after itself, as often as it does.
  void Live(absl::Duration duration = HealthWalks::kMaxAge) {
    Pass(duration);
    health_service_.Maintain();
  }
  // Until the server knows that a watch is over; each look is a round trip.
  void WaitForWatchers(uint64_t watchers) {
    for (int looks = 0; looks < 100'000; ++looks) {
      if (Info().watchers() == watchers) return;
    }
    FAIL() << "still " << Info().watchers() << " watchers";
  }
};

class OneHealthWatcherTest : public HealthWatchTest {
 protected:
  OneHealthWatcherTest() : HealthWatchTest(EngineOptions{.max_watchers = 1}) {}
};

TEST_F(HealthWatchTest, AServiceIsToldAtOnceAndWhenItChanges) {
  const auto watcher = Watch("");
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
  health_service_.SetServing("", false);
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::NOT_SERVING);
  health_service_.SetServing("", true);
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
}

// The protocol wants the stream to go on: what is not there may come.
TEST_F(HealthWatchTest, AServiceThatIsNotThereIsUnknownUntilItComes) {
  const auto watcher = Watch("later");
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  health_service_.SetServing("later", true);
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
}

// Nobody asked it anything meanwhile: the breaker's own changes wake the watch.
TEST_F(HealthWatchTest, ABreakerIsToldAtOnceAndWhenItChanges) {
  Allow("db/orders");
  const auto watcher = Watch("breaker:db/orders");
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
  Trip("db/orders");
  Live(absl::ZeroDuration());
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::NOT_SERVING);
  Live(absl::Seconds(30));
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);  // It probes.
}

TEST_F(HealthWatchTest, ABreakerThatIsNotThereIsUnknownUntilItComesAndWhenItIsGone) {
  const auto watcher = Watch("breaker:db/orders");
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  Allow("db/orders");
  Live(absl::ZeroDuration());
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
  ASSERT_TRUE(engine_.Forget("db/orders", {}).ok());
  Live(absl::ZeroDuration());
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
}

// What the watch first sees after a change may be a report from before it: it looks once more.
TEST_F(HealthWatchTest, APrefixIsToldAtOnceAndWithinASecondOfAChange) {
  Allow("db/orders");
  const auto watcher = Watch("prefix:db");
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
  Trip("db/orders");
  Live(absl::ZeroDuration());
  Live();
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::NOT_SERVING);
  Allow("db/users");
  Live(absl::ZeroDuration());
  Live();
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
}

TEST_F(HealthWatchTest, APrefixWithNothingUnderItIsUnknownUntilThereIs) {
  const auto watcher = Watch("prefix:db");
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  Allow("db/orders");
  Live(absl::ZeroDuration());
  Live();
  EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
}

// Only what changes is said, however much goes on.
TEST_F(HealthWatchTest, WhatStaysAsItIsIsNotSaidAgain) {
  Allow("db/orders");
  const auto breaker = Watch("breaker:db/orders");
  const auto prefix = Watch("prefix:db");
  EXPECT_EQ(breaker->Next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(prefix->Next(), HealthCheckResponse::SERVING);
  for (int i = 0; i < 10; ++i) {
    Allow(absl::StrCat("db/", i));
    Live();
  }
  Trip("db/orders");
  Live();
  EXPECT_EQ(breaker->Next(), HealthCheckResponse::NOT_SERVING);
  for (int i = 0; i < 10; ++i) Trip(absl::StrCat("db/", i));
  Live(absl::ZeroDuration());
  Live();
  EXPECT_EQ(prefix->Next(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthWatchTest, APrefixOverManyIsWatchedToo) {
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(engine_.Allow(absl::StrCat("cache/", i), {}, "").ok());
  }
  EXPECT_EQ(Watch("prefix:cache")->Next(), HealthCheckResponse::SERVING);
}

// What changes behind a walk that is under way is not in its report, nor forgotten.
TEST_F(HealthWatchTest, APrefixThatChangesWhileItIsLookedAtIsToldOfIt) {
  constexpr int kRounds = 10;
  for (int round = 0; round < kRounds; ++round) Allow(absl::StrCat("db/", round));
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(engine_.Allow(absl::StrCat("cache/", i), {}, "").ok());
  }
  clock_.TickWithEachLook();
  for (int round = 0; round < kRounds; ++round) {
    const std::string breaker = absl::StrCat("db/", round);
    const auto watcher = Watch("prefix:" + breaker);
    WaitForWatchers(1);
    Trip(breaker);
    Live(absl::ZeroDuration());
    HealthCheckResponse::ServingStatus status = watcher->Next();
    if (status == HealthCheckResponse::SERVING) {  // The walk had passed by.
      Live();
      status = watcher->Next();
    }
    EXPECT_EQ(status, HealthCheckResponse::NOT_SERVING);
    watcher->Cancel();
    WaitForWatchers(0);
  }
}

TEST_F(HealthWatchTest, APrefixTooManyIsRefusedToWhoWasToldNothingYet) {
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(engine_.Allow(absl::StrCat("cache/", i), {}, "").ok());
  }
  const auto told = Watch("prefix:cache");
  EXPECT_EQ(told->Next(), HealthCheckResponse::SERVING);
  for (size_t i = 0; i < HealthWalks::kMaxKept; ++i) {
    ASSERT_TRUE(engine_.HealthOf(absl::StrCat("other/", i)).ok());
  }
  const auto late = Watch("prefix:db");
  EXPECT_EQ(late->Next(), HealthCheckResponse::UNKNOWN);
  EXPECT_EQ(ErrorOf(late->Finish()).reason, "TOO_MANY_HEALTH_WALKS");
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(engine_
                    .Record(absl::StrCat("cache/", i), "",
                            {.result = Result::Of(fusebox::Outcome::kFailure), .calls = 5})
                    .ok());
  }
  Live(absl::ZeroDuration());  // It looks, and is refused.
  Live();
  EXPECT_EQ(told->Next(), HealthCheckResponse::NOT_SERVING);
}

TEST_F(HealthWatchTest, WhatCanBeNoBreakerIsABadRequest) {
  for (const char* service : {"breaker:", "prefix:db/"}) {
    const auto watcher = Watch(service);
    EXPECT_EQ(watcher->Next(), HealthCheckResponse::UNKNOWN);
    ExpectBadRequest(watcher->Finish(), "BREAKER_NAME_INVALID", "service");
  }
}

// Watches of breakers are bounded together with those of WatchBreakers.
TEST_F(OneHealthWatcherTest, OneTooManyIsRefusedAndTheErrorNamesTheFlag) {
  auto first = Watch("prefix:db");
  EXPECT_EQ(first->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
  const auto second = Watch("breaker:db/orders");
  EXPECT_EQ(second->Next(), HealthCheckResponse::UNKNOWN);
  const RpcError error = ErrorOf(second->Finish());
  EXPECT_EQ(error.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(error.reason, "TOO_MANY_WATCHERS");
  EXPECT_THAT(error.message, ::testing::HasSubstr("--max-watchers"));
  first.reset();
  WaitForWatchers(0);
  EXPECT_EQ(Watch("breaker:db/orders")->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
}

// Those of a service cost next to nothing, and every client of a fleet may have one.
TEST_F(OneHealthWatcherTest, WatchesOfServicesAreNoneOfThose) {
  std::vector<std::unique_ptr<Watcher>> watchers;
  for (int i = 0; i < 100; ++i) {
    watchers.push_back(Watch(""));
    EXPECT_EQ(watchers.back()->Next(), HealthCheckResponse::SERVING);
  }
  EXPECT_EQ(Info().watchers(), 0u);
}

TEST_F(HealthWatchTest, WatchesOfServicesAreBounded) {
  ServedHealth served(engine_, /*max_service_watches=*/2);
  absl::StatusOr<ServedHealth::Seat> first = served.TakeSeat();
  const absl::StatusOr<ServedHealth::Seat> second = served.TakeSeat();
  EXPECT_TRUE(first.ok() && second.ok());
  const absl::Status error = served.TakeSeat().status();
  EXPECT_EQ(error.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ErrorReason(error), "TOO_MANY_WATCHERS");
  first->reset();
  EXPECT_TRUE(served.TakeSeat().ok());
}

TEST_F(HealthWatchTest, AWatchThatIsCancelledIsGone) {
  for (const char* service : {"breaker:db/orders", "prefix:db"}) {
    auto watcher = Watch(service);
    EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVICE_UNKNOWN);
    watcher.reset();
  }
  WaitForWatchers(0);
}

// A server that stops has said so by then, even to who was told something a moment before.
TEST_F(HealthWatchTest, ADrainSaysHowServicesAreAndEndsAllWatches) {
  Allow("db/orders");
  const auto service = Watch("");
  const auto breaker = Watch("breaker:db/orders");
  const auto prefix = Watch("prefix:db");
  for (Watcher* watcher : {service.get(), breaker.get(), prefix.get()}) {
    EXPECT_EQ(watcher->Next(), HealthCheckResponse::SERVING);
  }
  health_service_.SetServing("", false);
  health_service_.Drain();
  EXPECT_EQ(service->Next(), HealthCheckResponse::NOT_SERVING);
  for (Watcher* watcher : {service.get(), breaker.get(), prefix.get()}) {
    EXPECT_EQ(watcher->Next(), HealthCheckResponse::UNKNOWN);
    EXPECT_EQ(ErrorOf(watcher->Finish()).reason, "DRAINING");
  }
  const auto late = Watch("");
  EXPECT_EQ(late->Next(), HealthCheckResponse::UNKNOWN);
  EXPECT_EQ(ErrorOf(late->Finish()).reason, "DRAINING");
}

TEST_F(HealthWatchTest, AServerThatEndsWithoutADrainWaitsForNoWatch) {
  Allow("db/orders");
  const auto service = Watch("");
  const auto prefix = Watch("prefix:db");
  EXPECT_EQ(service->Next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(prefix->Next(), HealthCheckResponse::SERVING);
  StopServer();
  EXPECT_EQ(service->Next(), HealthCheckResponse::UNKNOWN);
  EXPECT_EQ(prefix->Next(), HealthCheckResponse::UNKNOWN);
}

}  // namespace
}  // namespace fusebox
