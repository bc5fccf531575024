#include "client/cpp/client/session_backend.h"

#include <functional>
#include <utility>

#include "client/cpp/client/refusal.h"

namespace fusebox::internal {
namespace {

constexpr char kLibrary[] = "fusebox-cpp/" FUSEBOX_VERSION;

std::function<void(const SessionLink::Change&)> Listener(const ClientOptions& options) {
  if (!options.on_state_change) return {};
  return [tell = options.on_state_change](const SessionLink::Change& change) {
    tell({std::string(change.breaker->name()), change.from, change.to});
  };
}

}  // namespace

SessionBackend::SessionBackend(const ClientOptions& options,
                               const std::shared_ptr<grpc::Channel>& channel,
                               Foundation& foundation)
    : foundation_(foundation),
      without_server_(options.without_server),
      close_patience_(options.close_patience),
      stub_(v1::BreakerService::NewStub(channel)),
      link_(
          {.session_id = RandomId(foundation.numbers), .client = options.name, .library = kLibrary},
          foundation.clock),
      connection_(*stub_, link_, foundation.clock, foundation.numbers,
                  {.patience = options.patience, .on_change = Listener(options)}) {
  connection_.Start();
}

SessionBackend::~SessionBackend() { connection_.Stop(close_patience_); }

Gate& SessionBackend::Make(std::string name) {
  auto breaker = std::make_shared<LocalBreaker>(
      std::move(name), foundation_.standard,
      LocalBreaker::Surroundings{.clock = foundation_.clock,
                                 .stopwatch = Stopwatch::OfMachine(),
                                 .numbers = foundation_.numbers,
                                 .wake = [this] { connection_.Wake(); },
                                 .refusal = RefusalOf,
                                 .without_server = without_server_});
  link_.Add(breaker);
  connection_.Wake();
  return *breaker;  // The link keeps it.
}

bool SessionBackend::WaitForServer(absl::Duration longest) const {
  return connection_.WaitForServer(longest);
}

ClientStats SessionBackend::stats() const {
  const SessionLink::Stats link = link_.GetStats();
  ClientStats stats;
  stats.connected = link.is_open;
  if (link.last_heard.has_value()) {
    stats.state_age = Tick::FromNanos(foundation_.clock.NowNanos()) - *link.last_heard;
  }
  stats.breakers = link.breakers;
  stats.refused_breakers = link.refused_breakers;
  stats.unacknowledged_rows = link.unacknowledged_rows;
  stats.decisions = link.decisions;
  return stats;
}

}  // namespace fusebox::internal
