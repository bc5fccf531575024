// Tells all about one breaker, for whoever was just woken up by it.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/cli/breaker_text.h"
#include "client/cli/documents.pb.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/limits_text.h"
#include "client/cli/pages.h"
#include "client/cli/parts_text.h"
#include "client/cli/resource_text.h"
#include "client/cli/resources.h"
#include "client/cli/transition_text.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct DescribeFlags {
  std::string name;
  int history = 10;
};

std::string SinceText(const v1::Breaker& breaker, absl::Time now) {
  const std::optional<absl::Duration> age = TimeInState(breaker, now);
  return age.has_value() ? absl::StrCat("for ", DurationText(*age)) : "ever since it exists";
}

// A breaker that was half-open when its server stopped comes back open, until none of its probes
// can be out any more: that is no transition of its own.
std::string BecauseText(const v1::Breaker& breaker) {
  const v1::Transition& last = breaker.last_transition();
  if (last.to() == v1::STATE_HALF_OPEN && breaker.state() == v1::STATE_OPEN) {
    return "the server restarted while it was half-open";
  }
  return WhyText(last);
}

void AddReason(const char* label, const std::string& why, const v1::Transition& transition,
               Table& table) {
  table.AddRow({label, why});
  if (transition.failing_clients_size() > 0) {
    table.AddRow({"Failing then", absl::StrJoin(transition.failing_clients(), ", ")});
  }
}

// Of one that is half-open, as far back as its history was asked for.
void AddOpening(const Description& description, Table& table) {
  if (description.breaker().state() != v1::STATE_HALF_OPEN) return;
  const auto& past = description.transitions();
  const auto opening = std::find_if(past.begin(), past.end(), [](const v1::Transition& one) {
    return one.to() == v1::STATE_OPEN;
  });
  if (opening != past.end()) AddReason("It had opened", WhyText(*opening), *opening, table);
}

void AddState(const Description& description, const Policy& policy, Table& table) {
  const v1::Breaker& breaker = description.breaker();
  Cell state = StateCell(breaker.state());
  absl::StrAppend(&state.text, " ", SinceText(breaker, absl::Now()));
  table.AddRow({"State", std::move(state)});
  if (breaker.has_last_transition()) {
    AddReason("Because", BecauseText(breaker), breaker.last_transition(), table);
    AddOpening(description, table);
  }
  if (breaker.has_retry_after()) {
    table.AddRow({"Next probe", absl::StrCat("in ", RetryAfterText(breaker), ", at ",
                                             TimeText(breaker.open_until()))});
  }
  if (breaker.reopens() > 0) {
    table.AddRow({"Opened again", absl::StrCat(breaker.reopens(), " times without recovering")});
  }
  if (breaker.state() == v1::STATE_HALF_OPEN) {
    table.AddRow(
        {"Probes",
         absl::StrCat(breaker.probes(), " of ", policy.circuit_breaker.max_probes, " are out; ",
                      policy.circuit_breaker.success_threshold, " successes close it")});
  }
  if (breaker.ramp_share() < 1) {
    table.AddRow({"Ramp", PercentText(breaker.ramp_share()) + " of the calls are admitted"});
  }
}

void AddRest(const v1::Breaker& breaker, const v1::Policy& policy, Table& table) {
  table.AddRow({"Override", breaker.has_override() ? OverrideText(breaker) : "none"});
  Cell health = HealthCell(breaker.health());
  if (breaker.window().calls() > 0) {
    absl::StrAppend(&health.text, ", score ", absl::StrFormat("%.2f", breaker.score()));
  }
  table.AddRow({"Health", std::move(health)});
  table.AddRow(
      {"Policy",
       absl::StrCat(breaker.policy(), " (", EnumText(policy.info().source()), "), ",
                    breaker.policy_match().empty() ? "which rules what no other does"
                                                   : "matched by " + breaker.policy_match())});
  table.AddRow(
      {"Retry budget", breaker.has_retry_budget() ? BudgetText(breaker.retry_budget()) : "none"});
  AddParts(breaker, table);
  table.AddRow({"Totals", TotalsText(breaker.totals())});
  table.AddRow({"Epoch", absl::StrCat(breaker.epoch(), ", revision ", breaker.revision())});
}

void AddHistory(const Description& description, Table& table) {
  table.AddRow({""});
  if (description.transitions().empty()) {
    table.AddRow({"History", "nothing happened to it, as far back as is kept"});
    return;
  }
  table.AddRow({"History", "newest first"});
  for (const v1::Transition& one : description.transitions()) {
    table.AddRow({TimeText(one.time()),
                  {absl::StrCat(ChangeText(one), ": ", WhyText(one)), StateCell(one.to()).colour}});
  }
}

Table DescriptionTable(const Description& description) {
  const v1::Breaker& breaker = description.breaker();
  const Policy policy = NumbersOf(description.policy());
  Table table;
  table.AddRow({"Breaker", breaker.name()});
  AddState(description, policy, table);
  AddRest(breaker, description.policy(), table);
  table.AddRow({""});
  table.AddRow({"Opens at", WindowName(policy.circuit_breaker)});
  AddLimits(breaker, policy.circuit_breaker, table);
  AddRetryEstimates(breaker, table);
  AddHistory(description, table);
  return table;
}

grpc::Status Fetch(Connection& server, const DescribeFlags& flags, Description& description) {
  v1::GetBreakerRequest request;
  request.set_name(flags.name);
  v1::GetBreakerResponse response;
  grpc::Status status = server.Call(&v1::AdminService::Stub::GetBreaker, request, &response);
  if (!status.ok()) return status;
  *description.mutable_breaker() = response.breaker();
  status =
      Resource<v1::Policy>::Get(server, response.breaker().policy(), description.mutable_policy());
  if (!status.ok()) return status;
  v1::ListTransitionsRequest past;
  past.set_match(flags.name);
  past.set_page_size(flags.history);
  // A page may be empty although there is more.
  return EachPage(server, &v1::AdminService::Stub::ListTransitions, past,
                  [&](const v1::ListTransitionsResponse& page) {
                    for (const v1::Transition& one : page.transitions()) {
                      if (description.transitions_size() == flags.history) return false;
                      *description.add_transitions() = one;
                    }
                    return description.transitions_size() < flags.history;
                  });
}

int Describe(Invocation& cli, const DescribeFlags& flags) {
  Description description;
  const grpc::Status status = Fetch(cli.server, flags, description);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  cli.out.Print({description, [&](bool) { return DescriptionTable(description); },
                 std::vector<std::string>{flags.name}});
  return kOk;
}

}  // namespace

void AddDescribe(Commands& commands) {
  auto [verb, flags] = commands.Add<DescribeFlags>(
      "describe", "Tells all about one breaker: its state and why, limits, history", Describe);
  AddBreakerName(verb, flags.name);
  verb.Add("--history", flags.history, "How much of its history to show")
      .Between(1, 1000)
      .Metavar("N")
      .ShowDefault();
}

}  // namespace fusebox::cli
