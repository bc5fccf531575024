#include "server/metrics/grpc_metrics.h"

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "gmock/gmock.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "server/metrics/render.h"
#include "testing/exposition.h"
#include "testing/fake_clock.h"

namespace fusebox {
namespace {

using ::testing::IsEmpty;

grpc::Status Answer(absl::string_view breaker) {
  constexpr grpc::StatusCode kInvalid = grpc::StatusCode::INVALID_ARGUMENT;
  if (breaker == "bad") return grpc::Status(kInvalid, "bad");
  if (!absl::ConsumePrefix(&breaker, "reason:")) return grpc::Status::OK;
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(breaker));
  info.set_domain("fusebox");
  google::rpc::Status status;
  status.add_details()->PackFrom(google::rpc::BadRequest());
  status.add_details()->PackFrom(info);
  return grpc::Status(kInvalid, "bad", status.SerializeAsString());
}

// Takes 3 ms for each Allow, and refuses the breaker "bad", and "reason:..." for that reason.
// BatchRecord ends when its client gives up.
class Breakers : public v1::BreakerService::CallbackService {
 public:
  explicit Breakers(FakeClock& clock) : clock_(clock) {}

  grpc::ServerUnaryReactor* Allow(grpc::CallbackServerContext* context,
                                  const v1::AllowRequest* request,
                                  v1::AllowResponse* /*response*/) override {
    clock_.Advance(absl::Milliseconds(3));
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(Answer(request->breaker()));
    return reactor;
  }

  grpc::ServerUnaryReactor* BatchRecord(grpc::CallbackServerContext* /*context*/,
                                        const v1::BatchRecordRequest* /*request*/,
                                        v1::BatchRecordResponse* /*response*/) override {
    class Patient : public grpc::ServerUnaryReactor {
     public:
      explicit Patient(Breakers& breakers) : breakers_(breakers) {}
      void OnCancel() override { Finish(grpc::Status::CANCELLED); }
      void OnDone() override {
        {
          const std::lock_guard lock(breakers_.mutex_);
          ++breakers_.given_up_;
        }
        breakers_.changed_.notify_all();
        delete this;
      }

     private:
      Breakers& breakers_;
    };
    return new Patient(*this);
  }

  void AwaitGivenUp() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return given_up_ > 0; });
  }

 private:
  FakeClock& clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int given_up_ = 0;
};

// Sends three names to everybody who watches.
class Admin : public v1::AdminService::CallbackService {
 public:
  grpc::ServerWriteReactor<v1::WatchBreakersResponse>* WatchBreakers(
      grpc::CallbackServerContext* /*context*/,
      const v1::WatchBreakersRequest* /*request*/) override {
    class Three : public grpc::ServerWriteReactor<v1::WatchBreakersResponse> {
     public:
      Three() {
        response_.set_removed("a");
        StartWrite(&response_);
      }
      void OnWriteDone(bool ok) override {
        if (!ok || ++written_ == 3) return Finish(grpc::Status::OK);
        StartWrite(&response_);
      }
      void OnDone() override { delete this; }

     private:
      v1::WatchBreakersResponse response_;
      int written_ = 0;
    };
    return new Three;
  }
};

class GrpcMetricsTest : public ::testing::Test {
 protected:
  GrpcMetricsTest() {
    // A service is described beside its messages, and linked with them.
    google::protobuf::LinkMessageReflection<v1::SessionRequest>();
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    builder.RegisterService(&breakers_);
    builder.RegisterService(&admin_);
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> creators;
    creators.push_back(metrics_.MakeInterceptorFactory());
    builder.experimental().SetInterceptorCreators(std::move(creators));
    server_ = builder.BuildAndStart();
    channel_ = server_->InProcessChannel({});
  }
  void TearDown() override { Stop(); }

  // All that the server did is counted after this.
  void Stop() {
    if (server_ == nullptr) return;
    server_->Shutdown();
    server_->Wait();
    server_.reset();
  }

  grpc::Status Allow(absl::string_view breaker) {
    grpc::ClientContext context;
    v1::AllowRequest request;
    request.set_breaker(std::string(breaker));
    v1::AllowResponse response;
    return v1::BreakerService::NewStub(channel_)->Allow(&context, request, &response);
  }

  // Calls any method with any bytes.
  grpc::Status Call(const std::string& path, const std::string& bytes) {
    grpc::GenericStub stub(channel_);
    grpc::ClientContext context;
    const grpc::Slice slice(bytes);
    const grpc::ByteBuffer request(&slice, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    stub.UnaryCall(&context, path, {}, &request, &response, [&](grpc::Status result) {
      const std::lock_guard lock(mutex);
      status = std::move(result);
      done = true;
      changed.notify_all();
    });
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done; });
    return status;
  }

  Exposition Read() const {
    Exposition page(RenderMetrics({&metrics_}));
    EXPECT_THAT(page.errors(), IsEmpty());
    return page;
  }

  static std::string Key(absl::string_view family, absl::string_view service,
                         absl::string_view method, absl::string_view type,
                         absl::string_view code = "") {
    return absl::StrCat(family, "{", code.empty() ? "" : absl::StrCat("grpc_code=", code, ","),
                        "grpc_method=", method, ",grpc_service=", service, ",grpc_type=", type,
                        "}");
  }
  static std::string OfAllow(absl::string_view family, absl::string_view code = "") {
    return Key(family, "fusebox.v1.BreakerService", "Allow", "unary", code);
  }
  static std::string OfUnknown(absl::string_view family, absl::string_view code = "") {
    return Key(family, "unknown", "unknown", "unknown", code);
  }
  static std::string Bucket(absl::string_view le) {
    return absl::StrCat(
        "grpc_server_handling_seconds_bucket{grpc_method=Allow,grpc_service=fusebox"
        ".v1.BreakerService,grpc_type=unary,le=",
        le, "}");
  }

  FakeClock clock_;
  GrpcMetrics metrics_{clock_,
                       GrpcMethodsOf({"fusebox.v1.BreakerService", "fusebox.v1.AdminService",
                                      "grpc.health.v1.Health", "not.linked.Service"})};
  Breakers breakers_{clock_};
  Admin admin_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(GrpcMetricsTest, CountsACallFromItsStartToItsStatus) {
  ASSERT_TRUE(Allow("a").ok());
  Stop();
  const Exposition page = Read();
  EXPECT_EQ(page.at(OfAllow("grpc_server_started_total")), 1);
  EXPECT_EQ(page.at(OfAllow("grpc_server_msg_received_total")), 1);
  EXPECT_EQ(page.at(OfAllow("grpc_server_msg_sent_total")), 1);
  EXPECT_EQ(page.at(OfAllow("grpc_server_handled_total", "OK")), 1);
  EXPECT_EQ(page.at(OfAllow("grpc_server_handled_total", "Canceled")), 0);
}

TEST_F(GrpcMetricsTest, CountsHowLongCallsTook) {
  ASSERT_TRUE(Allow("a").ok());
  ASSERT_TRUE(Allow("a").ok());
  Stop();
  const Exposition page = Read();
  EXPECT_EQ(page.at(Bucket("0.0025")), 0);
  EXPECT_EQ(page.at(Bucket("0.005")), 2);
  EXPECT_EQ(page.at(Bucket("5")), 2);
  EXPECT_EQ(page.at(Bucket("+Inf")), 2);
  EXPECT_EQ(page.at(OfAllow("grpc_server_handling_seconds_count")), 2);
  EXPECT_DOUBLE_EQ(page.at(OfAllow("grpc_server_handling_seconds_sum")), 0.006);
  EXPECT_EQ(page.TypeOf(Bucket("5")), "histogram");
}

TEST_F(GrpcMetricsTest, TellsErrorsByTheirCode) {
  EXPECT_EQ(Allow("bad").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(Call("/fusebox.v1.BreakerService/Record", "").error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  Stop();
  const Exposition page = Read();
  EXPECT_EQ(page.at(OfAllow("grpc_server_handled_total", "InvalidArgument")), 1);
  EXPECT_EQ(page.at(OfAllow("grpc_server_msg_sent_total")), 0);
  EXPECT_EQ(page.at(Key("grpc_server_handled_total", "fusebox.v1.BreakerService", "Record", "unary",
                        "Unimplemented")),
            1);
}

// Each under its reason; under "other" if it is none that is known, so that nobody can make series.
TEST_F(GrpcMetricsTest, TellsErrorsByTheirReason) {
  EXPECT_EQ(Allow("reason:GLOB_INVALID").error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_FALSE(Allow("reason:GLOB_INVALID").ok());
  EXPECT_FALSE(Allow("reason:WATCH_TOO_SLOW").ok());
  EXPECT_FALSE(Allow("reason:INVENTED").ok());
  EXPECT_FALSE(Allow("reason:").ok());
  EXPECT_FALSE(Allow("bad").ok());
  EXPECT_TRUE(Allow("good").ok());
  Stop();
  const Exposition page = Read();
  const auto errors = [&page](absl::string_view reason) {
    return page.at(absl::StrCat("fusebox_errors_total{reason=", reason, "}"));
  };
  EXPECT_EQ(errors("GLOB_INVALID"), 2);
  EXPECT_EQ(errors("WATCH_TOO_SLOW"), 1);
  EXPECT_EQ(errors("other"), 1);
  EXPECT_EQ(errors("BATCH_ID_INVALID"), 0);
  EXPECT_EQ(errors("INVENTED"), -1);
  double all = 0;
  for (const auto& [key, value] : page.series()) {
    if (absl::StartsWith(key, "fusebox_errors_total{")) all += value;
  }
  EXPECT_EQ(all, 4);
}

TEST_F(GrpcMetricsTest, CountsNoMessageThatCannotBeDecoded) {
  EXPECT_FALSE(Call("/fusebox.v1.BreakerService/Allow", "\xff\xff\xff").ok());
  Stop();
  const Exposition page = Read();
  EXPECT_EQ(page.at(OfAllow("grpc_server_started_total")), 1);
  EXPECT_EQ(page.at(OfAllow("grpc_server_msg_received_total")), 0);
  EXPECT_EQ(page.at(OfAllow("grpc_server_handled_total", "OK")), 0);
}

TEST_F(GrpcMetricsTest, CountsEachMessageOfAStream) {
  grpc::ClientContext context;
  const auto stub = v1::AdminService::NewStub(channel_);
  const auto reader = stub->WatchBreakers(&context, {});
  v1::WatchBreakersResponse response;
  while (reader->Read(&response)) continue;
  ASSERT_TRUE(reader->Finish().ok());
  Stop();
  const auto key = [](absl::string_view family, absl::string_view code = "") {
    return Key(family, "fusebox.v1.AdminService", "WatchBreakers", "server_stream", code);
  };
  const Exposition page = Read();
  EXPECT_EQ(page.at(key("grpc_server_started_total")), 1);
  EXPECT_EQ(page.at(key("grpc_server_msg_received_total")), 1);
  EXPECT_EQ(page.at(key("grpc_server_msg_sent_total")), 3);
  EXPECT_EQ(page.at(key("grpc_server_handled_total", "OK")), 1);
  EXPECT_FALSE(page.contains(key("grpc_server_handling_seconds_count")))
      << "how long somebody watches says nothing about the server";
}

TEST_F(GrpcMetricsTest, CountsACallThatItsClientGaveUp) {
  grpc::ClientContext context;
  v1::BatchRecordRequest request;
  v1::BatchRecordResponse response;
  const auto stub = v1::BreakerService::NewStub(channel_);
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  stub->async()->BatchRecord(&context, &request, &response, [&](const grpc::Status& status) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
    const std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  });
  const std::string started =
      Key("grpc_server_started_total", "fusebox.v1.BreakerService", "BatchRecord", "unary");
  while (Read().at(started) < 1) std::this_thread::yield();
  context.TryCancel();
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done; });
  }
  breakers_.AwaitGivenUp();
  Stop();
  EXPECT_EQ(Read().at(Key("grpc_server_handled_total", "fusebox.v1.BreakerService", "BatchRecord",
                          "unary", "Canceled")),
            1);
}

// Whoever invents names for methods must not be able to fill the memory of a Prometheus.
TEST_F(GrpcMetricsTest, PutsAllUnknownMethodsTogether) {
  const size_t before = Read().series().size();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(Call(absl::StrCat("/invented.Service/Method", i), "").error_code(),
              grpc::StatusCode::UNIMPLEMENTED);
  }
  Stop();
  const Exposition page = Read();
  EXPECT_EQ(page.series().size(), before);
  EXPECT_EQ(page.at(OfUnknown("grpc_server_started_total")), 20);
  EXPECT_EQ(page.at(OfUnknown("grpc_server_handled_total", "Unimplemented")), 20);
}

TEST_F(GrpcMetricsTest, KnowsTheHealthService) {
  EXPECT_TRUE(Call("/grpc.health.v1.Health/Check", "").ok());
  Stop();
  EXPECT_EQ(
      Read().at(Key("grpc_server_handled_total", "grpc.health.v1.Health", "Check", "unary", "OK")),
      1);
}

// A series that appears with its first increase shows none.
TEST_F(GrpcMetricsTest, HasAllSeriesFromTheStart) {
  const Exposition page = Read();
  EXPECT_EQ(page.at(OfAllow("grpc_server_started_total")), 0);
  EXPECT_EQ(page.at(OfAllow("grpc_server_handled_total", "Unauthenticated")), 0);
  EXPECT_EQ(page.at(Bucket("5e-05")), 0);
  EXPECT_EQ(page.at(OfUnknown("grpc_server_started_total")), 0);
}

TEST_F(GrpcMetricsTest, LosesNoCountWhenThreadsMeet) {
  constexpr int kThreads = 8, kCalls = 100;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([this] {
      for (int j = 0; j < kCalls; ++j) EXPECT_TRUE(Allow("a").ok());
    });
  }
  for (std::thread& thread : threads) thread.join();
  Stop();
  const Exposition page = Read();
  EXPECT_EQ(page.at(OfAllow("grpc_server_started_total")), kThreads * kCalls);
  EXPECT_EQ(page.at(OfAllow("grpc_server_handled_total", "OK")), kThreads * kCalls);
  EXPECT_EQ(page.at(OfAllow("grpc_server_handling_seconds_count")), kThreads * kCalls);
}

TEST(GrpcMethodCellsTest, PutDurationsIntoTheBucketsWhoseBoundTheyDoNotExceed) {
  GrpcMethodCells cells;
  for (const absl::Duration duration :
       {-absl::Seconds(1), absl::Microseconds(50), absl::Nanoseconds(50'001), absl::Seconds(5),
        absl::Seconds(6)}) {
    cells.CountDuration(duration);
  }
  GrpcMethodTotals totals;
  cells.AddTo(totals);
  EXPECT_EQ(totals.durations[0], 2u);
  EXPECT_EQ(totals.durations[1], 1u);
  EXPECT_EQ(totals.durations[13], 1u);
  EXPECT_EQ(totals.durations[14], 1u);
  EXPECT_EQ(totals.duration_nanos, 11'000'100'001u);
}

}  // namespace
}  // namespace fusebox
