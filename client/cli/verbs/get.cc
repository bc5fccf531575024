// Shows all there is to know about one breaker.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct GetFlags {
  std::string name;
};

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

std::string BudgetText(const v1::RetryBudgetStatus& budget) {
  return absl::StrFormat("%s: %.1f retries left, %d spent, %d refused",
                         budget.name().empty() ? "its own" : "shared " + budget.name(),
                         static_cast<double>(budget.balance_millis()) / 1000, budget.spent(),
                         budget.refused());
}

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
  table.AddRow({"policy", breaker.policy()});
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
    table.AddRow(
        {"last_transition", absl::StrCat(TransitionText(last), ", at ", TimeText(last.time()))});
  }
  if (breaker.reopens() > 0) table.AddRow({"reopens", absl::StrCat(breaker.reopens())});
  table.AddRow({"epoch", absl::StrCat(breaker.epoch(), ", revision ", breaker.revision())});
}

int Get(Invocation& cli, const GetFlags& flags) {
  v1::GetBreakerRequest request;
  request.set_name(flags.name);
  v1::GetBreakerResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::GetBreaker, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  if (cli.out.json()) {
    cli.out.Json(response);
    return kOk;
  }
  Table table;
  AddStanding(response.breaker(), table);
  AddHistory(response.breaker(), table);
  cli.out.Print(table);
  return kOk;
}

}  // namespace

void AddGet(Commands& commands) {
  auto [verb, flags] = commands.Add<GetFlags>("get", "Shows one breaker", Get);
  verb.add_option("NAME", flags.name, "The breaker, as in payments.v1.ChargeService/Charge")
      ->required();
}

}  // namespace fusebox::cli
