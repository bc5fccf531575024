#include "client/cli/top_view.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "client/cli/breaker_text.h"
#include "client/cli/documents.pb.h"
#include "client/cli/limits_text.h"
#include "client/cli/pages.h"
#include "client/cli/resource_text.h"
#include "client/cli/resources.h"
#include "client/cli/worst.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

absl::Duration Monotonic() {
  return absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
}

// Leaves the breakers that are not selected out of a page.
v1::ListBreakersResponse Selected(v1::ListBreakersResponse page, const std::string& part) {
  if (part.empty()) return page;
  v1::ListBreakersResponse selected;
  for (v1::Breaker& breaker : *page.mutable_breakers()) {
    if (absl::StrContains(breaker.name(), part)) *selected.add_breakers() = std::move(breaker);
  }
  return selected;
}

void Count(const v1::ListBreakersResponse& page, Sample& sample) {
  for (const v1::Breaker& breaker : page.breakers()) {
    ++sample.seen;
    if (breaker.state() == v1::STATE_OPEN) ++sample.open;
    if (breaker.state() == v1::STATE_HALF_OPEN) ++sample.half_open;
    if (breaker.has_override()) ++sample.overridden;
  }
}

void AddRates(const Sample& before, Sample& now) {
  const double seconds = absl::ToDoubleSeconds(now.monotonic - before.monotonic);
  absl::flat_hash_map<std::string, const v1::Totals*> old;
  for (const v1::Breaker& breaker : before.breakers.breakers()) {
    old.emplace(breaker.name(), &breaker.totals());
  }
  for (const v1::Breaker& breaker : now.breakers.breakers()) {
    const auto found = old.find(breaker.name());
    if (found == old.end()) continue;
    const v1::Totals& then = *found->second;
    const v1::Totals& totals = breaker.totals();
    // One that was forgotten and came back begins at 0.
    if (totals.calls() < then.calls() || totals.refused() < then.refused()) continue;
    const auto calls = static_cast<double>(totals.calls() - then.calls());
    const auto refused = static_cast<double>(totals.refused() - then.refused());
    now.rates[breaker.name()] = {(calls + refused) / seconds, refused / seconds};
  }
}

std::string Cut(const std::string& name, size_t width) {
  return name.size() <= width ? name : name.substr(0, width - 3) + "...";
}

std::vector<Cell> Row(const v1::Breaker& breaker, const Sample& sample, size_t name_width) {
  const std::optional<absl::Duration> age = TimeInState(breaker, sample.wall);
  const auto policy = sample.policies.find(breaker.policy());
  const auto rates = sample.rates.find(breaker.name());
  const bool moving = rates != sample.rates.end();
  return {
      Cut(breaker.name(), name_width), StateCell(breaker.state()),
      age.has_value() ? DurationText(absl::Trunc(*age, absl::Seconds(1))) : "-",
      // The policy may have come or gone between two questions.
      FailureRateCell(breaker, policy == sample.policies.end() ? CircuitBreakerPolicy()
                                                               : policy->second.circuit_breaker),
      moving ? absl::StrFormat("%.1f", rates->second.calls) : "-",
      moving ? absl::StrFormat("%.1f", rates->second.refused) : "-", RetryAfterText(breaker),
      OverrideText(breaker)};
}

}  // namespace

grpc::Status TakeSample(Connection& server, const Selection& selection, const Sample* before,
                        Sample* sample) {
  Worst worst(kTopRows);
  v1::ListBreakersRequest request;
  request.set_match(selection.match);
  grpc::Status status = EachPage(server, &v1::AdminService::Stub::ListBreakers, request,
                                 [&](const v1::ListBreakersResponse& page) {
                                   const auto selected = Selected(page, selection.part);
                                   Count(selected, *sample);
                                   worst.Take(selected);
                                   return true;
                                 });
  if (!status.ok()) return status;
  Manifest policies;
  status = Resource<v1::Policy>::List(server, &policies);
  if (!status.ok()) return status;
  for (const v1::Policy& policy : policies.policies()) {
    sample->policies.emplace(policy.name(), NumbersOf(policy));
  }
  sample->breakers = worst.Finish();
  sample->wall = absl::Now();
  sample->monotonic = Monotonic();
  if (before != nullptr) AddRates(*before, *sample);
  return status;
}

std::string SummaryText(const Sample& sample) {
  std::string text =
      absl::StrCat(sample.seen, " breakers: ", sample.open, " open, ", sample.half_open,
                   " half-open, ", sample.overridden, " overridden");
  const size_t shown = sample.breakers.breakers_size();
  if (shown < sample.seen) absl::StrAppend(&text, "; the worst ", shown);
  return text;
}

Table TopTable(const Sample& sample, size_t name_width) {
  Table table;
  table.AddRow({"BREAKER", "STATE", "FOR", "FAILED/LIMIT", "CALLS/S", "REFUSED/S", "NEXT-PROBE",
                "OVERRIDE"});
  for (const v1::Breaker& breaker : sample.breakers.breakers()) {
    table.AddRow(Row(breaker, sample, name_width));
  }
  return table;
}

}  // namespace fusebox::cli
