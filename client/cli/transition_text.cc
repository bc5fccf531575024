#include "client/cli/transition_text.h"

#include "absl/strings/str_cat.h"
#include "client/cli/enums.h"
#include "client/cli/output.h"

namespace fusebox::cli {
namespace {

// "ann did it: why".
std::string ByText(const v1::Transition& transition, absl::string_view deed) {
  std::string text =
      absl::StrCat(transition.actor().empty() ? "somebody" : transition.actor(), " ", deed);
  if (!transition.reason().empty()) absl::StrAppend(&text, ": ", transition.reason());
  return text;
}

std::string RateText(uint64_t part, uint64_t whole, double rate, absl::string_view what) {
  return absl::StrCat(part, " of ", whole, " calls ", what, " (", PercentText(rate), ")");
}

}  // namespace

std::string ChangeText(const v1::Transition& transition) {
  const std::string mode = EnumText(transition.override().mode());
  switch (transition.cause()) {
    case v1::CAUSE_OVERRIDDEN:
      return mode;
    case v1::CAUSE_OVERRIDE_CLEARED:
    case v1::CAUSE_OVERRIDE_EXPIRED:
      return mode + " ended";
    default:
      return absl::StrCat(EnumText(transition.from()), " -> ", EnumText(transition.to()));
  }
}

std::string WhyText(const v1::Transition& transition) {
  const v1::Window& window = transition.window();
  switch (transition.cause()) {
    case v1::CAUSE_CONSECUTIVE_FAILURES:
      return absl::StrCat(transition.consecutive_failures(), " calls failed in a row");
    case v1::CAUSE_FAILURE_RATE:
      return RateText(window.failures(), window.calls(), window.failure_rate(), "failed");
    case v1::CAUSE_SLOW_CALL_RATE:
      return RateText(window.slow(), window.calls(), window.slow_rate(), "were slow");
    case v1::CAUSE_RETRY_AFTER:
      return "the dependency asked for a rest (Retry-After)";
    case v1::CAUSE_WAIT_OVER:
      return "the wait was over";
    case v1::CAUSE_PROBE_FAILED:
      return "a probe failed";
    case v1::CAUSE_PROBES_EXPIRED:
      return "probes went out and were never heard of again";
    case v1::CAUSE_PROBES_SUCCEEDED:
      return "enough probes succeeded";
    case v1::CAUSE_RESET:
      return ByText(transition, "reset it");
    case v1::CAUSE_DELETED:
      return ByText(transition, "deleted it");
    case v1::CAUSE_OVERRIDDEN:
      return ByText(transition, transition.override().drill() ? "began a drill" : "overrode it");
    case v1::CAUSE_OVERRIDE_CLEARED:
      return ByText(transition, "took the override back");
    case v1::CAUSE_OVERRIDE_EXPIRED:
      return "the override's time was over";
    default:
      return EnumText(transition.cause());
  }
}

Table DrillTable(const v1::DrillReport& report) {
  Table table;
  table.AddRow({"lasted", DurationText(report.lasted())});
  table.AddRow({"refused", absl::StrCat(report.refused())});
  for (const v1::ClientCalls& client : report.clients()) {
    const std::string name = client.client().empty() ? "the nameless" : client.client();
    table.AddRow({"refused to " + name, absl::StrCat(client.calls())});
  }
  if (report.refused_to_others() > 0) {
    table.AddRow({"refused to others", absl::StrCat(report.refused_to_others())});
  }
  for (const v1::FallbackCalls& fallback : report.fallbacks()) {
    table.AddRow({"granted instead by " + fallback.breaker(), absl::StrCat(fallback.calls())});
  }
  return table;
}

}  // namespace fusebox::cli
