// Makes a breaker as if it were new.
#include <string>

#include "client/cli/breaker_text.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct ResetFlags {
  std::string name;
  std::string reason;
};

int Reset(Invocation& cli, const ResetFlags& flags) {
  v1::ResetBreakerRequest request;
  request.set_name(flags.name);
  request.set_reason(flags.reason);
  request.set_actor(cli.actor);
  v1::ResetBreakerResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::ResetBreaker, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  const v1::Breaker& breaker = response.breaker();
  cli.out.Print({response, [&breaker](bool) { return BreakerTable(breaker); },
                 std::vector<std::string>{breaker.name()}});
  return kOk;
}

}  // namespace

void AddReset(Commands& commands) {
  auto [verb, flags] = commands.Add<ResetFlags>(
      "reset", "Makes a breaker CLOSED with an empty window, as if it were new", Reset);
  AddBreakerName(verb, flags.name);
  AddReason(verb, flags.reason).Required();
}

}  // namespace fusebox::cli
