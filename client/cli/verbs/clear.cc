// Takes an override back.
#include <string>

#include "client/cli/breaker_text.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct ClearFlags {
  std::string match;
  std::string reason;
  bool dry_run = false;
};

int Clear(Invocation& cli, const ClearFlags& flags) {
  v1::ClearOverrideRequest request;
  request.set_match(flags.match);
  request.set_reason(flags.reason);
  request.set_actor(cli.actor);
  request.set_validate_only(flags.dry_run);
  v1::ClearOverrideResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::ClearOverride, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  if (flags.dry_run) {
    cli.err << "Nothing was done (dry run).\n";
  } else {
    cli.err << "This was taken back:\n";
  }
  cli.out.Print(OverrideDocument(response, response.override()));
  return kOk;
}

}  // namespace

void AddClear(Commands& commands) {
  auto [verb, flags] = commands.Add<ClearFlags>("clear", "Takes an override back", Clear);
  AddMatch(verb, flags.match).Description("What it was imposed on, as `overrides` lists it");
  AddReason(verb, flags.reason);
  AddDryRun(verb, flags.dry_run);
}

}  // namespace fusebox::cli
