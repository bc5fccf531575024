// Tells how one call ended.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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

struct RecordFlags {
  std::string name;
  std::string permit;
  std::optional<std::string> outcome;
  std::optional<int> grpc_code;
  std::optional<int> http_status;
  std::optional<absl::Duration> latency;
  std::optional<absl::Duration> retry_after;
  bool unsent = false;
  std::string client;
};

v1::RecordRequest ToRequest(const RecordFlags& flags) {
  v1::RecordRequest request;
  request.set_breaker(flags.name);
  request.set_permit(DecodeBase64(flags.permit));
  if (flags.outcome) request.set_outcome(EnumValue<v1::Outcome>(*flags.outcome));
  if (flags.grpc_code) request.set_grpc_code(*flags.grpc_code);
  if (flags.http_status) request.set_http_status(*flags.http_status);
  if (flags.latency) *request.mutable_latency() = ToProto(*flags.latency);
  if (flags.retry_after) *request.mutable_retry_after() = ToProto(*flags.retry_after);
  request.set_unsent(flags.unsent);
  request.set_client(flags.client);
  return request;
}

Table RecordTable(const v1::RecordResponse& response, bool has_permit) {
  Table table;
  table.AddRow({"counted", EnumText(response.counted())});
  if (response.counted() == v1::COUNTED_NOT_COUNTED && !has_permit) {
    table.AddRow(
        {"hint", "while it is not CLOSED, tell it with the --permit that `allow` printed"});
  }
  table.AddRow({"outcome", EnumText(response.outcome())});
  table.AddRow({"state", StateCell(response.state())});
  table.AddRow({"epoch", absl::StrCat(response.epoch())});
  if (response.has_retry()) {
    const v1::RetryAdvice& advice = response.retry();
    table.AddRow(
        {"retry",
         {advice.permitted() ? "yes" : "no", advice.permitted() ? Colour::kGreen : Colour::kRed}});
    table.AddRow({"retry_reason", EnumText(advice.reason())});
    table.AddRow({"backoff", DurationText(advice.backoff())});
    if (advice.has_next_timeout()) {
      table.AddRow({"next_timeout", DurationText(advice.next_timeout())});
    }
  }
  return table;
}

int Record(Invocation& cli, const RecordFlags& flags) {
  v1::RecordResponse response;
  const grpc::Status status =
      cli.server.Call(&v1::BreakerService::Stub::Record, ToRequest(flags), &response);
  if (!status.ok()) return ReportRpcError(cli.err, cli.server, status);
  const bool has_permit = !flags.permit.empty();
  cli.out.Print({response, [&](bool) { return RecordTable(response, has_permit); },
                 std::vector<std::string>{flags.name}});
  return kOk;
}

void AddResult(FlagSet verb, RecordFlags& flags) {
  const FlagSet result = verb.ExactlyOne("Result", "How it ended");
  result.Add("--outcome", flags.outcome, "As the caller classified it")
      .OneOf(EnumNames<v1::Outcome>())
      .Metavar("OUTCOME");
  result
      .Add("--grpc-code", flags.grpc_code,
           "A gRPC status, 0 to 16 or a name, which the policy classifies")
      .Rewritten(MakeGrpcCode)
      .Metavar("CODE");
  result.Add("--http-status", flags.http_status, "An HTTP status, which the policy classifies")
      .Between(100, 599)
      .Metavar("N");
}

}  // namespace

void AddRecord(Commands& commands) {
  auto [verb, flags] = commands.Add<RecordFlags>("record", "Tells how one call ended", Record);
  AddBreakerName(verb, flags.name).Description("The breaker that granted the permit");
  verb.Add("--permit", flags.permit,
           "What `allow` printed; without it this is an observation, which counts only while "
           "the breaker is closed")
      .Checked(Base64Fault)
      .Metavar("BASE64");
  AddResult(verb, flags);
  verb.Add("--latency", flags.latency, "How long the call took");
  verb.Add("--retry-after", flags.retry_after, "What the dependency said in Retry-After");
  verb.Add("--unsent", flags.unsent,
           "Nothing reached the dependency, as when its connection was refused");
  verb.Add("--client", flags.client, "Who called [the address this comes from]").Metavar("NAME");
}

}  // namespace fusebox::cli
