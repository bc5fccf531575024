// Asks whether the server, a service of it, a breaker or all under a prefix take calls; made for
// scripts and health probes.
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <future>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "client/cli/breaker_text.h"
#include "client/cli/documents.pb.h"
#include "client/cli/errors.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/admin.grpc.pb.h"

namespace fusebox::cli {
namespace {

constexpr char kMethod[] = "/grpc.health.v1.Health/Check";

constexpr char kHealthFooter[] = R"(Exit codes, as of grpc-health-probe:
  0  serving; of a breaker or a prefix: healthy or degraded
  1  the command line or a FUSEBOX_* variable is wrong
  2  no connection within --timeout; so it is too if the server hangs
  3  the call failed, or took longer than --timeout once connected
  4  not serving; of a breaker or a prefix: unhealthy

SERVICE is the name of a gRPC service, liveness, readiness, breaker:NAME or prefix:PATH. The answer is
one word; --prefix tells more. A prefix is a path of whole segments: payments is for the breaker payments
and for all whose names begin with payments/.

The flags of every verb (--server, --timeout, --output): fuseboxctl --help)";

struct HealthFlags {
  std::string service;
  std::optional<std::string> prefix;
};

// gRPC ships this protocol without generated messages. On the wire the request is a string and the
// response an enum, each in field 1, and that is what StringValue and Int32Value are.
using HealthStub =
    grpc::TemplatedGenericStub<google::protobuf::StringValue, google::protobuf::Int32Value>;

grpc::Status Check(Connection& server, const std::string& service, int* serving_status) {
  google::protobuf::StringValue request;
  request.set_value(service);
  google::protobuf::Int32Value response;
  grpc::ClientContext context;
  if (grpc::Status bad = server.BeginCall(context); !bad.ok()) return bad;
  std::promise<grpc::Status> end;
  HealthStub(server.channel())
      .UnaryCall(&context, kMethod, grpc::StubOptions(), &request, &response,
                 [&end](grpc::Status status) { end.set_value(std::move(status)); });
  const grpc::Status status = end.get_future().get();
  *serving_status = response.value();
  return status;
}

// grpc.health.v1.HealthCheckResponse.ServingStatus.
constexpr int kServing = 1;

Cell StatusCell(int serving_status) {
  switch (serving_status) {
    case kServing:
      return {"SERVING", Colour::kGreen};
    case 2:
      return {"NOT_SERVING", Colour::kRed};
    case 3:
      return {"SERVICE_UNKNOWN", Colour::kRed};
    default:
      return {"UNKNOWN", Colour::kRed};
  }
}

int ReportFailure(Invocation& cli, const grpc::Status& status) {
  ReportRpcError(cli.err, cli.server, status);
  if (!cli.server.fault().ok()) return kHealthBadFlags;
  return IsConnectFailure(cli.server, status) ? kHealthNoConnection : kHealthRpcFailed;
}

int PrefixHealth(Invocation& cli, const std::string& prefix) {
  v1::GetHealthRequest request;
  request.set_prefix(prefix);
  v1::GetHealthResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::AdminService::Stub::GetHealth, request, &response);
  if (!status.ok()) return ReportFailure(cli, status);
  std::vector<std::string> names;
  for (const v1::BreakerHealth& one : response.worst()) names.push_back(one.name());
  cli.out.Print({response, [&response](bool) { return HealthTable(response); }, names});
  return response.health() == v1::HEALTH_UNHEALTHY ? kHealthNotServing : kOk;
}

int Health(Invocation& cli, const HealthFlags& flags) {
  if (flags.prefix.has_value()) return PrefixHealth(cli, *flags.prefix);
  int serving_status = 0;
  const grpc::Status status = Check(cli.server, flags.service, &serving_status);
  const bool is_of_breakers =
      absl::StartsWith(flags.service, "breaker:") || absl::StartsWith(flags.service, "prefix:");
  if (status.error_code() == grpc::StatusCode::NOT_FOUND && !is_of_breakers) {
    cli.err << "fuseboxctl: " << cli.server.address() << " has no service \"" << flags.service
            << "\"; leave SERVICE out to ask about the server as a whole.\n";
    return kHealthRpcFailed;
  }
  if (!status.ok()) return ReportFailure(cli, status);
  const Cell cell = StatusCell(serving_status);
  ServingStatus shown;
  shown.set_status(cell.text);
  cli.out.Print({shown, [&cell](bool) {
                   Table table;
                   table.AddRow({cell});
                   return table;
                 }});
  return serving_status == kServing ? kOk : kHealthNotServing;
}

}  // namespace

void AddHealth(Commands& commands) {
  auto [verb, flags] = commands.Add<HealthFlags>(
      "health", "Asks whether the server or what breakers protect takes calls", Health);
  const Flag service =
      verb.Add("SERVICE", flags.service,
               "A gRPC service, liveness, readiness, breaker:NAME or prefix:PATH [the server "
               "as a whole]")
          .Metavar("SERVICE");
  verb.Add("--prefix", flags.prefix,
           "Show how all breakers under this path feel together; '' is all of them")
      .Metavar("PREFIX")
      .Excludes(service);
  verb.Footer(kHealthFooter);
}

}  // namespace fusebox::cli
