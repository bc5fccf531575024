// A dependency with faults: a gRPC server that answers after 5 ms, if it does.
//
//   flaky_upstream ERRORS SLOW [DOWN_FROM DOWN_UNTIL]
//
//   ERRORS, SLOW          shares of calls that are UNAVAILABLE, and that take 200 ms: 0 to 1
//   DOWN_FROM DOWN_UNTIL  seconds after its first call between which all of them are UNAVAILABLE,
//   after
//                         100 ms
//
// Prints its address; at the end of its input the number of calls that it got, and ends.
#include <grpcpp/alarm.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "absl/strings/str_format.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace fusebox {
namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Faults {
  double errors = 0;
  double slow = 0;
  std::chrono::duration<double> down_from{0};
  std::chrono::duration<double> down_until{0};
};

class Upstream final : public Health::CallbackService {
 public:
  explicit Upstream(const Faults& faults) : faults_(faults) {}
  uint64_t calls() const { return calls_; }

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context, const HealthCheckRequest*,
                                  HealthCheckResponse*) override {
    ++calls_;
    const Fate fate = Draw();
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    auto* const alarm = new grpc::Alarm;
    alarm->Set(std::chrono::system_clock::now() + fate.after, [alarm, reactor, fate](bool) {
      reactor->Finish(fate.fails ? grpc::Status(grpc::StatusCode::UNAVAILABLE, "flaky")
                                 : grpc::Status::OK);
      delete alarm;
    });
    return reactor;
  }

 private:
  struct Fate {
    bool fails;
    milliseconds after;
  };

  Fate Draw() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!begun_.has_value()) begun_ = steady_clock::now();
    const std::chrono::duration<double> age = steady_clock::now() - *begun_;
    if (faults_.down_from <= age && age < faults_.down_until) return {true, milliseconds(100)};
    std::uniform_real_distribution<double> share;
    const bool fails = share(random_) < faults_.errors;
    const bool is_slow = share(random_) < faults_.slow;
    return {fails, milliseconds(is_slow ? 200 : 5)};
  }

  const Faults faults_;
  std::atomic<uint64_t> calls_{0};
  std::mutex mutex_;
  std::mt19937_64 random_{1};
  std::optional<steady_clock::time_point> begun_;
};

int Main(int argc, char** argv) {
  Faults faults;
  if (argc > 1) faults.errors = std::atof(argv[1]);
  if (argc > 2) faults.slow = std::atof(argv[2]);
  if (argc > 4) {
    faults.down_from = std::chrono::duration<double>(std::atof(argv[3]));
    faults.down_until = std::chrono::duration<double>(std::atof(argv[4]));
  }
  Upstream upstream(faults);
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(&upstream);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  absl::PrintF("127.0.0.1:%d\n", port);
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line);) {
  }
  absl::PrintF("%d\n", upstream.calls());
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

}  // namespace
}  // namespace fusebox

int main(int argc, char** argv) { return fusebox::Main(argc, argv); }
