// What keeping state costs those who ask: the p99 of Allow over gRPC with the SQLite store, as a
// ratio to that with the memory store, while 50 breakers a second change state; and the same while
// the disk does not answer at all.
#include <grpcpp/grpcpp.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "bench/paired.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"
#include "testing/faulty_disk.h"
#include "testing/temporary_directory.h"

namespace fusebox {
namespace {

// A server under the load of a fleet that has trouble, and one client that times its calls.
class TimedServer {
 public:
  explicit TimedServer(const std::string& store) {
    const std::vector<std::string> flags = {"bench",
                                            "--listen=127.0.0.1:0",
                                            "--http-listen=",
                                            "--log-level=ERROR",
                                            "--lame-duck=0s",
                                            "--store=" + store,
                                            "--data-dir=" + directory_.path()};
    std::vector<const char*> argv;
    for (const std::string& flag : flags) argv.push_back(flag.c_str());
    const auto nothing = [](absl::string_view) { return std::optional<std::string>(); };
    auto options = ParseOptions(static_cast<int>(argv.size()), argv.data(), nothing);
    if (!options.ok()) std::abort();
    auto server = Server::Start(*options, clock_);
    if (!server.ok()) std::abort();
    server_ = *std::move(server);
    stub_ = v1::BreakerService::NewStub(
        grpc::CreateChannel(server_->grpc_addresses().front(), grpc::InsecureChannelCredentials()));
  }

  // In seconds, over so long a time, in which breakers change state 50 times a second.
  double P99(absl::Duration duration) {
    std::atomic<bool> done = false;
    std::thread trouble([this, &done] {
      for (int i = 0; !done; ++i) {
        const std::string name = absl::StrCat("trouble/", i % 100);
        const Ending ending{.result = Result::Of(Outcome::kFailure), .calls = 5};
        if (!server_->engine().Record(name, "", ending).ok()) std::abort();
        if (!server_->engine().Reset(name, {"bench", "again"}).ok()) std::abort();
        std::this_thread::sleep_for(std::chrono::milliseconds(40));
      }
    });
    std::vector<double> times;
    const auto start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - start < absl::ToChronoNanoseconds(duration)) {
      times.push_back(TimeOne());
    }
    done = true;
    trouble.join();
    std::nth_element(times.begin(), times.begin() + times.size() * 99 / 100, times.end());
    return times[times.size() * 99 / 100];
  }

 private:
  double TimeOne() {
    v1::AllowRequest request;
    request.set_breaker("db/orders");
    v1::AllowResponse response;
    grpc::ClientContext context;
    const auto start = std::chrono::steady_clock::now();
    if (!stub_->Allow(&context, request, &response).ok()) std::abort();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

  const TemporaryDirectory directory_;
  const SystemClock clock_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<v1::BreakerService::Stub> stub_;
};

bool Run() {
  FaultyDisk disk;
  // What the server's store sees its disk through.
  if (sqlite3_vfs_register(sqlite3_vfs_find(disk.name().c_str()), 1) != SQLITE_OK) std::abort();
  TimedServer sqlite("SQLITE"), memory("MEMORY");
  const Worker kept = [&sqlite](absl::Duration run) { return sqlite.P99(run); };
  const Worker forgotten = [&memory](absl::Duration run) { return memory.P99(run); };
  const Limit limit{Limit::Kind::kAtMost, 1.1};
  const bool normal =
      Compare("p99 of Allow with SQLite, of that in memory", kept, forgotten, limit);
  disk.StallSyncs();
  const bool stalled =
      Compare("p99 of Allow while the disk stalls, of that in memory", kept, forgotten, limit);
  disk.ReleaseSyncs();
  return normal && stalled;
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
