// Allow with fallbacks, and Allow that waits, over a connection.
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/rpc/rpc_fixture.h"
#include "server/rpc/waiting_allow.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;

google::protobuf::Duration SecondsOf(int64_t seconds) {
  google::protobuf::Duration duration;
  duration.set_seconds(seconds);
  return duration;
}

class AllowOneOfTest : public RpcTest {
 protected:
  AllowOneOfTest() {
    Policy policy;
    policy.bulkhead.max_concurrent = 1;
    EXPECT_TRUE(engine_.SetPolicies({policy}, {}).ok());
  }

  static v1::AllowRequest Chain(const std::vector<std::string>& fallbacks) {
    v1::AllowRequest request;
    request.set_breaker("db/orders");
    for (const std::string& fallback : fallbacks) request.add_fallbacks(fallback);
    return request;
  }
  v1::AllowResponse Ask(const v1::AllowRequest& request) {
    v1::AllowResponse response;
    const grpc::Status status = TryAllow(request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
};

TEST_F(AllowOneOfTest, TheGrantedBreakerIsNamedAndWhoRefusedBeforeIt) {
  Trip();
  const v1::AllowResponse answer = Ask(Chain({"db/replica"}));
  EXPECT_EQ(answer.decision(), v1::DECISION_ALLOWED);
  EXPECT_EQ(answer.breaker(), "db/replica");
  ASSERT_EQ(answer.refused_size(), 1);
  EXPECT_EQ(answer.refused(0).breaker(), "db/orders");
  EXPECT_EQ(answer.refused(0).reason(), v1::REASON_OPEN);
  EXPECT_EQ(answer.refused(0).retry_after().seconds(), 30);
  const v1::RecordResponse verdict =
      Record(Outcome(v1::OUTCOME_SUCCESS, answer.permit(), "db/replica"));
  EXPECT_EQ(verdict.counted(), v1::COUNTED_COUNTED);
}

TEST_F(AllowOneOfTest, WhereAllRefuseTheFirstIsNamedAndAllReasons) {
  Trip();
  Allow("db/replica");
  const v1::AllowResponse answer = Ask(Chain({"db/replica"}));
  EXPECT_EQ(answer.decision(), v1::DECISION_DENIED);
  EXPECT_EQ(answer.breaker(), "db/orders");
  EXPECT_EQ(answer.reason(), v1::REASON_OPEN);
  ASSERT_EQ(answer.refused_size(), 2);
  EXPECT_EQ(answer.refused(1).reason(), v1::REASON_BULKHEAD);
}

TEST_F(AllowOneOfTest, TooManyFallbacksAreAnError) {
  ExpectBadRequest(TryAllow(Chain(std::vector<std::string>(17, "db/replica"))),
                   "TOO_MANY_FALLBACKS", "fallbacks");
  EXPECT_EQ(Ask(Chain(std::vector<std::string>(16, "db/replica"))).breaker(), "db/orders");
}

TEST_F(AllowOneOfTest, ANegativeWaitIsAnError) {
  v1::AllowRequest request = Chain({});
  *request.mutable_max_wait() = SecondsOf(-1);
  ExpectBadRequest(TryAllow(request), "MAX_WAIT_INVALID", "max_wait");
}

// A call that waits, its answer in the making.
class Waiting {
 public:
  Waiting(v1::BreakerService::Stub& stub, v1::AllowRequest request) : request_(std::move(request)) {
    stub.async()->Allow(&context_, &request_, &response_, [this](grpc::Status status) {
      MutexLock lock(&mutex_);
      status_ = std::move(status);
    });
  }
  ~Waiting() {
    context_.TryCancel();
    Status();
  }

  void Cancel() { context_.TryCancel(); }
  // Once it has ended.
  grpc::Status Status() {
    for (;;) {
      {
        MutexLock lock(&mutex_);
        if (status_.has_value()) return *status_;
      }
      std::this_thread::yield();
    }
  }
  v1::AllowResponse Answer() {
    const grpc::Status status = Status();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response_;
  }

 private:
  grpc::ClientContext context_;
  v1::AllowRequest request_;
  v1::AllowResponse response_;
  Mutex mutex_;
  std::optional<grpc::Status> status_ ABSL_GUARDED_BY(mutex_);
};

class WaitingAllowTest : public AllowOneOfTest {
 protected:
  // Returns once the breaker has it in its queue, so that time that passes is time of its wait.
  std::unique_ptr<Waiting> Wait(int64_t seconds = 10) {
    v1::AllowRequest request = Chain({});
    *request.mutable_max_wait() = SecondsOf(seconds);
    const uint32_t before = Get().waiting();
    auto waiting = std::make_unique<Waiting>(*breakers_, request);
    Until([&] { return Get().waiting() > before; });
    return waiting;
  }
  template <typename Done>
  static void Until(const Done& done) {
    while (!done()) std::this_thread::yield();
  }
};

TEST_F(WaitingAllowTest, APlaceThatComesBackIsGrantedToWhoWaits) {
  const v1::AllowResponse first = Allow();
  const auto waiting = Wait();
  Record(Outcome(v1::OUTCOME_SUCCESS, first.permit()));
  const v1::AllowResponse answer = waiting->Answer();
  EXPECT_EQ(answer.decision(), v1::DECISION_ALLOWED);
  EXPECT_EQ(answer.breaker(), "db/orders");
  EXPECT_THAT(answer.refused(), IsEmpty());
  EXPECT_EQ(Record(Outcome(v1::OUTCOME_SUCCESS, answer.permit())).counted(), v1::COUNTED_COUNTED);
}

TEST_F(WaitingAllowTest, AWaitThatIsOverIsARefusal) {
  Allow();
  const auto waiting = Wait(10);
  Pass(absl::Seconds(10));
  const v1::AllowResponse answer = waiting->Answer();
  EXPECT_EQ(answer.decision(), v1::DECISION_DENIED);
  EXPECT_EQ(answer.reason(), v1::REASON_BULKHEAD);
}

TEST_F(WaitingAllowTest, ACallerThatGivesUpLeavesTheQueue) {
  const v1::AllowResponse first = Allow();
  const auto waiting = Wait();
  waiting->Cancel();
  EXPECT_EQ(waiting->Status().error_code(), grpc::StatusCode::CANCELLED);
  Until([&] { return engine_.waiting() == 0; });
  Record(Outcome(v1::OUTCOME_SUCCESS, first.permit()));
  EXPECT_EQ(Get().bulkhead().in_use(), 0u);
}

TEST_F(WaitingAllowTest, AServerThatStopsAnswersAllWhoWait) {
  Allow();
  const auto waiting = Wait();
  engine_.EndWaits();
  EXPECT_EQ(waiting->Answer().decision(), v1::DECISION_DENIED);
}

// So the answer, a refusal, is there before the deadline is.
TEST(PatienceTest, IsWhatTheDeadlineLeavesLessFiveMillisecondsAndAHundredth) {
  EXPECT_EQ(PatienceOf(absl::InfiniteDuration(), absl::Seconds(3)), absl::Seconds(3));
  EXPECT_EQ(PatienceOf(absl::Seconds(10), absl::Seconds(3)), absl::Seconds(3));
  EXPECT_EQ(PatienceOf(absl::Seconds(10), absl::Minutes(1)), absl::Milliseconds(9'895));
  EXPECT_LT(PatienceOf(absl::Milliseconds(5), absl::Minutes(1)), absl::ZeroDuration());
}

}  // namespace
}  // namespace fusebox
