// fusebox: the server. Wires the parts, waits for a signal, drains.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/engine/clock.h"
#include "server/log/log.h"
#include "server/options/options.h"
#include "server/options/variables.h"
#include "server/process/file_limit.h"
#include "server/process/signals.h"
#include "server/serving/grpc_log.h"
#include "server/serving/server.h"

namespace fusebox {
namespace {

// Exit codes, as systemd and shells know them.
constexpr int kBadUsage = 2, kCannotServe = 1;

int Explain(const absl::Status& status, const char* prefix, int exit_code) {
  std::fprintf(stderr, "%s%s\n", prefix, std::string(status.message()).c_str());
  return exit_code;
}

// What --print-config shows can be served.
int Print(const Options& options) {
  const absl::Status configured = Server::Check(options);
  if (!configured.ok()) return Explain(configured, "", kBadUsage);
  return std::fputs(options.text->c_str(), stdout) < 0;
}

// The message's levels stand in the order of the log's, after UNSPECIFIED.
Severity LeastSeverity(config::v1::LogLevel level) {
  return static_cast<Severity>(level - config::v1::LOG_LEVEL_DEBUG);
}

LogFormat FormatOf(config::v1::LogFormat format) {
  return format == config::v1::LOG_FORMAT_JSON ? LogFormat::kJson : LogFormat::kLogfmt;
}

// Nobody reads them, so nobody else would say so.
void WarnOfMisspeltVariables() {
  for (const Misspelt& variable : MisspeltVariables(ProcessVariables())) {
    Log(Severity::kWarning, "misspelt_variable",
        {{"name", variable.name}, {"meant", variable.meant}});
  }
}

void Serve(Server& server, const StopRequests& stop) {
  const std::string http = server.http_address().empty() ? "off" : server.http_address();
  Log(Severity::kInfo, "serving",
      {{"grpc", absl::StrJoin(server.grpc_addresses(), ", ")},
       {"http", http},
       {"version", FUSEBOX_VERSION},
       {"life", server.life()},
       {"files", RaiseFileLimit()}});
  stop.Wait([&server] { server.Reload(); });
  Log(Severity::kInfo, "draining", {{"hint", "a second signal ends it at once"}});
  stop.WaitDuring([&server] { server.Drain(); }, [&server] { server.HurryUp(); });
  Log(Severity::kInfo, "stopped", {});
}

int Main(int argc, char** argv) {
  // With a mutex per breaker, Abseil's deadlock detector costs 10 us a lock.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const StopRequests stop;
  const auto read = [argc, argv] { return ParseOptions(argc, argv, ProcessEnvironment); };
  absl::StatusOr<Options> options = read();
  if (!options.ok()) return Explain(options.status(), "", kBadUsage);
  options->reread = read;
  if (options->text.has_value()) return Print(*options);
  SetLogSeverity(LeastSeverity(options->config.server().log_level()));
  SetLogFormat(FormatOf(options->config.server().log_format()));
  LogGrpcLines();
  WarnOfMisspeltVariables();
  const SystemClock clock;
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*options, clock);
  if (absl::IsInvalidArgument(server.status())) return Explain(server.status(), "", kBadUsage);
  if (!server.ok()) return Explain(server.status(), "fusebox: ", kCannotServe);
  Serve(**server, stop);
  EndLog(absl::Seconds(1));
  std::_Exit(EXIT_SUCCESS);  // Without waiting for a log that nobody reads.
}

}  // namespace
}  // namespace fusebox

int main(int argc, char** argv) { return fusebox::Main(argc, argv); }
