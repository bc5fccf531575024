// How much of the throughput of an empty RPC a decision reaches, on one server, asked over
// several connections.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "bench/empty.grpc.pb.h"
#include "bench/names.h"
#include "bench/paired.h"
#include "fusebox/v1/breaker.grpc.pb.h"
#include "server/engine/clock.h"
#include "server/options/options.h"
#include "server/serving/server.h"

namespace fusebox {
namespace {

constexpr size_t kNames = 1'000'000;
constexpr size_t kDraws = size_t{1} << 20;
// As from a small fleet, and enough to keep both sides of the server busy.
constexpr size_t kConnections = 8;
constexpr int kInFlight = 128;

class EmptyService final : public bench::v1::EmptyService::CallbackService {
  grpc::ServerUnaryReactor* Nothing(grpc::CallbackServerContext* context,
                                    const bench::v1::NothingRequest*,
                                    bench::v1::NothingResponse*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

// Keeps so many calls in flight for a while; each that ends starts the next.
template <typename Request, typename Response>
class Load {
 public:
  using Start = std::function<void(grpc::ClientContext*, const Request*, Response*,
                                   std::function<void(grpc::Status)>)>;

  Load(Start start, std::function<void(Request&)> fill)
      : start_(std::move(start)), fill_(std::move(fill)) {}

  double Run(absl::Duration time) {
    const auto begin = std::chrono::steady_clock::now();
    end_ = begin + absl::ToChronoNanoseconds(time);
    done_ = 0;
    absl::BlockingCounter lanes(kInFlight);
    for (int i = 0; i < kInFlight; ++i) Next(lanes);
    lanes.Wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    return static_cast<double>(done_) / took.count();
  }

 private:
  struct Call {
    grpc::ClientContext context;
    Request request;
    Response response;
  };

  void Next(absl::BlockingCounter& lanes) {
    auto* call = new Call;
    fill_(call->request);
    start_(&call->context, &call->request, &call->response,
           [this, call, &lanes](const grpc::Status& status) {
             if (!status.ok()) std::abort();
             delete call;
             ++done_;
             if (std::chrono::steady_clock::now() < end_) {
               Next(lanes);
             } else {
               lanes.DecrementCount();
             }
           });
  }

  const Start start_;
  const std::function<void(Request&)> fill_;
  std::chrono::steady_clock::time_point end_;
  std::atomic<uint64_t> done_{0};
};

// A connection of its own: channels to one address share one otherwise.
std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

Options BenchOptions() {
  const std::vector<const char*> arguments = {
      "bench", "--listen=127.0.0.1:0", "--http-listen=", "--lame-duck=0s", "--idle-ttl=720h"};
  return *ParseOptions(static_cast<int>(arguments.size()), arguments.data(),
                       [](absl::string_view) { return std::optional<std::string>(); });
}

bool Run() {
  const std::vector<std::string> names = BenchNames(kNames);
  // Written out in order: the load generator shall not wait for memory where the server must.
  std::vector<std::string> draws;
  for (const uint32_t name : ZipfDraws(kNames, kDraws)) draws.push_back(names[name]);
  const SystemClock clock;
  EmptyService empty;
  const std::unique_ptr<Server> server = *Server::Start(BenchOptions(), clock, {&empty});
  for (const std::string& name : names) {
    if (!server->engine().Allow(name, 1, "bench").ok()) std::abort();
  }
  std::vector<std::unique_ptr<v1::BreakerService::Stub>> breakers;
  std::vector<std::unique_ptr<bench::v1::EmptyService::Stub>> nothing;
  for (size_t i = 0; i < kConnections; ++i) {
    const auto channel = Connect(server->grpc_addresses().front());
    breakers.push_back(v1::BreakerService::NewStub(channel));
    nothing.push_back(bench::v1::EmptyService::NewStub(channel));
  }
  std::atomic<size_t> next{0};
  std::atomic<size_t> turn{0};
  Load<v1::AllowRequest, v1::AllowResponse> allow(
      [&](auto* context, const auto* request, auto* response, auto done) {
        breakers[turn++ % kConnections]->async()->Allow(context, request, response,
                                                        std::move(done));
      },
      [&](v1::AllowRequest& request) { request.set_breaker(draws[next++ % kDraws]); });
  Load<bench::v1::NothingRequest, bench::v1::NothingResponse> bare(
      [&](auto* context, const auto* request, auto* response, auto done) {
        nothing[turn++ % kConnections]->async()->Nothing(context, request, response,
                                                         std::move(done));
      },
      [](bench::v1::NothingRequest&) {});
  return Compare(
      "unary Allow, of an empty RPC", [&](absl::Duration t) { return allow.Run(t); },
      [&](absl::Duration t) { return bare.Run(t); }, {Limit::Kind::kAtLeast, 0.95});
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
