// How many outcomes one session stream moves, of how many unary calls do: one call per row, rows
// for distinct breakers, all applied.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "bench/names.h"
#include "bench/paired.h"
#include "bench/serving.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"

namespace fusebox {
namespace {

using Stub = v1::BreakerService::Stub;

constexpr size_t kNames = 10'000;  // One report's worth.
// Enough of both to keep the server busy.
constexpr size_t kConnections = 8;
constexpr int kInFlight = 128;

// One session that has subscribed to all names, and that keeps two reports on their way.
class Reporter {
 public:
  Reporter(Stub& stub, const std::vector<std::string>& names) : stream_(stub.Session(&context_)) {
    v1::SessionRequest hello;
    hello.mutable_hello()->set_session_id(std::string(16, 'b'));
    if (!stream_->Write(hello)) std::abort();
    std::vector<uint64_t> epochs(names.size());
    for (size_t i = 0; i < names.size(); i += kSubscribeAtOnce) {
      Subscribe(names, i, std::min(i + kSubscribeAtOnce, names.size()), epochs);
    }
    for (size_t i = 0; i < names.size(); ++i) {
      v1::Tally& tally = *report_.mutable_report()->add_tallies();
      tally.set_handle(static_cast<uint32_t>(i + 1));
      tally.set_epoch(epochs[i]);
      tally.set_successes(1);
    }
  }
  ~Reporter() {
    context_.TryCancel();
    stream_->Finish();
  }

  // Rows per second.
  double Run(absl::Duration time) {
    const absl::Time begin = absl::Now();
    const uint64_t before = applied_;
    while (absl::Now() - begin < time) {
      Send();
      if (sent_ - applied_ >= 2) AwaitAnswer();
    }
    while (applied_ < sent_) AwaitAnswer();
    return static_cast<double>((applied_ - before) * kNames) /
           absl::ToDoubleSeconds(absl::Now() - begin);
  }

  uint64_t reports() const { return applied_; }

 private:
  static constexpr size_t kSubscribeAtOnce = 1'000;

  void Subscribe(const std::vector<std::string>& names, size_t begin, size_t end,
                 std::vector<uint64_t>& epochs) {
    v1::SessionRequest subscribe;
    for (size_t i = begin; i < end; ++i) {
      v1::Subscription& subscription = *subscribe.add_subscribe();
      subscription.set_handle(static_cast<uint32_t>(i + 1));
      subscription.set_breaker(names[i]);
    }
    if (!stream_->Write(subscribe)) std::abort();
    while (std::count(epochs.begin() + begin, epochs.begin() + end, 0) > 0) {
      v1::SessionResponse heard;
      if (!stream_->Read(&heard)) std::abort();
      for (const v1::BreakerState& state : heard.states()) {
        epochs[state.handle() - 1] = state.epoch();
      }
    }
  }
  void Send() {
    report_.mutable_report()->set_sequence(++sent_);
    if (!stream_->Write(report_)) std::abort();
  }
  void AwaitAnswer() {
    v1::SessionResponse heard;
    if (!stream_->Read(&heard)) std::abort();
    if (heard.acknowledged() != 0) applied_ = heard.acknowledged();
  }

  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  v1::SessionRequest report_;
  uint64_t sent_ = 0, applied_ = 0;
};

// Keeps so many unary calls in flight over all connections.
class Recorder {
 public:
  Recorder(const std::vector<std::unique_ptr<Stub>>& stubs, const std::vector<std::string>& names)
      : stubs_(stubs), names_(names) {}

  // Calls per second.
  double Run(absl::Duration time) {
    const absl::Time begin = absl::Now();
    end_ = begin + time;
    const uint64_t before = next_;
    absl::BlockingCounter lanes(kInFlight);
    for (int i = 0; i < kInFlight; ++i) Next(lanes);
    lanes.Wait();
    return static_cast<double>(next_ - before) / absl::ToDoubleSeconds(absl::Now() - begin);
  }

 private:
  struct Call {
    grpc::ClientContext context;
    v1::RecordRequest request;
    v1::RecordResponse response;
  };

  void Next(absl::BlockingCounter& lanes) {
    const uint64_t turn = next_++;
    auto* call = new Call;
    call->request.set_breaker(names_[turn % names_.size()]);
    call->request.set_outcome(v1::OUTCOME_SUCCESS);
    stubs_[turn % stubs_.size()]->async()->Record(&call->context, &call->request, &call->response,
                                                  [this, call, &lanes](const grpc::Status& status) {
                                                    if (!status.ok()) std::abort();
                                                    delete call;
                                                    if (absl::Now() < end_) {
                                                      Next(lanes);
                                                    } else {
                                                      lanes.DecrementCount();
                                                    }
                                                  });
  }

  const std::vector<std::unique_ptr<Stub>>& stubs_;
  const std::vector<std::string>& names_;
  absl::Time end_;
  std::atomic<uint64_t> next_{0};
};

bool Run() {
  const std::vector<std::string> names = BenchNames(kNames);
  const SystemClock clock;
  const std::unique_ptr<Server> server = *Server::Start(BenchOptions(), clock);
  std::vector<std::unique_ptr<Stub>> stubs;
  for (size_t i = 0; i < kConnections; ++i) {
    stubs.push_back(v1::BreakerService::NewStub(Connect(server->grpc_addresses().front())));
  }
  const std::unique_ptr<Stub> stub =
      v1::BreakerService::NewStub(Connect(server->grpc_addresses().front()));
  Reporter reporter(*stub, names);
  Recorder recorder(stubs, names);
  bool met = Compare(
      "outcomes by one session, of unary Record", [&](absl::Duration t) { return reporter.Run(t); },
      [&](absl::Duration t) { return recorder.Run(t); }, {Limit::Kind::kAtLeast, 50});
  const uint64_t calls = server->engine().Get(names.front())->snapshot.totals.calls;
  return Check("reports that were not applied",
               static_cast<double>(reporter.reports()) - static_cast<double>(calls),
               {Limit::Kind::kAtMost, 0}) &&
         met;
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
