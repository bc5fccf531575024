// Forgets a breaker.
#include <string>

#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct DeleteFlags {
  std::string name;
  std::string reason;
};

int Delete(Invocation& cli, const DeleteFlags& flags) {
  v1::DeleteBreakerRequest request;
  request.set_name(flags.name);
  request.set_reason(flags.reason);
  request.set_actor(cli.actor);
  v1::DeleteBreakerResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::DeleteBreaker, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  cli.err << flags.name << " deleted; its next call makes it anew.\n";
  return kOk;
}

}  // namespace

void AddDelete(Commands& commands) {
  auto [verb, flags] =
      commands.Add<DeleteFlags>("delete", "Forgets a breaker and what it counted", Delete);
  AddBreakerName(verb, flags.name);
  AddReason(verb, flags.reason).Required();
}

}  // namespace fusebox::cli
