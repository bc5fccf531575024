// fusebox: the server. Wires the parts, waits for a signal, drains.
#include <pthread.h>
#include <signal.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "server/engine/clock.h"
#include "server/log/log.h"
#include "server/options/options.h"
#include "server/serving/server.h"

namespace {

// Exit codes, as systemd and shells know them.
constexpr int kBadUsage = 2;
constexpr int kCannotServe = 1;

sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  // Before any thread is started: threads inherit it.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// The message's levels stand in the order of the log's, after UNSPECIFIED.
fusebox::Severity LeastSeverity(fusebox::config::v1::LogLevel level) {
  return static_cast<fusebox::Severity>(level - fusebox::config::v1::LOG_LEVEL_DEBUG);
}

void Greet(const fusebox::Server& server) {
  const std::string grpc = absl::StrJoin(server.grpc_addresses(), ", ");
  const std::string http = server.http_address().empty() ? "off" : server.http_address();
  fusebox::Log(fusebox::Severity::kInfo, "serving", {{"grpc", grpc}, {"http", http}});
}

// A second signal means: now.
void DrainUnlessToldAgain(fusebox::Server& server, const sigset_t& signals) {
  std::thread impatience([&server, &signals] {
    int signal = 0;
    sigwait(&signals, &signal);
    server.HurryUp();
  });
  server.Drain();
  pthread_kill(impatience.native_handle(), SIGTERM);
  impatience.join();
}

}  // namespace

int main(int argc, char** argv) {
  // With a mutex per breaker, Abseil's deadlock detector costs 10 us a lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const sigset_t signals = BlockSignals();
  const absl::StatusOr<fusebox::Options> options =
      fusebox::ParseOptions(argc, argv, fusebox::ProcessEnvironment);
  if (!options.ok()) {
    std::fprintf(stderr, "%s\n", std::string(options.status().message()).c_str());
    return kBadUsage;
  }
  if (options->text.has_value()) {
    std::fputs(options->text->c_str(), stdout);
    return 0;
  }
  fusebox::SetLogSeverity(LeastSeverity(options->config.server().log_level()));
  const fusebox::SystemClock clock;
  const absl::StatusOr<std::unique_ptr<fusebox::Server>> server =
      fusebox::Server::Start(*options, clock);
  if (!server.ok()) {
    std::fprintf(stderr, "fusebox: %s\n", std::string(server.status().message()).c_str());
    return absl::IsInvalidArgument(server.status()) ? kBadUsage : kCannotServe;
  }
  Greet(**server);
  int signal = 0;
  sigwait(&signals, &signal);
  fusebox::Log(fusebox::Severity::kInfo, "draining", {{"hint", "a second signal ends it at once"}});
  DrainUnlessToldAgain(**server, signals);
  return 0;
}
