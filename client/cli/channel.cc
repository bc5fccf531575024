#include "client/cli/channel.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace fusebox::cli {
namespace {

// A page of a thousand breakers, each with its failing clients, is more than gRPC's 4 MiB.
constexpr int kMaxResponseBytes = 64 << 20;

// Finds out that the other end of a silent watch is gone. Servers take pings that come more often
// than every five minutes for an attack, unless configured otherwise.
constexpr int kKeepaliveMs = 6 * 60 * 1000;

// How long connecting goes on before it looks whether it was cancelled.
constexpr int kCancelCheckMs = 100;

// Monotonic, so that a wall clock that is set meanwhile shortens no call.
gpr_timespec In(absl::Duration duration) {
  if (duration == absl::InfiniteDuration()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                      gpr_time_from_nanos(absl::ToInt64Nanoseconds(duration), GPR_TIMESPAN));
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const Credentials& credentials) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxResponseBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // An http_proxy that is meant for the web would swallow even calls to the loopback.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  if (!credentials.server_name.empty()) {
    arguments.SetSslTargetNameOverride(credentials.server_name);
  }
  return grpc::CreateCustomChannel(address, credentials.channel, arguments);
}

bool IsHostAndPort(absl::string_view address) {
  const size_t colon = address.rfind(':');
  if (colon == absl::string_view::npos) return false;
  const absl::string_view host = address.substr(0, colon);
  const bool bracketed = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  if (host.empty() || (absl::StrContains(host, ':') && !bracketed)) return false;
  int port = 0;
  return absl::SimpleAtoi(address.substr(colon + 1), &port) && port > 0 && port <= 65535;
}

}  // namespace

std::string CheckAddress(absl::string_view address) {
  if (absl::StrContains(address, "://") || absl::StartsWith(address, "unix:")) return "";
  if (IsHostAndPort(address)) return "";
  // Without a port gRPC would try 443, and the error would name a port that nobody wrote.
  return absl::StrCat("server address \"", address,
                      "\" has no host and port; write it like 127.0.0.1:7400, [::1]:7400 or "
                      "unix:/path/to/socket");
}

Connection::Connection(std::string address, absl::Duration timeout, CredentialFlags flags)
    : address_(std::move(address)), timeout_(timeout), flags_(std::move(flags)) {}

grpc::Status Connection::BeginCall(grpc::ClientContext& context) {
  Prepare();
  if (!fault_.ok()) return {grpc::StatusCode::UNAUTHENTICATED, std::string(fault_.message())};
  const gpr_timespec deadline = gpr_time_min(In(timeout_), end_);
  Connect(deadline);
  context.set_deadline(connected_ ? gpr_time_min(In(timeout_ + longer_), end_) : deadline);
  if (!authorization_.empty()) context.AddMetadata("authorization", authorization_);
  return grpc::Status::OK;
}

grpc::Status Connection::BeginStream(grpc::ClientContext& context, absl::Duration limit) {
  const gpr_timespec deadline = gpr_time_min(In(limit), end_);
  grpc::Status status = BeginCall(context);
  if (status.ok() && connected_) context.set_deadline(deadline);
  return status;
}

void Connection::EndAllAfter(absl::Duration total) { end_ = In(total); }

void Connection::Cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  cancelled_ = true;
  if (in_flight_ != nullptr) in_flight_->TryCancel();
}

bool Connection::cancelled() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_;
}

Connection::InFlight::InFlight(Connection& connection, grpc::ClientContext& context)
    : connection_(connection) {
  const std::lock_guard<std::mutex> lock(connection_.mutex_);
  connection_.in_flight_ = &context;
  if (connection_.cancelled_) context.TryCancel();
}

Connection::InFlight::~InFlight() {
  const std::lock_guard<std::mutex> lock(connection_.mutex_);
  connection_.in_flight_ = nullptr;
}

// What needs no server needs no credentials either, so they are not looked at before.
void Connection::Prepare() {
  if (channel_ != nullptr) return;
  const absl::StatusOr<Credentials> credentials = MakeCredentials(flags_, address_);
  fault_ = credentials.status();
  if (!credentials.ok()) return;
  authorization_ = credentials->authorization;
  channel_ = MakeChannel(address_, *credentials);
}

// Stops at the first failure instead of trying until the deadline: the call that follows then fails
// at once, with the cause in its text.
void Connection::Connect(gpr_timespec deadline) {
  grpc_connectivity_state state = channel_->GetState(/*try_to_connect=*/true);
  // A channel that its credentials do not suit is shut down from the beginning.
  while (state != GRPC_CHANNEL_READY && state != GRPC_CHANNEL_TRANSIENT_FAILURE &&
         state != GRPC_CHANNEL_SHUTDOWN && !cancelled()) {
    const gpr_timespec look = gpr_time_min(deadline, In(absl::Milliseconds(kCancelCheckMs)));
    const bool changed = channel_->WaitForStateChange(state, look);
    if (!changed && gpr_time_cmp(gpr_now(GPR_CLOCK_MONOTONIC), deadline) >= 0) break;
    state = channel_->GetState(/*try_to_connect=*/true);
  }
  connected_ = connected_ || state == GRPC_CHANNEL_READY;
}

}  // namespace fusebox::cli
