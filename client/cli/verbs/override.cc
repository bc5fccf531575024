// Imposes something on breakers.
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"
#include "proto/convert/convert.h"

namespace fusebox::cli {
namespace {

struct OverrideFlags {
  std::string match;
  std::string mode;
  std::string reason;
  std::optional<absl::Duration> ttl;
  bool dry_run = false;
};

int Impose(Invocation& cli, const OverrideFlags& flags) {
  v1::OverrideBreakerRequest request;
  request.set_match(flags.match);
  request.set_mode(EnumValue<v1::OverrideMode>(flags.mode));
  request.set_reason(flags.reason);
  request.set_actor(cli.actor);
  if (flags.ttl.has_value()) *request.mutable_ttl() = ToProto(*flags.ttl);
  request.set_validate_only(flags.dry_run);
  v1::OverrideBreakerResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::OverrideBreaker, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  if (flags.dry_run) cli.err << "Nothing was done (dry run).\n";
  cli.out.Print(OverrideDocument(response, response.override()));
  return kOk;
}

}  // namespace

void AddOverride(Commands& commands) {
  auto [verb, flags] = commands.Add<OverrideFlags>(
      "override", "Imposes something on a breaker or on all that a glob matches", Impose);
  AddMatch(verb, flags.match);
  verb.Add("--mode", flags.mode,
           "forced-open refuses every call, forced-closed none; shadow decides and counts "
           "as ever and lets all pass")
      .Required()
      .OneOf(EnumNames<v1::OverrideMode>())
      .Metavar("MODE");
  AddReason(verb, flags.reason).Required();
  verb.Add("--ttl", flags.ttl, "How long it goes on, 1s to 8760h [until cleared]");
  AddDryRun(verb, flags.dry_run);
}

}  // namespace fusebox::cli
