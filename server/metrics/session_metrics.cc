#include "server/metrics/session_metrics.h"

#include "server/metrics/family.h"

namespace fusebox {

std::vector<prometheus::MetricFamily> SessionMetrics::Collect() const {
  const SessionCounts& counts = sessions_.counts();
  prometheus::MetricFamily rows =
      CounterFamily("fusebox_session_rows_total",
                    "Rows of sessions' reports: counted, late or not; bad, with an error; lost, of "
                    "a breaker that "
                    "was not subscribed any more. Adds up over servers.");
  AddCounter(rows, {{"result", "counted"}}, static_cast<double>(counts.rows));
  AddCounter(rows, {{"result", "bad"}}, static_cast<double>(counts.bad_rows));
  AddCounter(rows, {{"result", "lost"}}, static_cast<double>(counts.lost_rows));
  return {Gauge("fusebox_sessions", "Clients with a session. Adds up over servers.",
                static_cast<double>(sessions_.live())),
          Gauge("fusebox_sessions_max", "How many there may be (--max-sessions).",
                static_cast<double>(max_sessions_)),
          Gauge("fusebox_session_topics",
                "Breakers that sessions subscribe to. Each server has its own.",
                static_cast<double>(sessions_.topics())),
          Counter("fusebox_session_repeated_reports_total",
                  "Reports that had been applied before, and were dropped. Adds up over servers.",
                  static_cast<double>(counts.repeated_reports)),
          Counter("fusebox_session_states_total",
                  "States of breakers that were pushed to sessions. Adds up over servers.",
                  static_cast<double>(counts.pushed_states)),
          Counter("fusebox_session_permits_total",
                  "Permits that were granted to sessions ahead of calls. Adds up over servers.",
                  static_cast<double>(counts.permits)),
          std::move(rows)};
}

}  // namespace fusebox
