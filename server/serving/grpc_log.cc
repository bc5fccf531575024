#include "server/serving/grpc_log.h"

#include <grpc/support/log.h>
#include <grpc/support/time.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/log/line_limit.h"
#include "server/log/log.h"
#include "server/sync/mutex.h"

namespace fusebox {
namespace {

constexpr int kLinesPerSecond = 10;
constexpr size_t kMaxMessageBytes = 1000;

Severity SeverityOf(gpr_log_severity severity) {
  switch (severity) {
    case GPR_LOG_SEVERITY_DEBUG:
      return Severity::kDebug;
    case GPR_LOG_SEVERITY_INFO:
      return Severity::kInfo;
    case GPR_LOG_SEVERITY_ERROR:
      break;
  }
  return Severity::kWarning;
}

absl::Time MonotonicNow() {
  const gpr_timespec now = gpr_now(GPR_CLOCK_MONOTONIC);
  return absl::FromUnixSeconds(now.tv_sec) + absl::Nanoseconds(now.tv_nsec);
}

std::optional<uint64_t> Admit() {
  static auto* const kMutex = new Mutex;
  static auto* const kLimit = new LineLimit(kLinesPerSecond);
  MutexLock lock(kMutex);
  return kLimit->Admit(MonotonicNow());
}

// As gRPC calls it, on any of its threads.
void WriteLine(gpr_log_func_args* line) {
  const std::optional<uint64_t> left_out = Admit();
  if (!left_out.has_value()) return;
  absl::string_view file = line->file;
  file.remove_prefix(file.rfind('/') + 1);  // All of it without a slash: npos + 1 is 0.
  const absl::string_view message = absl::string_view(line->message).substr(0, kMaxMessageBytes);
  const Severity severity = SeverityOf(line->severity);
  const LogField source = {"source", absl::StrCat(file, ":", line->line)};
  const LogField text = {"message", std::string(message)};
  if (*left_out == 0) return Log(severity, "grpc", {source, text});
  Log(severity, "grpc", {source, text, {"left_out", *left_out}});
}

}  // namespace

void LogGrpcLines() { gpr_set_log_function(WriteLine); }

}  // namespace fusebox
