// Lists what happened to breakers.
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/pages.h"
#include "client/cli/transition_text.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct HistoryFlags {
  std::string match;
  std::vector<std::string> causes;
  std::optional<std::string> since;
  std::optional<std::string> until;
  int limit = 100;
};

v1::ListTransitionsRequest ToRequest(const HistoryFlags& flags, absl::Time now) {
  v1::ListTransitionsRequest request;
  request.set_match(flags.match);
  for (const std::string& cause : flags.causes) request.add_causes(EnumValue<v1::Cause>(cause));
  if (flags.since) SetTime(ParseMoment(*flags.since, now), request.mutable_after());
  if (flags.until) SetTime(ParseMoment(*flags.until, now), request.mutable_before());
  // One more than is shown tells whether there is more.
  if (flags.limit > 0 && flags.limit < kPageSize) request.set_page_size(flags.limit + 1);
  return request;
}

Table HistoryTable(const v1::ListTransitionsResponse& all, bool wide) {
  Table table;
  std::vector<Cell> head = {"TIME", "BREAKER", "CHANGE", "CAUSE", "WHY"};
  if (wide) head.insert(head.end(), {"NUMBER", "EPOCH", "POLICY", "CLIENTS"});
  table.AddRow(std::move(head));
  for (const v1::Transition& one : all.transitions()) {
    std::vector<Cell> row = {TimeText(one.time()),
                             one.breaker(),
                             {ChangeText(one), StateCell(one.to()).colour},
                             EnumText(one.cause()),
                             WhyText(one)};
    if (wide) {
      const std::string clients = absl::StrJoin(one.failing_clients(), " ");
      row.insert(row.end(),
                 {absl::StrCat(one.number()), absl::StrCat(one.epoch()),
                  one.policy().empty() ? "-" : one.policy(), clients.empty() ? "-" : clients});
    }
    table.AddRow(std::move(row));
  }
  return table;
}

// Whether further pages are wanted; `more` says that there is more behind the limit.
bool TakePage(const v1::ListTransitionsResponse& page, int limit, v1::ListTransitionsResponse& all,
              bool& more) {
  for (const v1::Transition& one : page.transitions()) {
    more = limit > 0 && all.transitions_size() == limit;
    if (more) return false;
    *all.add_transitions() = one;
  }
  return true;
}

int History(Invocation& cli, const HistoryFlags& flags) {
  v1::ListTransitionsResponse all;
  bool more = false;
  const auto take = [&](const v1::ListTransitionsResponse& page) {
    return TakePage(page, flags.limit, all, more);
  };
  const grpc::Status status = EachPage(cli.server, &v1::AdminService::Stub::ListTransitions,
                                       ToRequest(flags, absl::Now()), take);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  if (cli.out.for_people() && all.transitions().empty()) {
    cli.err << "Nothing happened, as far back as is kept.\n";
    return kOk;
  }
  std::vector<std::string> names;
  for (const v1::Transition& one : all.transitions()) names.push_back(one.breaker());
  cli.out.Print({all, [&all](bool wide) { return HistoryTable(all, wide); }, std::move(names)});
  if (more && cli.out.for_people()) {
    cli.err << "The newest " << flags.limit << "; there is more: --limit.\n";
  }
  return kOk;
}

}  // namespace

void AddHistory(Commands& commands) {
  auto [verb, flags] =
      commands.Add<HistoryFlags>("history", "Lists what happened, the newest first", History);
  AddGlob(verb, flags.match);
  verb.Add("--cause", flags.causes, "Only what has this cause; may be repeated")
      .OneOf(EnumNames<v1::Cause>())
      .CommaSeparated()
      .Metavar("CAUSE");
  verb.Add("--since", flags.since, "Only what is newer: 15m, or 2026-02-03T04:05:06Z")
      .Checked(MomentFault)
      .Metavar("MOMENT");
  verb.Add("--until", flags.until, "Only what is older").Checked(MomentFault).Metavar("MOMENT");
  verb.Add("--limit", flags.limit, "At most so many; 0 is all there is")
      .NonNegative()
      .Metavar("N")
      .ShowDefault();
}

}  // namespace fusebox::cli
