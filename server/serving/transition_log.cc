#include "server/serving/transition_log.h"

#include <cstddef>

#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "proto/convert/enum_name.h"
#include "server/log/log.h"

namespace fusebox {
namespace {

void WriteOverride(const Event& event) {
  const DrillReport report = event.drill_report == nullptr ? DrillReport{} : *event.drill_report;
  Log(Severity::kWarning, "override",
      {{"match", event.breaker},
       {"cause", EnumName(event.transition.cause)},
       {"mode", EnumName(event.override->mode)},
       {"drill", event.override->drill},
       {"actor", event.actor},
       {"reason", event.reason},
       {"refused", report.refused},
       {"clients", report.clients.size()},
       {"trace_id", event.trace_id}});
}

void WriteOne(const Event& event) {
  if (event.override != nullptr) return WriteOverride(event);
  const Transition& t = event.transition;
  Log(t.to == State::kOpen ? Severity::kWarning : Severity::kInfo, "transition",
      {{"breaker", event.breaker},
       {"from", EnumName(t.from)},
       {"to", EnumName(t.to)},
       {"cause", EnumName(t.cause)},
       {"epoch", t.epoch},
       {"calls", t.window.calls},
       {"failures", t.window.failures},
       {"slow", t.window.slow},
       {"run", t.consecutive_failures},
       {"clients", absl::StrJoin(t.failing_clients, ",")},
       {"open_for", absl::FormatDuration(t.open_for)},
       {"policy", event.policy},
       {"actor", event.actor},
       {"reason", event.reason},
       {"trace_id", event.trace_id}});
}

}  // namespace

void TransitionLog::Write() {
  constexpr size_t kAtATime = 100;
  const EventReader::Page page = reader_.Next(kAtATime);
  if (page.missed > 0) {
    Log(Severity::kWarning, "transitions_not_logged", {{"count", page.missed}});
  }
  for (const Event& event : page.events) WriteOne(event);
}

}  // namespace fusebox
