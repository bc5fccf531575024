// The sessions of clients, and what they told.
//
//   fusebox_sessions, fusebox_sessions_max, fusebox_session_topics,
//   fusebox_session_rows_total{result="counted"}, fusebox_session_repeated_reports_total,
//   fusebox_session_states_total, fusebox_session_permits_total
#ifndef FUSEBOX_SERVER_METRICS_SESSION_METRICS_H_
#define FUSEBOX_SERVER_METRICS_SESSION_METRICS_H_

#include <cstddef>
#include <vector>

#include "prometheus/collectable.h"
#include "prometheus/metric_family.h"
#include "server/session/sessions.h"

namespace fusebox {

// Thread-safe.
class SessionMetrics : public prometheus::Collectable {
 public:
  // `sessions` must outlive it.
  SessionMetrics(const Sessions& sessions, size_t max_sessions)
      : sessions_(sessions), max_sessions_(max_sessions) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  const Sessions& sessions_;
  const size_t max_sessions_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_METRICS_SESSION_METRICS_H_
