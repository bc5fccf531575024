#include "client/cli/errors.h"

#include <google/rpc/error_details.pb.h>
#include <google/rpc/status.pb.h>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "client/cli/command.h"
#include "client/cli/output.h"

namespace fusebox::cli {
namespace {

void PrintErrorInfo(Talk& err, const google::rpc::ErrorInfo& info) {
  err << "  reason: " << info.reason() << "\n";
  for (const auto& [key, value] : info.metadata()) {
    err << "  " << key << ": " << value << "\n";
  }
}

// A server with one thing to say says it as the message and as the description; once is enough.
void PrintBadRequest(Talk& err, const google::rpc::BadRequest& bad_request,
                     absl::string_view message, const About& about) {
  for (const auto& violation : bad_request.field_violations()) {
    err << "  field: " << violation.field();
    const std::string place = about.locate ? about.locate(violation.field()) : "";
    if (!place.empty()) err << " (" << place << ")";
    if (violation.description() != message) err << ": " << violation.description();
    err << "\n";
  }
}

// Another server's details are not ours: empty.
google::rpc::Status Details(const grpc::Status& status) {
  google::rpc::Status details;
  if (!details.ParseFromString(status.error_details())) details.Clear();
  return details;
}

void PrintDetails(Talk& err, const google::rpc::Status& status, const About& about) {
  for (const google::protobuf::Any& detail : status.details()) {
    google::rpc::ErrorInfo info;
    google::rpc::BadRequest bad_request;
    google::rpc::RetryInfo retry;
    if (detail.UnpackTo(&info)) {
      PrintErrorInfo(err, info);
    } else if (detail.UnpackTo(&bad_request)) {
      PrintBadRequest(err, bad_request, status.message(), about);
    } else if (detail.UnpackTo(&retry)) {
      err << "  retry after: " << DurationText(retry.retry_delay()) << "\n";
    }
  }
}

// Whether nobody was reached, so that what would have been said does not matter. gRPC has no codes
// for that.
bool IsNobodyThere(absl::string_view message) {
  for (const absl::string_view sign : {"Connection refused", "No such file", "DNS resolution",
                                       "Domain name not found", "unreachable", "No route"}) {
    if (absl::StrContains(message, sign)) return true;
  }
  return false;
}

void PrintTlsHints(Talk& err) {
  err << "  It was spoken to in TLS. Does --tls-ca hold who signed its certificate, and is that\n"
         "  for the host of --server or for --tls-server-name? If it wants one of yours, give\n"
         "  --tls-client-cert and --tls-client-key.\n";
}

void PrintConnectFailure(Talk& err, const Connection& server, const grpc::Status& status) {
  err << "no server answers at " << server.address() << ": " << status.error_message() << "\n";
  const bool nobody = IsNobodyThere(status.error_message());
  if (nobody || !server.tls()) {
    err << "  Start one with `fusebox`, or name another with --server (FUSEBOX_SERVER).\n";
  }
  if (nobody) return;
  if (server.tls()) {
    PrintTlsHints(err);
  } else {
    err << "  If it wants TLS, say --tls (FUSEBOX_TLS=true).\n";
  }
}

}  // namespace

bool IsConnectFailure(const Connection& server, const grpc::Status& status) {
  return !server.connected() &&
         (!server.fault().ok() || status.error_code() == grpc::StatusCode::UNAVAILABLE ||
          status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED);
}

int ReportRpcError(Talk& err, const Connection& server, const grpc::Status& status,
                   const About& about) {
  if (!server.fault().ok()) {
    err << "fuseboxctl: " << server.fault().message() << "\n";
    return kUsage;
  }
  err << "fuseboxctl: " << about.what;
  if (IsConnectFailure(server, status)) {
    PrintConnectFailure(err, server, status);
  } else {
    err << absl::StatusCodeToString(static_cast<absl::StatusCode>(status.error_code())) << " from "
        << server.address() << ": " << status.error_message() << "\n";
    PrintDetails(err, Details(status), about);
    if (server.tls() && !server.connected()) PrintTlsHints(err);
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
      err << "  Give it longer with --timeout (FUSEBOX_TIMEOUT).\n";
    }
  }
  return kRpcErrorBase + static_cast<int>(status.error_code());
}

std::string ReasonOf(const grpc::Status& status) {
  const google::rpc::Status details = Details(status);
  for (const google::protobuf::Any& detail : details.details()) {
    google::rpc::ErrorInfo info;
    if (detail.UnpackTo(&info)) return info.reason();
  }
  return "";
}

}  // namespace fusebox::cli
