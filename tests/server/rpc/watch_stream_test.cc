// How a watch uses the threads that are not its own.
#include "server/rpc/watch_stream.h"

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "server/sync/mutex.h"
#include "testing/fake_clock.h"

namespace fusebox {
namespace {

thread_local int looks_of_this_thread = 0;

// The engine reads the clock whenever it looks for breakers.
class CountingClock : public FakeClock {
 public:
  Tick Now() const override {
    ++looks_of_this_thread;
    if (++looks_; on_look_ != nullptr) on_look_();
    return FakeClock::Now();
  }

  // Of all threads.
  int looks() const { return looks_; }
  // To be set while nobody looks.
  void OnLook(std::function<void()> on_look) { on_look_ = std::move(on_look); }

 private:
  mutable std::atomic<int> looks_{0};
  std::function<void()> on_look_;
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
    MutexLock lock(&mutex_);
    stream_ = stream;
    ++watches_;
    return stream.get();
  }

  int looks() const { return looks_; }
  // Whether nothing is left of that many watches, one after the other.
  bool AreGone(int watches) {
    MutexLock lock(&mutex_);
    return watches_ == watches && stream_.expired();
  }

 private:
  Engine& engine_;
  std::atomic<int> looks_{0};
  Mutex mutex_;
  int watches_ ABSL_GUARDED_BY(mutex_) = 0;
  std::weak_ptr<WatchStream> stream_ ABSL_GUARDED_BY(mutex_);
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
      EXPECT_TRUE(engine_.Allow(absl::StrCat("cache/", i), {}, "").ok());
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
  ASSERT_TRUE(engine_.Allow("db/orders", {}, "").ok());
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

// Maintenance is not held up by those who watch, however many they are: it wakes them, and looks at
// breakers for none of them.
TEST_F(WatchStreamTest, MaintenanceDoesNotDoTheWorkOfWatches) {
  const auto watch = Watch("db/*");
  v1::WatchBreakersResponse step;
  ASSERT_TRUE(watch->Read(&step));
  EXPECT_TRUE(step.has_synced());
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(engine_.Allow(absl::StrCat("db/", i), {}, "").ok());
    const int before = looks_of_this_thread;
    engine_.Maintain();
    EXPECT_EQ(looks_of_this_thread - before, 1);  // Its own.
    ASSERT_TRUE(watch->Read(&step));
    EXPECT_EQ(step.breaker().name(), absl::StrCat("db/", i));
  }
  Cancel(*watch);
}

class EndlessSearchTest : public WatchStreamTest {
 public:
  ~EndlessSearchTest() override { clock_.OnLook(nullptr); }

 protected:
  EndlessSearchTest() {
    clock_.OnLook([this] { AddMore(); });
  }

  // As many as one look goes past. A birth is a look, too.
  void AddMore() {
    thread_local bool adding = false;
    if (std::exchange(adding, true)) return;
    for (int i = 0; i < 64; ++i) (void)engine_.Allow(absl::StrCat("more/", ++added_), {}, "");
    adding = false;
  }

  std::atomic<int> added_{0};
};

// While a search pauses nobody else holds its stream. Who goes away then is noticed, the search
// ends though it has not found all that there is, and nothing is left of it.
TEST_F(EndlessSearchTest, ASearchMayBeCancelledWhileItPauses) {
  constexpr int kLooksUntilAPause = 16;
  for (int watches = 1; watches <= 20; ++watches) {
    grpc::ClientContext context;
    v1::WatchBreakersRequest request;
    request.set_match("db/*");
    const int before = clock_.looks();
    const auto watch = admin_->WatchBreakers(&context, request);
    const int births = 64 * kLooksUntilAPause;
    while (clock_.looks() - before <= kLooksUntilAPause + births) std::this_thread::yield();
    context.TryCancel();
    EXPECT_EQ(watch->Finish().error_code(), grpc::StatusCode::CANCELLED);
    while (!service_.AreGone(watches)) std::this_thread::yield();
    EXPECT_EQ(engine_.watchers(), 0u);
  }
  // Otherwise the last search ended because there was room for no more.
  EXPECT_LT(engine_.breakers(), engine_.max_breakers());
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
