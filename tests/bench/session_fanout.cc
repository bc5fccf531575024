// How fast a trip reaches all sessions, each on a connection of its own, of how fast as many bare
// stream messages reach as many clients; and what a session costs in memory beyond a bare stream.
#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "bench/empty.grpc.pb.h"
#include "bench/paired.h"
#include "bench/resident.h"
#include "bench/serving.h"
#include "bench/session_client.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"

// The allocator gives pages back after half a second here, not ten.
extern "C" {
const char* malloc_conf = "background_thread:true,dirty_decay_ms:500,muzzy_decay_ms:0";
}

namespace fusebox {
namespace {

constexpr int kClients = 2'000;

using Empty = bench::v1::EmptyService;
using Message = bench::v1::NothingResponse;

// Streams that say nothing, when they are told to.
class BareService final : public Empty::CallbackService {
 public:
  grpc::ServerWriteReactor<Message>* Listen(grpc::CallbackServerContext*,
                                            const bench::v1::NothingRequest*) override {
    auto* stream = new Stream(*this);
    stream->Say();  // So that its client knows that it is there.
    absl::MutexLock lock(&mutex_);
    streams_.insert(stream);
    return stream;
  }
  void SayAll() {
    absl::MutexLock lock(&mutex_);
    for (Stream* stream : streams_) stream->Say();
  }

 private:
  class Stream final : public grpc::ServerWriteReactor<Message> {
   public:
    explicit Stream(BareService& service) : service_(service) {}
    void Say() { StartWrite(&nothing_); }
    void OnCancel() override { Finish(grpc::Status::OK); }
    void OnDone() override {
      {
        absl::MutexLock lock(&service_.mutex_);
        service_.streams_.erase(this);
      }
      delete this;
    }

   private:
    BareService& service_;
    const Message nothing_;
  };

  absl::Mutex mutex_;
  absl::flat_hash_set<Stream*> streams_;
};

// A client's end of a bare stream.
class Listener final : public grpc::ClientReadReactor<Message> {
 public:
  Listener(const std::shared_ptr<grpc::Channel>& channel, Heard& heard)
      : stub_(Empty::NewStub(channel)), heard_(heard) {
    stub_->async()->Listen(&context_, &request_, this);
    StartRead(&nothing_);
    StartCall();
  }
  void OnReadDone(bool ok) override {
    if (!ok) return;
    heard_.Note();
    StartRead(&nothing_);
  }
  void OnDone(const grpc::Status&) override { done_.DecrementCount(); }
  void Cut() {
    context_.TryCancel();
    done_.Wait();
  }

 private:
  const std::unique_ptr<Empty::Stub> stub_;
  Heard& heard_;
  grpc::ClientContext context_;
  const bench::v1::NothingRequest request_;
  Message nothing_;
  absl::BlockingCounter done_{1};
};

// Rounds per second of what each of all clients hears of.
double Rounds(absl::Duration time, Heard& heard, const std::function<void()>& say) {
  const absl::Time end = absl::Now() + time;
  absl::Duration took;
  int rounds = 0;
  for (; absl::Now() < end; ++rounds) {
    heard.Expect(kClients);
    const absl::Time begin = absl::Now();
    say();
    heard.Await();
    took += absl::Now() - begin;
  }
  return rounds / absl::ToDoubleSeconds(took);
}

bool Run() {
  const SystemClock clock;
  BareService bare;
  const std::unique_ptr<Server> server = *Server::Start(BenchOptions(), clock, {&bare});
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < kClients; ++i) {
    channels.push_back(Connect(server->grpc_addresses().front()));
  }

  // Each channel carries both, so that what differs is what a stream costs.
  Heard bare_heard, heard;
  std::vector<std::unique_ptr<Listener>> listeners;
  bare_heard.Expect(kClients);
  const double before = SettledBytes();
  for (const auto& channel : channels) {
    listeners.push_back(std::make_unique<Listener>(channel, bare_heard));
  }
  bare_heard.Await();
  const double with_bare = SettledBytes();
  std::vector<std::unique_ptr<Listener>> more_listeners;
  bare_heard.Expect(kClients);
  for (const auto& channel : channels) {
    more_listeners.push_back(std::make_unique<Listener>(channel, bare_heard));
  }
  bare_heard.Await();
  const double per_bare = (SettledBytes() - with_bare) / kClients;
  for (const auto& listener : more_listeners) listener->Cut();
  more_listeners.clear();

  const double without_sessions = SettledBytes();
  std::vector<std::unique_ptr<SessionClient>> clients;
  heard.Expect(kClients);
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(std::make_unique<SessionClient>(channels[i], i, [&heard] { heard.Note(); }));
  }
  heard.Await();
  const double per_session = (SettledBytes() - without_sessions) / kClients;
  std::printf("a bare stream %.0f bytes, with its connection %.0f; a session %.0f, both ends\n",
              per_bare, (with_bare - before) / kClients, per_session);
  bool met = Check("bytes per session beyond a bare stream", per_session - per_bare,
                   {Limit::Kind::kAtMost, 16'384});

  Toggle toggle(server->engine());
  met = Compare(
            "trips to 2,000 sessions, of bare messages",
            [&](absl::Duration t) { return Rounds(t, heard, [&] { toggle(); }); },
            [&](absl::Duration t) { return Rounds(t, bare_heard, [&] { bare.SayAll(); }); },
            {Limit::Kind::kAtLeast, 0.5}) &&
        met;
  for (const auto& client : clients) client->Cut();
  for (const auto& listener : listeners) listener->Cut();
  return met;
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
