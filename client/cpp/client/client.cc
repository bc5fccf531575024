#include "fusebox/client.h"

#include <random>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/client/backend.h"
#include "client/cpp/client/session_backend.h"
#include "client/cpp/client/unary_backend.h"
#include "client/cpp/local/mutex.h"
#include "core/error.h"
#include "core/name.h"
#include "grpcpp/create_channel.h"

namespace fusebox {
namespace {

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

absl::Status Wrong(absl::string_view option, absl::string_view value, absl::string_view remedy) {
  return MakeError(absl::StatusCode::kInvalidArgument, "OPTION_INVALID",
                   absl::StrCat(option, " is ", value, "; ", remedy), option);
}

absl::Status CheckBetween(absl::string_view option, absl::Duration value, absl::Duration least,
                          absl::Duration most) {
  if (value >= least && value <= most) return absl::OkStatus();
  return Wrong(option, absl::FormatDuration(value),
               absl::StrCat("set it between ", absl::FormatDuration(least), " and ",
                            absl::FormatDuration(most)));
}

absl::Status Check(const ClientOptions& options) {
  if (options.target.empty()) return Wrong("target", "empty", "set it to where Fusebox serves");
  if (options.max_breakers == 0) return Wrong("max_breakers", "0", "set it to 1 or more");
  absl::Status status = CheckClientName(options.name);
  status.Update(
      CheckBetween("patience", options.patience, absl::Milliseconds(100), absl::Minutes(1)));
  status.Update(CheckBetween("unary_timeout", options.unary_timeout, absl::Milliseconds(1),
                             absl::Seconds(1)));
  status.Update(CheckBetween("close_patience", options.close_patience, absl::ZeroDuration(),
                             absl::Minutes(1)));
  return status;
}

// It is for the client to say when to come back, and with what jitter.
std::shared_ptr<grpc::Channel> Connect(const ClientOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 10'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5'000);
  const auto credentials =
      options.credentials == nullptr ? grpc::InsecureChannelCredentials() : options.credentials;
  return grpc::CreateCustomChannel(options.target, credentials, arguments);
}

std::unique_ptr<internal::Backend> MakeBackend(const ClientOptions& options,
                                               internal::Foundation& foundation) {
  if (options.mode == ClientMode::kUnary) {
    return std::make_unique<internal::UnaryBackend>(options, Connect(options), foundation);
  }
  return std::make_unique<internal::SessionBackend>(options, Connect(options), foundation);
}

}  // namespace

class Client::Impl {
 public:
  explicit Impl(const ClientOptions& options)
      : max_breakers_(options.max_breakers), backend_(MakeBackend(options, foundation_)) {}

  absl::StatusOr<Breaker> GetBreaker(absl::string_view name) {
    if (absl::Status status = CheckBreakerName(name); !status.ok()) return status;
    internal::MutexLock lock(mutex_);
    const auto found = breakers_.find(name);
    if (found != breakers_.end()) return Breaker(*found->second);
    if (breakers_.size() >= max_breakers_) {
      return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_BREAKERS",
                       absl::StrCat("all ", max_breakers_,
                                    " breakers of this client are in use; raise max_breakers"));
    }
    internal::Gate& gate = backend_->Make(std::string(name));
    breakers_.emplace(name, &gate);
    return Breaker(gate);
  }

  const internal::Backend& backend() const { return *backend_; }

 private:
  const size_t max_breakers_;
  internal::Foundation foundation_{.numbers = internal::Numbers(RandomSeed())};
  const std::unique_ptr<internal::Backend> backend_;

  internal::Mutex mutex_;  // Taken before the backend's.
  absl::flat_hash_map<std::string, internal::Gate*> breakers_ ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<std::unique_ptr<Client>> Client::Create(const ClientOptions& options) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(options)));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

absl::StatusOr<Breaker> Client::GetBreaker(absl::string_view name) {
  return impl_->GetBreaker(name);
}

bool Client::WaitForServer(absl::Duration longest) const {
  return impl_->backend().WaitForServer(longest);
}

ClientStats Client::stats() const { return impl_->backend().stats(); }

bool Client::IsConnected() const { return impl_->backend().IsConnected(); }

absl::Status Client::ConnectionError() const { return impl_->backend().ConnectionError(); }

}  // namespace fusebox
