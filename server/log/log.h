#ifndef FUSEBOX_SERVER_LOG_LOG_H_
#define FUSEBOX_SERVER_LOG_LOG_H_

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"

namespace fusebox {

enum class Severity { kDebug, kInfo, kWarning, kError };

// A field of a log line. Values are quoted and escaped where they must be.
using LogField = std::pair<absl::string_view, std::string>;

// From now on nothing less important is logged. Before the first call: kInfo.
void SetLogSeverity(Severity least);

// Writes one line to standard error, as logfmt with the wall clock in UTC:
//
//   ts=2026-01-31T12:00:00.123Z level=info event=transition breaker=db/orders to=OPEN
//
// Thread-safe. Writes a file, so never call it under a lock or from the data plane.
void Log(Severity severity, absl::string_view event, std::initializer_list<LogField> fields);

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_LOG_LOG_H_
