#ifndef FUSEBOX_SERVER_LOG_LOG_H_
#define FUSEBOX_SERVER_LOG_LOG_H_

#include <initializer_list>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/log/log_line.h"

namespace fusebox {

enum class Severity { kDebug, kInfo, kWarning, kError };

enum class LogFormat { kLogfmt, kJson };

// From now on nothing less important is logged. Before the first call: kInfo.
void SetLogSeverity(Severity least);

// From now on lines are of that format. Before the first call: kLogfmt. Not while another thread
// logs.
void SetLogFormat(LogFormat format);

// Writes one line to standard error, with the wall clock in UTC, as logfmt or as JSON:
//
//   ts=2026-01-31T12:00:00.123Z level=info event=transition breaker=db/orders to=OPEN
//   {"ts":"2026-01-31T12:00:00.123Z","level":"info","event":"transition","breaker":"db/orders"}
//
// A thread of the log's own writes it: whoever reads standard error may stop reading, and no caller
// waits for them. Of a thousand lines that wait, a further one pushes the oldest out. Thread-safe.
void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields);

// Logs how many lines were pushed out since the last time, if any were.
void LogLostLines();

// Waits until all lines are written, for at most `patience`. To be called once, as the last thing
// before the process exits; what is logged after it is lost.
void EndLog(absl::Duration patience);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_LOG_LOG_H_
