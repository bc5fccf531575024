// Says which fuseboxctl this is and which server answers.
#include <string>

#include "absl/strings/str_cat.h"
#include "client/cli/documents.pb.h"
#include "client/cli/errors.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct VersionFlags {
  bool client = false;
};

void AddFault(const std::string& name, const std::string& what, Table& table) {
  if (!what.empty()) table.AddRow({name, {what, Colour::kRed}});
}

Table VersionTable(const Versions& versions) {
  Table table;
  table.AddRow({"client", versions.client()});
  if (!versions.has_server()) return table;
  const v1::GetServerInfoResponse& server = versions.server();
  table.AddRow({"server", server.version()});
  table.AddRow({"up", DurationText(server.uptime())});
  table.AddRow({"store", server.store()});
  if (server.draining()) table.AddRow({"draining", {"yes", Colour::kRed}});
  AddFault("not durable", server.not_durable(), table);
  AddFault("config error", server.config_error(), table);
  AddFault("certificate error", server.certificate_error(), table);
  AddFault("identities error", server.identities_error(), table);
  return table;
}

int Version(Invocation& cli, const VersionFlags& flags) {
  Versions versions;
  versions.set_client(FUSEBOX_VERSION);
  grpc::Status status;
  if (!flags.client) {
    v1::GetServerInfoResponse server;
    status = cli.server.Call(&v1::AdminService::Stub::GetServerInfo, v1::GetServerInfoRequest(),
                             &server);
    if (status.ok()) *versions.mutable_server() = server;
  }
  if (!cli.server.fault().ok()) return ReportRpcError(cli.err, cli.server, status);
  cli.out.Print({versions, [&versions](bool) { return VersionTable(versions); }});
  return status.ok() ? kOk : ReportRpcError(cli.err, cli.server, status);
}

}  // namespace

void AddVersion(Commands& commands) {
  auto [verb, flags] = commands.Add<VersionFlags>(
      "version", "Prints the versions of fuseboxctl and of the server", Version);
  verb.Add("--client", flags.client, "Ask no server");
}

}  // namespace fusebox::cli
