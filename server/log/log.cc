#include "server/log/log.h"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <future>
#include <memory>
#include <thread>
#include <utility>

namespace fusebox {
namespace {

constexpr size_t kWaitingLines = 1000;

// The logger, and the thread that writes.
struct Writer {
  Writer()
      : thread(std::make_shared<spdlog::details::thread_pool>(kWaitingLines, 1)),
        logger(std::make_shared<spdlog::async_logger>(
            "fusebox", std::make_shared<spdlog::sinks::stderr_sink_mt>(), thread,
            spdlog::async_overflow_policy::overrun_oldest)) {
    SetFormat(LogFormat::kLogfmt);
  }

  void SetFormat(LogFormat to) {
    format = to;
    logger->set_pattern(to == LogFormat::kJson ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})"
                                               : "ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l %v",
                        spdlog::pattern_time_type::utc);
  }

  std::shared_ptr<spdlog::details::thread_pool> thread;
  std::shared_ptr<spdlog::async_logger> logger;
  LogFormat format = LogFormat::kLogfmt;
};

// Never destroyed: its end would wait for a reader of standard error that does not read.
Writer& TheWriter() {
  static auto* writer = new Writer;
  return *writer;
}

spdlog::level::level_enum Level(Severity severity) {
  switch (severity) {
    case Severity::kDebug:
      return spdlog::level::debug;
    case Severity::kInfo:
      return spdlog::level::info;
    case Severity::kWarning:
      return spdlog::level::warn;
    case Severity::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

void SetLogFormat(LogFormat format) { TheWriter().SetFormat(format); }

void SetLogSeverity(Severity least) { TheWriter().logger->set_level(Level(least)); }

void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields) {
  const Writer& writer = TheWriter();
  if (!writer.logger->should_log(Level(severity))) return;
  const auto line = writer.format == LogFormat::kJson ? JsonLine : LogfmtLine;
  writer.logger->log(Level(severity), line(event, fields));
}

void LogLostLines() {
  static std::atomic<size_t> told{0};
  const size_t lost = TheWriter().thread->overrun_counter();
  const size_t before = told.exchange(lost);
  if (lost == before) return;
  Log(Severity::kWarning, "log_lines_lost", {{"count", lost - before}});
}

void EndLog(absl::Duration patience) {
  std::promise<void> written;
  const std::future<void> done = written.get_future();
  std::shared_ptr<spdlog::details::thread_pool> thread = std::move(TheWriter().thread);
  // The pool's end waits until all is written. It may wait for ever, so nobody waits for it.
  std::thread([thread = std::move(thread), written = std::move(written)]() mutable {
    thread.reset();
    written.set_value();
  }).detach();
  done.wait_for(absl::ToChronoNanoseconds(patience));
}

}  // namespace fusebox
