// Forces breakers open for a while, to prove that their callers can do without.
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/cli/breaker_text.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/pages.h"
#include "client/cli/transition_text.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "proto/convert/convert.h"

namespace fusebox::cli {
namespace {

// Between two questions whether it is over: somebody may end it early.
constexpr absl::Duration kPace = absl::Milliseconds(500);
// How long after its time the server must have noticed that it is over.
constexpr absl::Duration kGrace = absl::Seconds(10);

struct DrillFlags {
  std::string match;
  std::string reason;
  absl::Duration ttl;
  bool wait = false;
};

// Not of an earlier drill, which this one may have replaced at the same moment.
bool IsEndOf(const v1::Override& drill, const v1::Transition& one) {
  return one.has_drill_report() && one.breaker() == drill.match() &&
         ToTime(one.override().create_time()) == ToTime(drill.create_time());
}

// Looks for the end of the drill.
grpc::Status FindEnd(Connection& server, const v1::Override& drill,
                     std::optional<v1::Transition>& end) {
  v1::ListTransitionsRequest request;
  request.add_causes(v1::CAUSE_OVERRIDE_EXPIRED);
  request.add_causes(v1::CAUSE_OVERRIDE_CLEARED);
  request.add_causes(v1::CAUSE_OVERRIDDEN);  // Another override may have replaced it.
  *request.mutable_after() = drill.create_time();
  return EachPage(server, &v1::AdminService::Stub::ListTransitions, request,
                  [&](const v1::ListTransitionsResponse& page) {
                    for (const v1::Transition& one : page.transitions()) {
                      if (IsEndOf(drill, one)) end = one;
                    }
                    return true;
                  });
}

int PrintEnd(Invocation& cli, const v1::Transition& end) {
  cli.err << "The drill is over: " << WhyText(end) << ".\n";
  cli.out.Print({end, [&end](bool) { return DrillTable(end.drill_report()); },
                 std::vector<std::string>{end.breaker()}});
  return kOk;
}

int WaitForEnd(Invocation& cli, const v1::Override& drill, absl::Duration ttl) {
  std::optional<v1::Transition> end;
  for (absl::Duration waited; waited < ttl + kGrace; waited += kPace) {
    const grpc::Status status = FindEnd(cli.server, drill, end);
    if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
    if (end.has_value()) return PrintEnd(cli, *end);
    absl::SleepFor(kPace);
  }
  cli.err << "fuseboxctl: the end of the drill is not in the history; look with `fuseboxctl "
             "overrides` whether it goes on.\n";
  return kRpcErrorBase + static_cast<int>(grpc::StatusCode::DEADLINE_EXCEEDED);
}

int Drill(Invocation& cli, const DrillFlags& flags) {
  v1::OverrideBreakerRequest request;
  request.set_match(flags.match);
  request.set_mode(v1::OVERRIDE_MODE_FORCED_OPEN);
  request.set_reason(flags.reason);
  request.set_actor(cli.actor);
  *request.mutable_ttl() = ToProto(flags.ttl);
  request.set_drill(true);
  v1::OverrideBreakerResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::OverrideBreaker, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  const v1::Override& drill = response.override();
  if (!flags.wait) {
    cli.out.Print(OverrideDocument(response, drill));
    return kOk;
  }
  cli.err << Printable(drill.match()) << " is FORCED_OPEN for " << absl::FormatDuration(flags.ttl)
          << ", also if you interrupt this; `fuseboxctl clear` ends it.\n";
  return WaitForEnd(cli, drill, flags.ttl);
}

}  // namespace

void AddDrill(Commands& commands) {
  auto [verb, flags] = commands.Add<DrillFlags>(
      "drill", "Forces breakers open for a while, to prove that callers can do without", Drill);
  AddMatch(verb, flags.match);
  AddDuration(verb, "--ttl", flags.ttl, "How long, 1s to 8760h")->required();
  AddReason(verb, flags.reason)->required();
  verb.add_flag("--wait", flags.wait, "Wait for its end and print what it showed");
}

}  // namespace fusebox::cli
