// Calls a dependency at a steady pace through a pipeline, and prints what became of the calls.
//
//   steady_caller UPSTREAM FUSEBOX PIPELINE SECONDS
//
//   PIPELINE  stages joined by "+": timeout, retry, hedge, breaker; or "none"
//
// One line of JSON: calls, successes, and the latency of the successes in ms, from when each call
// was due. Every call has a deadline of 1 s.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "fusebox/client.h"
#include "fusebox/grpc.h"
#include "fusebox/stages.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace fusebox {
namespace {

using grpc::health::v1::HealthCheckResponse;
using std::chrono::steady_clock;

constexpr int kThreads = 200;
constexpr auto kPace =
    std::chrono::milliseconds(1'000);  // Of one thread, as long as a call may take.

std::vector<std::shared_ptr<const Stage>> StagesOf(const std::string& names, const Breaker& breaker,
                                                   ThreadPool& threads) {
  std::vector<std::shared_ptr<const Stage>> stages;
  for (const absl::string_view name : absl::StrSplit(names, '+')) {
    if (name == "retry") stages.push_back(Retry({.breaker = breaker}));
    if (name == "timeout") stages.push_back(Timeout(absl::Milliseconds(300)));
    if (name == "hedge") {
      stages.push_back(Hedge({.threads = &threads, .delay = absl::Milliseconds(20)}));
    }
    if (name == "breaker") stages.push_back(Protect(breaker));
  }
  return stages;
}

class Caller {
 public:
  Caller(const std::string& upstream, Pipeline pipeline)
      : stub_(grpc::health::v1::Health::NewStub(
            grpc::CreateChannel(upstream, grpc::InsecureChannelCredentials()))),
        pipeline_(std::move(pipeline)) {}

  void Run(int number, std::chrono::seconds time) {
    const auto begin = steady_clock::now() + kPace * number / kThreads;
    for (auto due = begin; due < begin + time; due += kPace) {
      std::this_thread::sleep_until(due);
      const bool ok = Call().ok();
      const std::chrono::duration<double, std::milli> took = steady_clock::now() - due;
      const std::lock_guard<std::mutex> lock(mutex_);
      ++calls_;
      if (ok) latencies_.push_back(took.count());
    }
  }

  void Print() {
    std::sort(latencies_.begin(), latencies_.end());
    const auto at = [this](double share) {
      if (latencies_.empty()) return 0.0;
      const auto last = static_cast<double>(latencies_.size() - 1);
      return latencies_[static_cast<size_t>(share * last)];
    };
    absl::PrintF(R"({"calls": %d, "successes": %d, "p50": %.1f, "p99": %.1f, "p999": %.1f})",
                 calls_, latencies_.size(), at(0.5), at(0.99), at(0.999));
    absl::PrintF("\n");
  }

 private:
  absl::Status Call() {
    return pipeline_.Call({.timeout = absl::Seconds(1), .idempotent = true},
                          [stub = stub_](const CallContext& call) {
                            GrpcAttempt attempt(call);
                            HealthCheckResponse response;
                            return FromGrpc(stub->Check(attempt.context(), {}, &response));
                          });
  }

  const std::shared_ptr<grpc::health::v1::Health::Stub> stub_;
  const Pipeline pipeline_;
  std::mutex mutex_;
  size_t calls_ = 0;
  std::vector<double> latencies_;
};

int Main(char** argv) {
  const auto client = *Client::Create({.target = argv[2], .name = "steady"});
  const Breaker breaker = *client->GetBreaker("upstream");
  client->WaitForServer(absl::Seconds(10));
  ThreadPool threads({.core = 64, .max = 400});  // Ends before the client does.
  Caller caller(argv[1], Pipeline(StagesOf(argv[3], breaker, threads)));
  std::vector<std::thread> workers;
  for (int i = 0; i < kThreads; ++i) {
    workers.emplace_back([&, i] { caller.Run(i, std::chrono::seconds(std::atoi(argv[4]))); });
  }
  for (std::thread& worker : workers) worker.join();
  caller.Print();
  return 0;
}

}  // namespace
}  // namespace fusebox

int main(int argc, char** argv) { return argc == 5 ? fusebox::Main(argv) : 2; }
