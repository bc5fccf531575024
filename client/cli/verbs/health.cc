// Asks whether the server, or a service of it, takes calls; made for scripts and health probes.
#include <google/protobuf/wrappers.pb.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include <future>
#include <string>
#include <utility>

#include "client/cli/documents.pb.h"
#include "client/cli/errors.h"
#include "client/cli/verbs/verbs.h"

namespace fusebox::cli {
namespace {

constexpr char kMethod[] = "/grpc.health.v1.Health/Check";

constexpr char kFooter[] = R"(Exit codes, as of grpc-health-probe:
  0  serving
  1  the command line or a FUSEBOX_* variable is wrong
  2  no connection
  3  the call failed or took longer than --timeout
  4  not serving

The flags of every verb (--server, --timeout, --output): fuseboxctl --help)";

struct HealthFlags {
  std::string service;
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

int Health(Invocation& cli, const HealthFlags& flags) {
  int serving_status = 0;
  const grpc::Status status = Check(cli.server, flags.service, &serving_status);
  if (status.error_code() == grpc::StatusCode::NOT_FOUND) {
    cli.err << "fuseboxctl: " << cli.server.address() << " has no service \"" << flags.service
            << "\"; leave SERVICE out to ask about the server as a whole.\n";
    return kHealthRpcFailed;
  }
  if (!status.ok()) {
    ReportRpcError(cli.err, cli.server, status);
    if (!cli.server.fault().ok()) return kHealthBadFlags;
    return IsConnectFailure(cli.server, status) ? kHealthNoConnection : kHealthRpcFailed;
  }
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
  auto [verb, flags] =
      commands.Add<HealthFlags>("health", "Asks whether the server takes calls", Health);
  verb.add_option("SERVICE", flags.service,
                  "A gRPC service, or liveness or readiness [the server as a whole]")
      ->type_name("SERVICE");
  verb.footer(kFooter);
}

}  // namespace fusebox::cli
