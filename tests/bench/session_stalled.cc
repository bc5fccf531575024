// How soon a trip reaches nearly all sessions of a server of whose clients some never read, of how
// soon where all do.
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "bench/paired.h"
#include "bench/serving.h"
#include "bench/session_client.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/serving/server.h"

namespace fusebox {
namespace {

constexpr int kReaders = 800;
constexpr int kOthers = 200;

// A server, the clients that are looked at, and others beside them.
class Fleet {
 public:
  Fleet(const Clock& clock, bool others_read)
      : server_(*Server::Start(BenchOptions(), clock)), toggle_(server_->engine()) {
    heard_.Expect(others_read ? kReaders + kOthers : kReaders);
    for (int i = 0; i < kReaders; ++i) {
      Join(i, [this] {
        NoteTime();
        heard_.Note();
      });
    }
    for (int i = kReaders; i < kReaders + kOthers; ++i) {
      Join(
          i, [this] { heard_.Note(); }, others_read);
    }
    expected_ = others_read ? kReaders + kOthers : kReaders;
    heard_.Await();
  }
  ~Fleet() {
    for (const auto& client : clients_) client->Cut();
  }

  // 1 / the time by which 99 % of the readers have heard of a change, by the median of its rounds.
  double Run(absl::Duration time) {
    std::vector<double> p99;
    const absl::Time end = absl::Now() + time;
    while (absl::Now() < end || toggle_.is_open()) p99.push_back(Round());
    std::nth_element(p99.begin(), p99.begin() + static_cast<ptrdiff_t>(p99.size() / 2), p99.end());
    return 1 / p99[p99.size() / 2];
  }

 private:
  void Join(int number, std::function<void()> hears, bool reads = true) {
    clients_.push_back(std::make_unique<SessionClient>(Connect(server_->grpc_addresses().front()),
                                                       number, std::move(hears), reads));
  }
  void NoteTime() {
    const absl::Time now = absl::Now();
    absl::MutexLock lock(&mutex_);
    times_.push_back(now);
  }
  // In seconds.
  double Round() {
    {
      absl::MutexLock lock(&mutex_);
      times_.clear();
    }
    heard_.Expect(expected_);
    const absl::Time begin = absl::Now();
    toggle_();
    heard_.Await();
    absl::MutexLock lock(&mutex_);
    const auto at = times_.begin() + kReaders * 99 / 100;
    std::nth_element(times_.begin(), at, times_.end());
    return absl::ToDoubleSeconds(*at - begin);
  }

  const std::unique_ptr<Server> server_;
  Toggle toggle_;
  Heard heard_;
  int expected_ = 0;
  std::vector<std::unique_ptr<SessionClient>> clients_;
  absl::Mutex mutex_;
  std::vector<absl::Time> times_ ABSL_GUARDED_BY(mutex_);
};

bool Run() {
  const SystemClock clock;
  Fleet all_read(clock, /*others_read=*/true);
  Fleet some_stall(clock, /*others_read=*/false);
  // How much slower: 1.2 times the time is 1 / 1.2 of the rate.
  return Compare(
      "1/p99 of trips beside 200 that never read, of all reading",
      [&](absl::Duration t) { return some_stall.Run(t); },
      [&](absl::Duration t) { return all_read.Run(t); }, {Limit::Kind::kAtLeast, 1 / 1.2});
}

}  // namespace
}  // namespace fusebox

int main() {
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return fusebox::Run() ? 0 : 1;
}
