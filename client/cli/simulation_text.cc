#include "client/cli/simulation_text.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/output.h"
#include "client/cli/transition_text.h"
#include "proto/convert/convert.h"

namespace fusebox::cli {
namespace {

using CellOf = std::function<Cell(const PolicyTrial&)>;

void AddTransition(const Transition& transition, const std::string& breaker, PolicyTrial& trial) {
  TrialTransition& told = *trial.add_transitions();
  *told.mutable_time() = ToProto(transition.time - Tick());
  *told.mutable_transition() = ToProto(transition, breaker, WallAnchor{});
  told.mutable_transition()->clear_time();
  told.mutable_transition()->set_policy(trial.policy());
}

// "120 of 400 (30.0%)".
std::string PartText(uint64_t part, uint64_t whole) {
  if (whole == 0) return absl::StrCat(part);
  return absl::StrCat(part, " of ", whole, " (",
                      PercentText(static_cast<double>(part) / static_cast<double>(whole)), ")");
}

std::string TimeSpentText(const google::protobuf::Duration& part,
                          const google::protobuf::Duration& whole) {
  const absl::Duration length = FromProto(whole);
  if (length == absl::ZeroDuration()) return DurationText(part);
  return absl::StrCat(DurationText(part), " of ", DurationText(whole), " (",
                      PercentText(absl::FDivDuration(FromProto(part), length)), ")");
}

Cell RefusedCell(const PolicyTrial& trial, v1::Reason reason) {
  for (const RefusedCalls& refused : trial.refused_for()) {
    if (refused.reason() == reason) return absl::StrCat(refused.calls());
  }
  return "-";
}

void AddRow(const std::string& title, const SimulationReport& report, const CellOf& cell,
            Table& table) {
  std::vector<Cell> row = {title};
  for (const PolicyTrial& trial : report.policies()) row.push_back(cell(trial));
  table.AddRow(std::move(row));
}

void AddRefusals(const SimulationReport& report, Table& table) {
  AddRow(
      "Refused", report,
      [](const PolicyTrial& trial) { return PartText(trial.refused(), trial.calls()); }, table);
  std::set<v1::Reason> reasons;
  for (const PolicyTrial& trial : report.policies()) {
    for (const RefusedCalls& refused : trial.refused_for()) reasons.insert(refused.reason());
  }
  for (const v1::Reason reason : reasons) {
    AddRow(
        absl::StrCat("  for ", EnumText(reason)), report,
        [reason](const PolicyTrial& trial) { return RefusedCell(trial, reason); }, table);
  }
}

void AddNumbers(const SimulationReport& report, Table& table) {
  using Trial = const PolicyTrial&;
  const auto add = [&](const std::string& title, const CellOf& cell) {
    AddRow(title, report, cell, table);
  };
  add("File", [](Trial trial) { return trial.file(); });
  add("Policy", [](Trial trial) { return trial.policy(); });
  add("Calls", [](Trial trial) { return absl::StrCat(trial.calls()); });
  add("  that failed", [](Trial trial) { return PartText(trial.failures(), trial.calls()); });
  AddRefusals(report, table);
  add("Failures spared",
      [](Trial trial) { return PartText(trial.failures_spared(), trial.failures()); });
  add("Good calls lost",
      [](Trial trial) { return PartText(trial.successes_lost(), trial.successes()); });
  add("Late outcomes", [](Trial trial) { return absl::StrCat(trial.late()); });
  add("Times opened", [](Trial trial) { return absl::StrCat(trial.opened()); });
  add("Time open", [](Trial trial) { return TimeSpentText(trial.open(), trial.length()); });
  add("Time half-open",
      [](Trial trial) { return TimeSpentText(trial.half_open(), trial.length()); });
  add("At the end", [](Trial trial) { return StateCell(trial.state()); });
}

// "CLOSED -> OPEN for 2s: 5 calls failed in a row".
Cell TransitionCell(const v1::Transition& transition) {
  std::string text = ChangeText(transition);
  if (transition.has_open_for()) {
    absl::StrAppend(&text, " for ", DurationText(transition.open_for()));
  }
  return {absl::StrCat(text, ": ", WhyText(transition)), StateCell(transition.to()).colour};
}

// The transitions of all policies by time, each in its column.
std::multimap<absl::Duration, std::vector<Cell>> Moments(const SimulationReport& report) {
  std::multimap<absl::Duration, std::vector<Cell>> moments;
  for (int i = 0; i < report.policies_size(); ++i) {
    const size_t column = static_cast<size_t>(i) + 1;
    for (const TrialTransition& told : report.policies(i).transitions()) {
      const absl::Duration time = FromProto(told.time());
      const auto [first, last] = moments.equal_range(time);
      auto row = first;
      // Beside what another policy did then, if there is room.
      while (row != last && row->second.size() > column) ++row;
      if (row == last) row = moments.insert({time, {}});
      row->second.resize(column, Cell(""));
      row->second.push_back(TransitionCell(told.transition()));
    }
  }
  return moments;
}

void AddTransitions(const SimulationReport& report, Table& table) {
  table.AddRow({""});
  auto moments = Moments(report);
  if (moments.empty()) {
    table.AddRow({"Transitions", "none"});
    return;
  }
  table.AddRow({"Transitions"});
  for (auto& [time, row] : moments) {
    row[0] = absl::StrFormat("  %.3fs", absl::ToDoubleSeconds(time));
    table.AddRow(std::move(row));
  }
  const auto left_out = [](const PolicyTrial& trial) {
    return trial.transition_count() - static_cast<uint64_t>(trial.transitions_size());
  };
  const bool is_all = std::all_of(report.policies().begin(), report.policies().end(),
                                  [&](const PolicyTrial& trial) { return left_out(trial) == 0; });
  if (is_all) return;
  AddRow(
      "  and later", report,
      [&](const PolicyTrial& trial) { return absl::StrCat(left_out(trial)); }, table);
}

}  // namespace

void AddTrial(const Candidate& candidate, const SimulationResult& result,
              SimulationReport& report) {
  PolicyTrial& trial = *report.add_policies();
  trial.set_file(candidate.file);
  trial.set_policy(candidate.ruling->policy.name);
  trial.set_calls(result.traced.calls);
  trial.set_failures(result.traced.failures);
  trial.set_successes(result.traced.successes);
  trial.set_refused(result.refused.calls);
  for (const auto& [reason, counts] : result.refused_for) {
    RefusedCalls& refused = *trial.add_refused_for();
    refused.set_reason(ToProto(reason));
    refused.set_calls(counts.calls);
    refused.set_failures(counts.failures);
    refused.set_successes(counts.successes);
  }
  trial.set_failures_spared(result.refused.failures);
  trial.set_successes_lost(result.refused.successes);
  trial.set_late(result.late);
  trial.set_opened(result.opened);
  *trial.mutable_length() = ToProto(result.length);
  *trial.mutable_open() = ToProto(result.open);
  *trial.mutable_half_open() = ToProto(result.half_open);
  trial.set_state(ToProto(result.state));
  trial.set_transition_count(result.transition_count);
  for (const Transition& transition : result.transitions) {
    AddTransition(transition, report.breaker(), trial);
  }
}

Table SimulationTable(const SimulationReport& report) {
  Table table;
  table.AddRow({"Breaker", report.breaker()});
  AddNumbers(report, table);
  AddTransitions(report, table);
  return table;
}

}  // namespace fusebox::cli
