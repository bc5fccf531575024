// Asks for one call and tells by the exit code whether it may be made.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "client/cli/breaker_text.h"
#include "client/cli/enums.h"
#include "client/cli/errors.h"
#include "client/cli/flags.h"
#include "client/cli/verbs/verbs.h"
#include "fusebox/v1/breaker_service.grpc.pb.h"
#include "proto/convert/convert.h"

namespace fusebox::cli {
namespace {

struct AllowFlags {
  std::string name;
  uint32_t attempt = 1;
  std::optional<std::string> previous_outcome;
  bool hedge = false;
  std::string idempotency_key;
  bool retry_unknown = false;
  std::vector<std::string> fallbacks;
  std::optional<absl::Duration> max_wait;
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
  if (response.first_call() != v1::FIRST_CALL_UNSPECIFIED) {
    table.AddRow({"first_call", EnumText(response.first_call())});
  }
  if (response.has_retry_after()) {
    table.AddRow({"retry_after", DurationText(response.retry_after())});
  }
  table.AddRow({"breaker", response.breaker()});
  table.AddRow({"state", StateCell(response.state())});
  table.AddRow({"epoch", absl::StrCat(response.epoch())});
  if (response.probe()) table.AddRow({"probe", "yes"});
  if (response.has_lease()) table.AddRow({"lease", DurationText(response.lease())});
  if (response.has_hedge_delay()) {
    table.AddRow({"hedge_delay", DurationText(response.hedge_delay())});
  }
  for (const v1::Refusal& refusal : response.refused()) {
    table.AddRow({"refused by " + refusal.breaker(),
                  absl::StrCat(EnumText(refusal.reason()), ", retry after ",
                               DurationText(refusal.retry_after()))});
  }
  if (!response.permit().empty()) {
    table.AddRow({"permit", absl::Base64Escape(response.permit())});
  }
  return table;
}

int Allow(Invocation& cli, const AllowFlags& flags) {
  v1::AllowRequest request;
  request.set_breaker(flags.name);
  request.set_attempt(flags.attempt);
  if (flags.previous_outcome) {
    request.set_previous_outcome(EnumValue<v1::Outcome>(*flags.previous_outcome));
  }
  request.set_hedge(flags.hedge);
  request.set_idempotency_key(flags.idempotency_key);
  request.set_retry_unknown(flags.retry_unknown);
  request.mutable_fallbacks()->Assign(flags.fallbacks.begin(), flags.fallbacks.end());
  if (flags.max_wait.has_value()) {
    *request.mutable_max_wait() = ToProto(*flags.max_wait);
    cli.server.Lengthen(*flags.max_wait);
  }
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
  verb.Add("--attempt", flags.attempt, "Which attempt it is; from 2 on it spends retry budget")
      .Positive()
      .Metavar("N")
      .ShowDefault();
  verb.Add("--previous-outcome", flags.previous_outcome,
           "Of a retry: how the attempt before it ended")
      .OneOf(EnumNames<v1::Outcome>())
      .Metavar("OUTCOME");
  verb.Add("--hedge", flags.hedge,
           "A second copy of a call that is not answered yet: it spends retry budget");
  verb.Add("--idempotency-key", flags.idempotency_key,
           "What the call does, the same for all its attempts: not done twice, where the "
           "policy says so")
      .Metavar("KEY");
  verb.Add("--retry-unknown", flags.retry_unknown,
           "Make the call although one with its key may have been done");
  verb.Add("--fallback", flags.fallbacks,
           "A further breaker to try if those before refuse; may be given several times")
      .Metavar("NAME");
  verb.Add("--max-wait", flags.max_wait,
           "How long to wait for a place in the bulkhead or a token of the rate limit [0]; "
           "not part of --timeout");
  verb.Add("--client", flags.client, "Who asks [the address this comes from]").Metavar("NAME");
}

}  // namespace fusebox::cli
