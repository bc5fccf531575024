// Shows all there is to know about one breaker.
#include <string>

#include "client/cli/breaker_text.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct GetFlags {
  std::string name;
};

int Get(Invocation& cli, const GetFlags& flags) {
  v1::GetBreakerRequest request;
  request.set_name(flags.name);
  v1::GetBreakerResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::GetBreaker, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  const v1::Breaker& breaker = response.breaker();
  cli.out.Print({response, [&breaker](bool) { return BreakerTable(breaker); },
                 std::vector<std::string>{breaker.name()}});
  return kOk;
}

}  // namespace

void AddGet(Commands& commands) {
  auto [verb, flags] = commands.Add<GetFlags>("get", "Shows one breaker", Get);
  AddBreakerName(verb, flags.name);
}

}  // namespace fusebox::cli
