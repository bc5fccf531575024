// What Prometheus costs decisions that scrapes 10,000 breakers every 15 seconds: the throughput and
// the slow ones of unary Allow in runs of 15 seconds with one scrape, of the same without.
#include <arpa/inet.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "bench/names.h"
#include "bench/paired.h"
#include "bench/serving.h"
#include "fusebox/v1/breaker.pb.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"

namespace fusebox {
namespace {

using Instant = std::chrono::steady_clock::time_point;

constexpr size_t kNames = 10'000;
constexpr int kConnections = 4;
constexpr int kInFlight = 16;
constexpr auto kPeriod = std::chrono::seconds(15);
constexpr char kAllow[] = "/fusebox.v1.BreakerService/Allow";

// What one run of calls did.
struct Measured {
  double per_second = 0;
  double p99_seconds = 0;
};

// So many calls in flight over some connections; each that ends starts the next.
class Callers {
 public:
  Callers(const std::string& address, const std::vector<std::string>& names) {
    for (int i = 0; i < kConnections; ++i) {
      stubs_.push_back(std::make_unique<grpc::GenericStub>(Connect(address)));
    }
    for (const std::string& name : names) {
      v1::AllowRequest request;
      request.set_breaker(name);
      requests_.push_back(request.SerializeAsString());
    }
  }

  Measured Run() {
    const Instant begin = std::chrono::steady_clock::now();
    end_ = begin + kPeriod;
    for (std::vector<float>& lane : seconds_) lane.clear();
    absl::BlockingCounter lanes(kInFlight);
    for (int lane = 0; lane < kInFlight; ++lane) Next(lane, lanes);
    lanes.Wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::vector<float> all;
    for (const std::vector<float>& lane : seconds_) all.insert(all.end(), lane.begin(), lane.end());
    const auto p99 = all.begin() + static_cast<ptrdiff_t>(all.size() * 99 / 100);
    std::nth_element(all.begin(), p99, all.end());
    return {.per_second = static_cast<double>(all.size()) / took.count(), .p99_seconds = *p99};
  }

 private:
  struct Call {
    explicit Call(const std::string& bytes)
        : slice(bytes.data(), bytes.size(), grpc::Slice::STATIC_SLICE), request(&slice, 1) {}
    grpc::ClientContext context;
    const grpc::Slice slice;
    const grpc::ByteBuffer request;
    grpc::ByteBuffer response;
    const Instant begin = std::chrono::steady_clock::now();
  };

  void Next(int lane, absl::BlockingCounter& lanes) {
    const uint64_t turn = next_++;
    auto* call = new Call(requests_[turn * 7'919 % requests_.size()]);
    stubs_[turn % stubs_.size()]->UnaryCall(
        &call->context, kAllow, {}, &call->request, &call->response,
        [this, call, lane, &lanes](const grpc::Status& status) {
          if (!status.ok()) std::abort();
          const Instant now = std::chrono::steady_clock::now();
          seconds_[lane].push_back(std::chrono::duration<float>(now - call->begin).count());
          delete call;
          if (now < end_) {
            Next(lane, lanes);
          } else {
            lanes.DecrementCount();
          }
        });
  }

  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  std::vector<std::string> requests_;
  std::array<std::vector<float>, kInFlight> seconds_;  // Of each lane's calls, one after the other.
  std::atomic<uint64_t> next_{0};
  Instant end_;
};

// Reads /metrics as Prometheus does. Returns its bytes.
size_t Scrape(const std::string& address) {
  uint32_t port = 0;
  if (!absl::SimpleAtoi(address.substr(address.rfind(':') + 1), &port)) std::abort();
  const int connection = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  to.sin_port = htons(static_cast<uint16_t>(port));
  if (connect(connection, reinterpret_cast<sockaddr*>(&to), sizeof(to)) != 0) std::abort();
  const std::string request = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
  if (send(connection, request.data(), request.size(), MSG_NOSIGNAL) < 0) std::abort();
  std::array<char, 65'536> part;
  size_t bytes = 0;
  ssize_t size = 0;
  while ((size = recv(connection, part.data(), part.size(), 0)) > 0) bytes += size;
  close(connection);
  return bytes;
}

int Pairs() {
  constexpr int kPairs = 6;
  const char* wanted = std::getenv("FUSEBOX_BENCH_PAIRS");
  int pairs = 0;
  return wanted != nullptr && absl::SimpleAtoi(wanted, &pairs) ? pairs : kPairs;
}

bool Report(const char* name, const std::vector<double>& ratios, const Limit& limit) {
  const Ratio ratio = MedianWithInterval(ratios);
  const bool missed = limit.IsMissedBy(ratio);
  absl::PrintF("%s %.3f [%.3f, %.3f] limit >= %g %s\n", name, ratio.median, ratio.low, ratio.high,
               limit.value, missed ? "MISSED" : "ok");
  return !missed;
}

bool Run() {
  const SystemClock clock;
  Options options = BenchOptions({"--metrics-max-breakers=10000"});
  options.config.mutable_server()->set_http_listen("127.0.0.1:0");
  const std::unique_ptr<Server> server = *Server::Start(options, clock);
  const std::vector<std::string> names = BenchNames(kNames);
  for (const std::string& name : names) {
    if (!server->engine().Allow(name, {}, "bench").ok()) std::abort();
  }
  const Instant began = std::chrono::steady_clock::now();
  const size_t bytes = Scrape(server->http_address());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  absl::PrintF("a scrape of %d breakers: %.1f MB in %.0f ms\n", kNames,
               static_cast<double>(bytes) / 1e6, took.count() * 1e3);

  Callers callers(server->grpc_addresses().front(), names);
  const auto scraped = [&] {
    std::thread prometheus([&] {
      std::this_thread::sleep_for(kPeriod / 2);
      Scrape(server->http_address());
    });
    const Measured measured = callers.Run();
    prometheus.join();
    return measured;
  };
  std::vector<double> throughput, slowness;
  for (int pair = 0; pair < Pairs(); ++pair) {
    Measured with, without;
    if (pair % 2 == 0) with = scraped();
    without = callers.Run();
    if (pair % 2 != 0) with = scraped();
    throughput.push_back(with.per_second / without.per_second);
    slowness.push_back(without.p99_seconds / with.p99_seconds);
  }
  const bool fast = Report("calls per second with a scrape every 15 s, of those without",
                           throughput, {Limit::Kind::kAtLeast, 0.95});
  return Report("1/p99 of calls with a scrape every 15 s, of those without", slowness,
                {Limit::Kind::kAtLeast, 0.8}) &&
         fast;
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
