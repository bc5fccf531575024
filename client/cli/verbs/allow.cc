// Asks for one call and tells by the exit code whether it may be made.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/breaker.grpc.pb.h"

namespace fusebox::cli {
namespace {

struct AllowFlags {
  std::string name;
  uint32_t attempt = 1;
  std::string client;
};

Table AllowTable(const v1::AllowResponse& response) {
  const bool allowed = response.decision() == v1::DECISION_ALLOWED;
  Table table;
  table.AddRow(
      {"decision", {EnumText(response.decision()), allowed ? Colour::kGreen : Colour::kRed}});
  if (response.shadow_denied()) table.AddRow({"shadow_denied", "yes"});
  if (response.reason() != v1::REASON_UNSPECIFIED) {
    table.AddRow({"reason", EnumText(response.reason())});
  }
  if (response.has_retry_after()) {
    table.AddRow({"retry_after", DurationText(response.retry_after())});
  }
  table.AddRow({"breaker", response.breaker()});
  table.AddRow({"state", StateCell(response.state())});
  table.AddRow({"epoch", absl::StrCat(response.epoch())});
  if (response.probe()) table.AddRow({"probe", "yes"});
  if (!response.permit().empty()) {
    table.AddRow({"permit", absl::Base64Escape(response.permit())});
  }
  return table;
}

int Allow(Invocation& cli, const AllowFlags& flags) {
  v1::AllowRequest request;
  request.set_breaker(flags.name);
  request.set_attempt(flags.attempt);
  request.set_client(flags.client);
  v1::AllowResponse response;
  const grpc::Status status = cli.server.Call(&v1::BreakerService::Stub::Allow, request, &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  cli.out.Print({response, [&response](bool) { return AllowTable(response); },
                 std::vector<std::string>{response.breaker()}});
  return response.decision() == v1::DECISION_ALLOWED ? kOk : kDenied;
}

}  // namespace

void AddAllow(Commands& commands) {
  auto [verb, flags] = commands.Add<AllowFlags>(
      "allow", "Asks for one call: exits 0 if allowed, 1 if denied", Allow);
  AddBreakerName(verb, flags.name);
  verb.add_option("--attempt", flags.attempt,
                  "Which attempt it is; from 2 on it spends retry budget")
      ->check(CLI::PositiveNumber)
      ->type_name("N")
      ->capture_default_str();
  verb.add_option("--client", flags.client, "Who asks [the address this comes from]")
      ->type_name("NAME");
}

}  // namespace fusebox::cli
