// How much of the throughput of an empty RPC a decision reaches, on one server, asked over
// several connections: under the default policy, and under one that has every part.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "bench/empty.grpc.pb.h"
#include "bench/names.h"
#include "bench/paired.h"
#include "bench/serving.h"
#include "fusebox/v1/breaker.pb.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"

namespace fusebox {
namespace {

constexpr size_t kNames = 1'000'000;
constexpr size_t kDraws = size_t{1} << 20;
// As from a small fleet, and enough to keep both sides of the server busy.
constexpr size_t kConnections = 8;
constexpr int kInFlight = 128;
constexpr char kAllow[] = "/fusebox.v1.BreakerService/Allow";

class EmptyService final : public bench::v1::EmptyService::CallbackService {
  grpc::ServerUnaryReactor* Nothing(grpc::CallbackServerContext* context,
                                    const bench::v1::NothingRequest*,
                                    bench::v1::NothingResponse*) override {
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

// Calls one method over all connections and keeps so many calls in flight for a while; each that
// ends starts the next. Sends what was encoded before and decodes no answer, so that it takes
// little of what it shares with the server: what is compared is what the server does.
class Load {
 public:
  using Stubs = std::vector<std::unique_ptr<grpc::GenericStub>>;

  // Sends the requests in turn: `size` bytes each, one behind the other, or nothing.
  Load(const Stubs& stubs, std::string method, std::string requests, size_t size)
      : stubs_(stubs), method_(std::move(method)), requests_(std::move(requests)), size_(size) {}

  // Calls per second.
  double Run(absl::Duration time) {
    const auto begin = std::chrono::steady_clock::now();
    end_ = begin + absl::ToChronoNanoseconds(time);
    const uint64_t before = next_;
    absl::BlockingCounter lanes(kInFlight);
    for (int i = 0; i < kInFlight; ++i) Next(lanes);
    lanes.Wait();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    return static_cast<double>(next_ - before) / took.count();
  }

 private:
  struct Call {
    explicit Call(const grpc::Slice& bytes) : request(&bytes, 1) {}
    grpc::ClientContext context;
    const grpc::ByteBuffer request;
    grpc::ByteBuffer response;
  };

  // A caller has at hand what it asks for. Here that is one of a million texts, and to wait for it
  // when it is sent were the client's time, not the server's: it is fetched as the call begins.
  grpc::Slice Request(uint64_t turn) const {
    const size_t at = size_ == 0 ? 0 : turn * size_ % requests_.size();
    __builtin_prefetch(requests_.data() + at);
    return {requests_.data() + at, size_, grpc::Slice::STATIC_SLICE};
  }

  void Next(absl::BlockingCounter& lanes) {
    const uint64_t turn = next_++;
    auto* call = new Call(Request(turn));
    stubs_[turn % stubs_.size()]->UnaryCall(&call->context, method_, {}, &call->request,
                                            &call->response,
                                            [this, call, &lanes](const grpc::Status& status) {
                                              if (!status.ok()) std::abort();
                                              delete call;
                                              if (std::chrono::steady_clock::now() < end_) {
                                                Next(lanes);
                                              } else {
                                                lanes.DecrementCount();
                                              }
                                            });
  }

  const Stubs& stubs_;
  const std::string method_;
  const std::string requests_;
  const size_t size_;
  std::chrono::steady_clock::time_point end_;
  std::atomic<uint64_t> next_{0};
};

// One behind the other, all of one length, and with a key each or none.
std::string AllowRequests(const std::vector<std::string>& names, bool with_keys) {
  std::string requests;
  v1::AllowRequest request;
  size_t turn = 0;
  for (const uint32_t name : ZipfDraws(names.size(), kDraws)) {
    request.set_breaker(names[name]);
    if (with_keys) request.set_idempotency_key(absl::StrFormat("order-%07d", turn++));
    request.AppendToString(&requests);
  }
  return requests;
}

// With every part that a policy has, and bounds that no call here meets: the hottest name gets some
// thousand calls a second.
//
// No call is reported, since what is measured is Allow. So each place in a bulkhead comes back by
// itself 50 ms after it was taken, as if the call had taken so long, and each key a second later:
// as many come back as are taken while it is measured, at the expense of the calls that come then.
Policy WithEveryPart() {
  Policy policy;
  policy.retry.base_timeout = absl::Seconds(1);
  policy.hedge = {.percentile = Share::FromFraction(0.99), .delay = absl::Milliseconds(20)};
  policy.rate_limit = {.rate = 1'000'000, .burst = 1'000'000};
  policy.bulkhead = {.max_concurrent = 100'000, .lease_timeout = absl::Milliseconds(50)};
  policy.idempotency = {.ttl = absl::Seconds(1), .max_keys = 1'000'000};
  return policy;
}

// The names that the load asks for most: enough of them that most calls have a percentile to tell.
// It has to be taught anew within 30 s.
void TeachLatencies(Engine& engine, const std::vector<std::string>& names) {
  constexpr size_t kTaught = 20'000;
  const Ending ending{.result = Result::Of(Outcome::kSuccess),
                      .latency = absl::Milliseconds(3),
                      .client = "bench",
                      .calls = 100};
  for (const uint32_t name : ZipfDraws(names.size(), kTaught)) {
    if (!engine.Record(names[name], "", ending).ok()) std::abort();
  }
}

// As if the fleet had been at it for a while: what a breaker needs comes with its first call.
void AskEachOnce(Engine& engine, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (!engine.Allow(name, {.idempotency_key = "first"}, "bench").ok()) std::abort();
  }
}

bool CompareDefault(const Load::Stubs& stubs, const std::vector<std::string>& names, Load& bare) {
  std::string requests = AllowRequests(names, /*with_keys=*/false);
  const size_t size = requests.size() / kDraws;  // All names are of one length.
  Load allow(stubs, kAllow, std::move(requests), size);
  return Compare(
      "unary Allow, of an empty RPC", [&](absl::Duration t) { return allow.Run(t); },
      [&](absl::Duration t) { return bare.Run(t); }, {Limit::Kind::kAtLeast, 0.95});
}

// Without keys the calls are those of the default policy; a key on every call is a text to keep
// until its time is over.
bool CompareEveryPart(Engine& engine, const Load::Stubs& stubs,
                      const std::vector<std::string>& names, bool with_keys, Load& bare) {
  if (!engine.SetPolicies({WithEveryPart()}, {}).ok()) std::abort();
  AskEachOnce(engine, names);
  std::string requests = AllowRequests(names, with_keys);
  const size_t size = requests.size() / kDraws;
  Load allow(stubs, kAllow, std::move(requests), size);
  const Worker taught = [&](absl::Duration time) {
    TeachLatencies(engine, names);
    return allow.Run(time);
  };
  const bool met = Compare(
      with_keys ? "the same with a key on every call" : "Allow with every part, of an empty RPC",
      taught, [&](absl::Duration t) { return bare.Run(t); }, {Limit::Kind::kAtLeast, 0.9});
  // A refusal is cheaper: it would flatter.
  const auto denied = engine.counters().denied;
  const auto refused = std::accumulate(denied.begin(), denied.end(), uint64_t{0});
  return Check("calls that were refused", static_cast<double>(refused),
               {Limit::Kind::kAtMost, 0}) &&
         met;
}

bool Run() {
  const std::vector<std::string> names = BenchNames(kNames);
  const SystemClock clock;
  EmptyService empty;
  const std::unique_ptr<Server> server =
      *Server::Start(BenchOptions({"--idle-ttl=720h"}), clock, {&empty});
  AskEachOnce(server->engine(), names);
  Load::Stubs stubs;
  for (size_t i = 0; i < kConnections; ++i) {
    stubs.push_back(std::make_unique<grpc::GenericStub>(Connect(server->grpc_addresses().front())));
  }
  Load bare(stubs, "/fusebox.bench.v1.EmptyService/Nothing", "", 0);
  bool met = CompareDefault(stubs, names, bare);
  for (const bool with_keys : {false, true}) {
    met = CompareEveryPart(server->engine(), stubs, names, with_keys, bare) && met;
  }
  return met;
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
