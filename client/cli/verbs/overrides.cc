// Lists what is imposed on breakers.
#include <string>
#include <vector>

#include "client/cli/breaker_text.h"
#include "client/cli/errors.h"
#include "client/cli/pages.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct OverridesFlags {};

int Overrides(Invocation& cli, const OverridesFlags&) {
  v1::ListOverridesResponse all;
  const grpc::Status status =
      EachPage(cli.server, &v1::AdminService::Stub::ListOverrides, v1::ListOverridesRequest(),
               [&all](const v1::ListOverridesResponse& page) {
                 all.mutable_overrides()->MergeFrom(page.overrides());
                 return true;
               });
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  if (cli.out.for_people() && all.overrides().empty()) {
    cli.err << "Nothing is imposed on any breaker.\n";
    return kOk;
  }
  std::vector<std::string> names;
  for (const v1::Override& one : all.overrides()) names.push_back(one.match());
  cli.out.Print({all, [&all](bool wide) { return OverridesTable(all.overrides(), wide); }, names});
  return kOk;
}

}  // namespace

void AddOverrides(Commands& commands) {
  commands.Add<OverridesFlags>("overrides", "Lists the overrides in force", Overrides);
}

}  // namespace fusebox::cli
