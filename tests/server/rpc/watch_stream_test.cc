// How a watch uses the threads that are not its own.
#include "server/rpc/watch_stream.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "testing/fake_clock.h"

namespace fusebox {
namespace {

thread_local int looks_of_this_thread = 0;

// The engine reads the clock whenever it looks for breakers.
class CountingClock : public FakeClock {
 public:
  Tick Now() const override {
    ++looks_of_this_thread;
    return FakeClock::Now();
  }
};

// Notes how much of a watch is done on the thread that its call came in on.
class CountingService final : public v1::AdminService::CallbackService {
 public:
  explicit CountingService(Engine& engine) : engine_(engine) {}

  grpc::ServerWriteReactor<v1::WatchBreakersResponse>* WatchBreakers(
      grpc::CallbackServerContext* context, const v1::WatchBreakersRequest* request) override {
    const int before = looks_of_this_thread;
    const auto stream = WatchStream::Start(engine_, *Glob::Parse(request->match()), "", context);
    looks_ = looks_of_this_thread - before;
    return stream.get();
  }

  int looks() const { return looks_; }

 private:
  Engine& engine_;
  std::atomic<int> looks_{0};
};

class WatchStreamTest : public ::testing::Test {
 public:
  ~WatchStreamTest() override {
    server_->Shutdown(gpr_now(GPR_CLOCK_MONOTONIC));
    server_->Wait();
  }

 protected:
  // So many that looking at all of them in one go would hold up the other calls of a thread.
  static constexpr int kBreakers = 20'000;

  WatchStreamTest() {
    for (int i = 0; i < kBreakers; ++i) {
      EXPECT_TRUE(engine_.Allow(absl::StrCat("cache/", i), 1, "").ok());
    }
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    admin_ = v1::AdminService::NewStub(server_->InProcessChannel({}));
    context_.set_deadline(
        gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_seconds(120, GPR_TIMESPAN)));
  }

  std::unique_ptr<grpc::ClientReader<v1::WatchBreakersResponse>> Watch(const std::string& match) {
    v1::WatchBreakersRequest request;
    request.set_match(match);
    return admin_->WatchBreakers(&context_, request);
  }
  void Cancel(grpc::ClientReader<v1::WatchBreakersResponse>& reader) {
    context_.TryCancel();
    EXPECT_EQ(reader.Finish().error_code(), grpc::StatusCode::CANCELLED);
  }

  CountingClock clock_;
  Engine engine_{{}, clock_, /*life=*/1'000};
  CountingService service_{engine_};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  grpc::ClientContext context_;
};

// A watch of little among much must not keep its thread from the calls of others; and it finds what
// there is, though nothing else happens on the server.
TEST_F(WatchStreamTest, ALongSearchLetsOthersUseItsThread) {
  ASSERT_TRUE(engine_.Allow("db/orders", 1, "").ok());
  const auto watch = Watch("db/*");
  v1::WatchBreakersResponse step;
  ASSERT_TRUE(watch->Read(&step));
  EXPECT_EQ(step.breaker().name(), "db/orders");
  ASSERT_TRUE(watch->Read(&step));
  EXPECT_TRUE(step.has_synced());
  EXPECT_LT(service_.looks(), 50);  // All of it takes 313.
  Cancel(*watch);
}

// Nobody waits for the end of a search that nobody waits for.
TEST_F(WatchStreamTest, ASearchMayBeCancelled) {
  const auto watch = Watch("db/*");
  Cancel(*watch);
}

// What is found is sent at once: a large snapshot does not wait for a timer now and then.
TEST_F(WatchStreamTest, ALargeSnapshotIsWhole) {
  const auto watch = Watch("cache/**");
  v1::WatchBreakersResponse step;
  int breakers = 0;
  while (watch->Read(&step) && step.has_breaker()) ++breakers;
  EXPECT_EQ(breakers, kBreakers);
  EXPECT_TRUE(step.has_synced());
  Cancel(*watch);
}

}  // namespace
}  // namespace fusebox
