#include "client/cli/breaker_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/enums.h"
#include "client/cli/resource_text.h"
#include "client/cli/transition_text.h"
#include "proto/convert/convert.h"

namespace fusebox::cli {
namespace {

// What the breaker does now. A row that would say nothing is left out.
void AddStanding(const v1::Breaker& breaker, Table& table) {
  table.AddRow({"name", breaker.name()});
  table.AddRow({"state", StateCell(breaker.state())});
  if (breaker.has_retry_after()) {
    table.AddRow({"retry_after", absl::StrCat(RetryAfterText(breaker), ", until ",
                                              TimeText(breaker.open_until()))});
  }
  if (breaker.has_override()) table.AddRow({"override", OverrideText(breaker)});
  if (breaker.state() == v1::STATE_HALF_OPEN) {
    table.AddRow({"probes", absl::StrCat(breaker.probes(), " out")});
  }
  if (breaker.ramp_share() < 1) table.AddRow({"ramp_share", PercentText(breaker.ramp_share())});
  table.AddRow({"health", HealthCell(breaker.health())});
  table.AddRow({"score", absl::StrFormat("%.2f", breaker.score())});
  const std::string& glob = breaker.policy_match();
  table.AddRow(
      {"policy", glob.empty() ? breaker.policy() : absl::StrCat(breaker.policy(), ", by ", glob)});
}

// How it came to that.
void AddHistory(const v1::Breaker& breaker, Table& table) {
  table.AddRow({"window", WindowText(breaker.window())});
  if (breaker.consecutive_failures() > 0) {
    table.AddRow({"consecutive_failures", absl::StrCat(breaker.consecutive_failures())});
  }
  if (breaker.failing_clients_size() > 0) {
    table.AddRow({"failing_clients", absl::StrJoin(breaker.failing_clients(), ", ")});
  }
  table.AddRow({"totals", TotalsText(breaker.totals())});
  if (breaker.has_retry_budget()) {
    table.AddRow({"retry_budget", BudgetText(breaker.retry_budget())});
  }
  if (breaker.has_last_transition()) {
    const v1::Transition& last = breaker.last_transition();
    table.AddRow({"last_transition", absl::StrCat(ChangeText(last), ", ", EnumText(last.cause()),
                                                  ", at ", TimeText(last.time()))});
  }
  if (breaker.reopens() > 0) table.AddRow({"reopens", absl::StrCat(breaker.reopens())});
  table.AddRow({"epoch", absl::StrCat(breaker.epoch(), ", revision ", breaker.revision())});
}

}  // namespace

Cell StateCell(v1::State state) {
  switch (state) {
    case v1::STATE_OPEN:
      return {EnumText(state), Colour::kRed};
    case v1::STATE_HALF_OPEN:
      return {EnumText(state), Colour::kYellow};
    case v1::STATE_CLOSED:
      return {EnumText(state), Colour::kGreen};
    default:
      return {EnumText(state)};
  }
}

Cell HealthCell(v1::Health health) {
  switch (health) {
    case v1::HEALTH_UNHEALTHY:
      return {EnumText(health), Colour::kRed};
    case v1::HEALTH_DEGRADED:
      return {EnumText(health), Colour::kYellow};
    case v1::HEALTH_HEALTHY:
      return {EnumText(health), Colour::kGreen};
    default:
      return {EnumText(health)};
  }
}

std::string OverrideText(const v1::Breaker& breaker) {
  if (!breaker.has_override()) return "-";
  const v1::Override& imposed = breaker.override();
  std::string text = EnumText(imposed.mode());
  if (imposed.drill()) text += " (drill)";
  if (imposed.match() != breaker.name() && !imposed.match().empty()) {
    absl::StrAppend(&text, " on ", imposed.match());
  }
  if (!imposed.actor().empty()) absl::StrAppend(&text, " by ", imposed.actor());
  if (!imposed.reason().empty()) absl::StrAppend(&text, ": ", imposed.reason());
  if (imposed.has_remaining()) {
    absl::StrAppend(&text, ", ", DurationText(imposed.remaining()), " left");
  }
  return text;
}

std::string RetryAfterText(const v1::Breaker& breaker) {
  return breaker.has_retry_after() ? DurationText(breaker.retry_after()) : "-";
}

std::string WindowText(const v1::Window& window) {
  return absl::StrCat(window.calls(), " calls, ", window.failures(), " failed (",
                      PercentText(window.failure_rate()), "), ", window.slow(), " slow (",
                      PercentText(window.slow_rate()), ")");
}

std::string TotalsText(const v1::Totals& totals) {
  std::string text = absl::StrCat(totals.calls(), " calls, ", totals.successes(), " successes, ",
                                  totals.failures(), " failures, ", totals.refused(), " refused, ",
                                  totals.late(), " late, ", totals.transitions(), " transitions");
  if (totals.has_mean_latency()) {
    absl::StrAppend(&text, ", mean latency ", DurationText(totals.mean_latency()));
  }
  return text;
}

std::optional<absl::Duration> TimeInState(const v1::Breaker& breaker, absl::Time now) {
  if (!breaker.has_last_transition()) return std::nullopt;
  const v1::Transition& last = breaker.last_transition();
  if (breaker.has_retry_after() && last.has_open_for()) {
    return FromProto(last.open_for()) - FromProto(breaker.retry_after());
  }
  // Two machines' clocks need not agree to the second.
  return std::max(absl::ZeroDuration(), now - ToTime(last.time()));
}

Table BreakerTable(const v1::Breaker& breaker) {
  Table table;
  AddStanding(breaker, table);
  AddHistory(breaker, table);
  return table;
}

Table HealthTable(const v1::GetHealthResponse& health) {
  Table table;
  table.AddRow({"health", HealthCell(health.health())});
  table.AddRow({"score", absl::StrFormat("%.2f", health.score())});
  table.AddRow({"breakers", absl::StrCat(health.healthy(), " healthy, ", health.degraded(),
                                         " degraded, ", health.unhealthy(), " unhealthy")});
  std::string label = "worst";
  for (const v1::BreakerHealth& one : health.worst()) {
    Cell cell = HealthCell(one.health());
    cell.text = absl::StrCat(one.name(), ": ", cell.text, ", ", EnumText(one.state()), ", score ",
                             absl::StrFormat("%.2f", one.score()));
    table.AddRow({std::exchange(label, ""), std::move(cell)});
  }
  return table;
}

Table OverridesTable(const google::protobuf::RepeatedPtrField<v1::Override>& overrides, bool wide) {
  Table table;
  std::vector<Cell> head = {"MATCH", "MODE", "LEFT", "BY", "REASON"};
  if (wide) head.emplace_back("SINCE");
  table.AddRow(std::move(head));
  for (const v1::Override& one : overrides) {
    std::vector<Cell> row = {one.match(),
                             absl::StrCat(EnumText(one.mode()), one.drill() ? " (drill)" : ""),
                             one.has_remaining() ? DurationText(one.remaining()) : "until cleared",
                             one.actor().empty() ? "-" : one.actor(), one.reason()};
    if (wide) row.emplace_back(one.has_create_time() ? TimeText(one.create_time()) : "-");
    table.AddRow(std::move(row));
  }
  return table;
}

Document OverrideDocument(const google::protobuf::Message& response, const v1::Override& override) {
  return {response,
          [&override](bool wide) {
            google::protobuf::RepeatedPtrField<v1::Override> one;
            *one.Add() = override;
            return OverridesTable(one, wide);
          },
          std::vector<std::string>{override.match()}};
}

}  // namespace fusebox::cli
