// Waits until a breaker is in a state.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/follow.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.pb.h"

namespace fusebox::cli {
namespace {

struct WaitFlags {
  std::string name;
  std::string state;
  absl::Duration timeout = absl::Seconds(30);
};

int ReportTimeout(Invocation& cli, const WaitFlags& flags, const v1::Breaker& last) {
  const std::string standing =
      last.name().empty() ? "does not exist" : absl::StrCat("is ", EnumText(last.state()));
  cli.err << "fuseboxctl: " << flags.name << " " << standing << " after "
          << DurationText(flags.timeout) << "; wait longer with --timeout.\n";
  return kRpcErrorBase + static_cast<int>(grpc::StatusCode::DEADLINE_EXCEEDED);
}

int Wait(Invocation& cli, const WaitFlags& flags) {
  if (absl::StrContains(flags.name, '*')) {
    cli.err << "fuseboxctl: \"" << flags.name << "\" is a glob; `wait` waits for one breaker.\n";
    return kUsage;
  }
  const auto wanted = EnumValue<v1::State>(flags.state);
  v1::Breaker last;
  const grpc::Status status =
      Follow(cli.server, flags.name, flags.timeout, [&](const v1::WatchBreakersResponse& event) {
        if (event.has_breaker()) last = event.breaker();
        if (!event.removed().empty()) last.Clear();
        return last.name().empty() || last.state() != wanted;
      });
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED && cli.server.connected()) {
    return ReportTimeout(cli, flags, last);
  }
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  cli.out.Print(
      {last, [&last](bool) { return BreakerTable(last); }, std::vector<std::string>{last.name()}});
  return kOk;
}

}  // namespace

void AddWait(Commands& commands) {
  auto [verb, flags] =
      commands.Add<WaitFlags>("wait", "Waits until a breaker is in a state, and shows it", Wait);
  AddBreakerName(verb, flags.name);
  verb.Add("--for", flags.state, "The state: closed, open, half-open")
      .Required()
      .OneOf(EnumNames<v1::State>())
      .Metavar("STATE");
  verb.Add("--timeout", flags.timeout, "How long to wait; exits 68 when that is over")
      .ShowDefault("30s");
}

}  // namespace fusebox::cli
