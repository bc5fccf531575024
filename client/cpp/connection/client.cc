#include "fusebox/client.h"

#include <random>
#include <utility>

#include "absl/container/node_hash_map.h"
#include "absl/strings/str_cat.h"
#include "client/cpp/connection/connection.h"
#include "client/cpp/connection/refusal.h"
#include "client/cpp/link/session_link.h"
#include "client/cpp/local/local_breaker.h"
#include "client/cpp/local/mutex.h"
#include "client/cpp/local/numbers.h"
#include "core/error.h"
#include "core/name.h"
#include "grpcpp/create_channel.h"

namespace fusebox {
namespace {

constexpr char kLibrary[] = "fusebox-cpp/" FUSEBOX_VERSION;

uint64_t RandomSeed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

std::string RandomId(TransitionSource& random) {
  std::string id;
  for (int i = 0; i < 2; ++i) {
    const uint64_t bits = random.RandomBits();
    id.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
  return id;
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

}  // namespace

class Client::Impl {
 public:
  explicit Impl(ClientOptions options)
      : options_(std::move(options)),
        stub_(v1::BreakerService::NewStub(Connect(options_))),
        standard_(std::make_shared<const RulingPolicy>(Policy())),
        link_({.session_id = RandomId(numbers_), .client = options_.name, .library = kLibrary},
              clock_),
        connection_(*stub_, link_, clock_, numbers_,
                    {.patience = options_.patience, .on_change = Listener(options_)}) {
    connection_.Start();
  }
  ~Impl() { connection_.Stop(options_.close_patience); }

  absl::StatusOr<Breaker> GetBreaker(absl::string_view name) {
    if (absl::Status status = CheckBreakerName(name); !status.ok()) return status;
    internal::MutexLock lock(mutex_);
    const auto found = breakers_.find(name);
    if (found != breakers_.end()) return Breaker(*found->second);
    if (breakers_.size() >= options_.max_breakers) {
      return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_BREAKERS",
                       absl::StrCat("all ", options_.max_breakers,
                                    " breakers of this client are in use; raise max_breakers"));
    }
    auto breaker = std::make_shared<internal::LocalBreaker>(
        std::string(name), standard_,
        internal::LocalBreaker::Surroundings{.clock = clock_,
                                             .stopwatch = internal::Stopwatch::OfMachine(),
                                             .numbers = numbers_,
                                             .wake = [this] { connection_.Wake(); },
                                             .refusal = internal::RefusalOf,
                                             .without_server = options_.without_server});
    breakers_.emplace(name, breaker);
    link_.Add(breaker);
    connection_.Wake();
    return Breaker(*breaker);
  }

  bool WaitForServer(absl::Duration longest) const { return connection_.WaitForServer(longest); }
  bool IsConnected() const { return link_.IsOpen(); }
  grpc::Status error() const { return connection_.error(); }
  ClientStats stats() const {
    const internal::SessionLink::Stats link = link_.GetStats();
    ClientStats stats;
    stats.connected = link.is_open;
    if (link.last_heard.has_value()) {
      stats.state_age = Tick::FromNanos(clock_.NowNanos()) - *link.last_heard;
    }
    stats.breakers = link.breakers;
    stats.unacknowledged_rows = link.unacknowledged_rows;
    stats.decisions = link.decisions;
    return stats;
  }

 private:
  using OnChange = std::function<void(const internal::SessionLink::Change&)>;
  static OnChange Listener(const ClientOptions& options) {
    if (!options.on_state_change) return {};
    return [tell = options.on_state_change](const internal::SessionLink::Change& change) {
      tell({std::string(change.breaker->name()), change.from, change.to});
    };
  }

  const ClientOptions options_;
  const ClientClock& clock_ = ClientClock::OfMachine();
  internal::Numbers numbers_{RandomSeed()};
  const std::unique_ptr<v1::BreakerService::Stub> stub_;
  const std::shared_ptr<const RulingPolicy> standard_;  // Until the server says what rules.
  internal::SessionLink link_;
  internal::Connection connection_;

  internal::Mutex mutex_;  // Taken before the link's.
  absl::node_hash_map<std::string, std::shared_ptr<internal::LocalBreaker>> breakers_
      ABSL_GUARDED_BY(mutex_);
};

absl::StatusOr<std::unique_ptr<Client>> Client::Create(ClientOptions options) {
  if (absl::Status status = Check(options); !status.ok()) return status;
  return std::unique_ptr<Client>(new Client(std::make_unique<Impl>(std::move(options))));
}

Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;

absl::StatusOr<Breaker> Client::GetBreaker(absl::string_view name) {
  return impl_->GetBreaker(name);
}

bool Client::WaitForServer(absl::Duration longest) const { return impl_->WaitForServer(longest); }

ClientStats Client::stats() const { return impl_->stats(); }

bool Client::IsConnected() const { return impl_->IsConnected(); }

absl::Status Client::ConnectionError() const {
  const grpc::Status error = impl_->error();
  return absl::Status(static_cast<absl::StatusCode>(error.error_code()), error.error_message());
}

}  // namespace fusebox
