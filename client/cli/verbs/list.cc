// Lists breakers, the ones in trouble first.
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/pages.h"
#include "client/cli/verbs/verbs.h"
#include "client/cli/worst.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct ListFlags {
  std::string match;
  std::vector<std::string> states;
  std::optional<int> limit;
};

Table ListTable(const v1::ListBreakersResponse& list, bool wide) {
  Table table;
  std::vector<Cell> head = {"NAME",    "STATE",  "NEXT-PROBE", "FAILURE-RATE", "CALLS",
                            "REFUSED", "POLICY", "OVERRIDE",   "HEALTH"};
  if (wide) head.insert(head.end(), {"SCORE", "REOPENS", "PROBES", "CAUSE", "EPOCH"});
  table.AddRow(std::move(head));
  for (const v1::Breaker& breaker : list.breakers()) {
    const v1::Window& window = breaker.window();
    std::vector<Cell> row = {breaker.name(),
                             StateCell(breaker.state()),
                             RetryAfterText(breaker),
                             window.calls() == 0 ? "-" : PercentText(window.failure_rate()),
                             absl::StrCat(window.calls()),
                             absl::StrCat(breaker.totals().refused()),
                             breaker.policy(),
                             EnumText(breaker.override().mode()),
                             HealthCell(breaker.health())};
    if (wide) {
      row.insert(row.end(),
                 {absl::StrFormat("%.2f", breaker.score()), absl::StrCat(breaker.reopens()),
                  absl::StrCat(breaker.probes()), EnumText(breaker.last_transition().cause()),
                  absl::StrCat(breaker.epoch())});
    }
    table.AddRow(std::move(row));
  }
  return table;
}

int Print(Invocation& cli, const v1::ListBreakersResponse& list, size_t seen) {
  const size_t shown = list.breakers_size();
  if (shown == 0 && cli.out.for_people()) {
    cli.err << "No breakers match. A breaker exists from its first `allow` on.\n";
    return kOk;
  }
  std::vector<std::string> names;
  for (const v1::Breaker& breaker : list.breakers()) names.push_back(breaker.name());
  cli.out.Print({list, [&list](bool wide) { return ListTable(list, wide); }, std::move(names)});
  if (shown < seen && cli.out.for_people()) {
    cli.err << "The worst " << shown << " of " << seen << ".\n";
  }
  return kOk;
}

int List(Invocation& cli, const ListFlags& flags) {
  v1::ListBreakersRequest request;
  request.set_match(flags.match);
  for (const std::string& state : flags.states) request.add_states(EnumValue<v1::State>(state));
  Worst worst(flags.limit);
  const grpc::Status status = EachPage(cli.server, &v1::AdminService::Stub::ListBreakers, request,
                                       [&worst](const v1::ListBreakersResponse& page) {
                                         worst.Take(page);
                                         return true;
                                       });
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  return Print(cli, worst.Finish(), worst.seen());
}

}  // namespace

void AddList(Commands& commands) {
  auto [verb, flags] = commands.Add<ListFlags>("list", "Lists breakers, the worst first", List);
  AddGlob(verb, flags.match);
  verb.Add("--state", flags.states, "Only those in this state; may be repeated")
      .OneOf(EnumNames<v1::State>())
      .CommaSeparated()
      .Metavar("STATE");
  verb.Add("--limit", flags.limit, "Only the worst N").Positive().Metavar("N");
}

}  // namespace fusebox::cli
