// Forces breakers open for a while, to prove that their callers can do without.
#include <cstdint>
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
  bool dry_run = false;
};

// Gives what happened to the drill's `match` by overrides to `take`, the newest first.
template <typename Take>
grpc::Status EachOverride(Connection& server, const std::string& match, const Take& take) {
  v1::ListTransitionsRequest request;
  request.set_match(match);
  request.add_causes(v1::CAUSE_OVERRIDDEN);
  request.add_causes(v1::CAUSE_OVERRIDE_EXPIRED);
  request.add_causes(v1::CAUSE_OVERRIDE_CLEARED);
  return EachPage(server, &v1::AdminService::Stub::ListTransitions, request,
                  [&](const v1::ListTransitionsResponse& page) {
                    for (const v1::Transition& one : page.transitions()) {
                      if (one.breaker() == match && !take(one)) return false;
                    }
                    return true;
                  });
}

// Where in the history the drill began.
grpc::Status FindBegin(Connection& server, const std::string& match, uint64_t& number) {
  return EachOverride(server, match, [&number](const v1::Transition& one) {
    number = one.number();
    return one.cause() != v1::CAUSE_OVERRIDDEN;
  });
}

// The first end of a drill after `begin`; what ended before that was another one.
grpc::Status FindEnd(Connection& server, const std::string& match, uint64_t begin,
                     std::optional<v1::Transition>& end) {
  return EachOverride(server, match, [&](const v1::Transition& one) {
    if (one.number() <= begin) return false;
    if (one.has_drill_report()) end = one;
    return true;
  });
}

int PrintEnd(Invocation& cli, const v1::Transition& end) {
  cli.err << "The drill is over: " << WhyText(end) << ".\n";
  cli.out.Print({end, [&end](bool) { return DrillTable(end.drill_report()); },
                 std::vector<std::string>{end.breaker()}});
  return kOk;
}

int WaitForEnd(Invocation& cli, const std::string& match, absl::Duration ttl) {
  uint64_t begin = 0;
  grpc::Status status = FindBegin(cli.server, match, begin);
  for (absl::Duration waited; status.ok() && waited < ttl + kGrace; waited += kPace) {
    std::optional<v1::Transition> end;
    status = FindEnd(cli.server, match, begin, end);
    if (end.has_value()) return PrintEnd(cli, *end);
    absl::SleepFor(kPace);
  }
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
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
  request.set_validate_only(flags.dry_run);
  v1::OverrideBreakerResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::OverrideBreaker, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  const v1::Override& drill = response.override();
  if (flags.dry_run) cli.err << "Nothing was done (dry run).\n";
  if (flags.dry_run || !flags.wait) {
    cli.out.Print(OverrideDocument(response, drill));
    return kOk;
  }
  cli.err << drill.match() << " is FORCED_OPEN for " << DurationText(flags.ttl)
          << ", also if you interrupt this; `fuseboxctl clear` ends it.\n";
  return WaitForEnd(cli, drill.match(), flags.ttl);
}

}  // namespace

void AddDrill(Commands& commands) {
  auto [verb, flags] = commands.Add<DrillFlags>(
      "drill", "Forces breakers open for a while, to prove that callers can do without", Drill);
  AddMatch(verb, flags.match);
  verb.Add("--ttl", flags.ttl, "How long, 1s to 8760h").Required();
  AddReason(verb, flags.reason).Required();
  AddDryRun(verb, flags.dry_run);
  verb.Add("--wait", flags.wait, "Wait for its end and print what it showed");
}

}  // namespace fusebox::cli
