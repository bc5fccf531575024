#include "client/cpp/client/unary_backend.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "client/cpp/client/refusal.h"

namespace fusebox::internal {

UnaryBackend::UnaryBackend(const ClientOptions& options, std::shared_ptr<grpc::Channel> channel,
                           Foundation& foundation)
    : foundation_(foundation),
      options_(options),
      channel_(std::move(channel)),
      stub_(v1::BreakerService::NewStub(channel_)),
      reporter_(*stub_, foundation.clock, foundation.numbers,
                {.client = options.name, .patience = options.patience, .on_wake = [this] {
                   TellChanges();
                 }}) {
  const LocalBreaker::Surroundings around{.clock = foundation.clock,
                                          .stopwatch = Stopwatch::OfMachine(),
                                          .numbers = foundation.numbers};
  remote_.emplace(*stub_, reporter_, around,
                  Remote::Settings{.client = options.name, .timeout = options.unary_timeout});
  channel_->GetState(/*try_to_connect=*/true);
}

UnaryBackend::~UnaryBackend() {
  remote_.reset();
  reporter_.Stop(options_.close_patience);
}

LocalBreaker::Surroundings UnaryBackend::Around() {
  LocalBreaker::Surroundings around{.clock = foundation_.clock,
                                    .stopwatch = Stopwatch::OfMachine(),
                                    .numbers = foundation_.numbers,
                                    .refusal = RefusalOf,
                                    .without_server = options_.without_server};
  if (options_.on_state_change) around.wake = [this] { reporter_.Wake(); };
  return around;
}

Gate& UnaryBackend::Make(std::string name) {
  auto breaker = std::make_unique<UnaryBreaker>(std::move(name), foundation_.standard, Around(),
                                                *remote_, reporter_);
  UnaryBreaker& made = *breaker;
  MutexLock lock(mutex_);
  entries_.push_back({.breaker = std::move(breaker)});
  return made;
}

bool UnaryBackend::WaitForServer(absl::Duration longest) const {
  const absl::Duration at_most = std::clamp(longest, absl::ZeroDuration(), absl::Hours(24));
  return channel_->WaitForConnected(std::chrono::system_clock::now() +
                                    absl::ToChronoMicroseconds(at_most));
}

ClientStats UnaryBackend::stats() const {
  ClientStats stats;
  stats.connected = IsConnected();
  if (const std::optional<Tick> heard = remote_->last_heard()) {
    stats.state_age = Tick::FromNanos(foundation_.clock.NowNanos()) - *heard;
  }
  stats.unacknowledged_rows = reporter_.rows();
  MutexLock lock(mutex_);
  stats.breakers = entries_.size();
  for (const Entry& entry : entries_) stats.decisions += entry.breaker->decisions();
  return stats;
}

void UnaryBackend::TellChanges() {
  std::vector<StateChange> changes;
  {
    MutexLock lock(mutex_);
    for (Entry& entry : entries_) {
      const State now = entry.breaker->state();
      if (now == entry.shown) continue;
      changes.push_back({.breaker = std::string(entry.breaker->name()),
                         .from = std::exchange(entry.shown, now),
                         .to = now});
    }
  }
  for (const StateChange& change : changes) options_.on_state_change(change);
}

}  // namespace fusebox::internal
