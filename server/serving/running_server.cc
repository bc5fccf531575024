#include "server/serving/running_server.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <sodium.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/convert/convert.h"
#include "server/address/listen_address.h"
#include "server/errors/errors.h"
#include "server/http/health_routes.h"
#include "server/http/own_pages.h"
#include "server/log/log.h"
#include "server/metrics/render.h"
#include "server/process/unix_socket.h"
#include "server/serving/configuration.h"
#include "server/serving/transition_log.h"
#include "server/store/memory_store.h"
#include "server/store/sqlite_store.h"

namespace fusebox {
namespace {

// How often breakers are looked after; DESIGN promises 100 ms.
constexpr absl::Duration kMaintenancePeriod = absl::Milliseconds(20);

// How often the files of certificate and identities are read.
constexpr absl::Duration kReloadPeriod = absl::Seconds(1);

// How often a stopping server looks whether calls are in flight, and how much of its time it keeps
// for cutting off the rest.
constexpr absl::Duration kDrainPeriod = absl::Milliseconds(10);
constexpr absl::Duration kCutTime = absl::Milliseconds(100);

// How long a watch may take to read that it has ended.
constexpr absl::Duration kWatchPatience = absl::Seconds(1);

constexpr char kBreakerService[] = "fusebox.v1.BreakerService";
constexpr char kAdminService[] = "fusebox.v1.AdminService";
constexpr char kHealthService[] = "grpc.health.v1.Health";

// A life is a start, in units of 2^20 ns since 1970: see TransitionNumbers.
uint64_t LifeAt(absl::Time start) {
  return static_cast<uint64_t>(absl::ToUnixNanos(start)) >> TransitionNumbers::kCounterBits;
}

int Millis(const google::protobuf::Duration& duration) {
  return static_cast<int>(absl::ToInt64Milliseconds(FromProto(duration)));
}

void SetLimits(const config::v1::ServerOptions& options, grpc::ServerBuilder& builder) {
  // Each call of reflection, gRPC's own and synchronous, holds a thread. Ours hold none.
  constexpr int kThreadsForReflection = 16;
  grpc::ResourceQuota quota;
  quota.SetMaxThreads(kThreadsForReflection);
  builder.SetResourceQuota(quota);
  // Answers are bounded by what they list.
  builder.SetMaxReceiveMessageSize(static_cast<int>(options.max_message_bytes()));
  builder.SetMaxSendMessageSize(-1);
  // Two servers on one port would each see half of the fleet.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             static_cast<int>(options.max_concurrent_streams()));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, Millis(options.keepalive_time()));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Millis(options.keepalive_timeout()));
  // Clients may ping every 10 s, also while idle: a session that says nothing must notice a cut.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
}

SessionOptions SessionOptionsOf(const config::v1::ServerOptions& options) {
  return {.max_sessions = options.max_sessions(),
          .max_subscriptions = options.max_subscriptions(),
          .resume_time = FromProto(options.session_resume_time()),
          .report_interval = FromProto(options.report_interval()),
          .max_message_bytes = options.max_message_bytes()};
}

absl::Status CannotListen(absl::string_view address) {
  return absl::UnavailableError(
      absl::StrCat("cannot listen on ", address,
                   ": the address is in use, not of this machine or not permitted; stop what uses "
                   "it or set --listen to another"));
}

// "127.0.0.1:0" with the port that was found; that of a Unix socket means nothing.
std::string WithPort(const std::string& address, int port) {
  if (!ParseListenAddress(address)->unix_path.empty()) return address;
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

absl::StatusOr<std::unique_ptr<Store>> OpenStore(const config::v1::ServerOptions& options) {
  if (options.store() == config::v1::STORE_MEMORY) return std::make_unique<MemoryStore>();
  return SqliteStore::Open({.data_dir = options.data_dir()});
}

}  // namespace

RunningServer::RunningServer(const Options& options, const EngineConfiguration& configuration,
                             const Clock& clock, uint64_t life, std::unique_ptr<Store> store)
    : options_(options.config.server()),
      security_(options_, clock, [this] { RecheckWatches(); }),
      engine_(configuration.bounds, clock, life),
      control_(engine_, configuration.limits),
      store_(std::move(store)),
      flusher_(engine_, control_, clock, *store_, configuration.bounds.max_events),
      reloader_(options, control_, clock),
      engine_metrics_(engine_, {.max_breakers = options_.metrics_max_breakers(),
                                .plain_names = options_.metrics_plain_names(),
                                .version = FUSEBOX_VERSION}),
      store_metrics_(options_.store() == config::v1::STORE_MEMORY,
                     [this] { return flusher_.condition(); }),
      config_metrics_(reloader_),
      grpc_metrics_(clock, GrpcMethodsOf({kBreakerService, kAdminService, kHealthService})),
      reload_metrics_(security_.files(), security_.certificate()),
      sessions_(engine_, SessionOptionsOf(options_)),
      session_metrics_(sessions_, options_.max_sessions()),
      breaker_service_(engine_, sessions_, security_.authorizer()),
      admin_service_(
          engine_, control_, clock, FUSEBOX_VERSION,
          [this](v1::GetServerInfoResponse& info) { AddInfo(info); }, security_.authorizer()),
      health_service_(engine_, security_.authorizer()),
      gateway_({.services = {kBreakerService, kAdminService},
                .knows_tokens = !options_.identities().empty()}),
      pages_(engine_, security_.authorizer(), gateway_,
             [this](http::v1::ServerCondition& condition) { AddCondition(condition); }) {}

absl::Status Server::Check(const Options& options) { return ConfigureEngine(options).status(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Start(
    const Options& options, const Clock& clock, const std::vector<grpc::Service*>& extra_services) {
  if (sodium_init() < 0) return absl::InternalError("libsodium found no source of randomness");
  const absl::StatusOr<EngineConfiguration> configuration = ConfigureEngine(options);
  if (!configuration.ok()) return configuration.status();
  absl::StatusOr<std::unique_ptr<Store>> store = OpenStore(options.config.server());
  if (!store.ok()) return store.status();
  const absl::StatusOr<Kept> kept = ReadKept(**store, RecordTime::Now(clock));
  // Greater than any before, also where the wall clock was set back.
  const uint64_t life = std::max(LifeAt(clock.WallNow()), kept.ok() ? kept->life + 1 : 0);
  auto server =
      std::make_unique<RunningServer>(options, *configuration, clock, life, *std::move(store));
  const absl::Status status = server->Serve(options, kept, extra_services);
  if (!status.ok()) return status;
  return server;
}

absl::Status RunningServer::Serve(const Options& options, const absl::StatusOr<Kept>& kept,
                                  const std::vector<grpc::Service*>& extra_services) {
  absl::Status status = GoOn(options, kept);
  if (status.ok()) status = security_.Load();
  if (status.ok()) status = StartGrpc(extra_services);
  if (status.ok()) status = StartHttp();
  if (!status.ok()) return status;
  security_.LogWarnings();
  StartMaintenance();
  sessions_.Start();
  flusher_.Start();
  reloader_.Start();
  StartReloading();
  SetServing(true);
  return status;
}

absl::Status RunningServer::GoOn(const Options& options, const absl::StatusOr<Kept>& kept) {
  const config::v1::ConfigFile& file = options.config;
  absl::Status status =
      control_.SetFile({file.policies().begin(), file.policies().end()},
                       {file.retry_budgets().begin(), file.retry_budgets().end()});
  if (!status.ok()) return absl::InvalidArgumentError(status.message());
  status = flusher_.Begin(kept);
  if (status.ok()) return status;
  // A running server would have refused the file and gone on with the one before.
  return absl::InvalidArgumentError(absl::StrCat(
      options.config_path, " does not go together with what the API was told, which is kept in ",
      options_.data_dir(), ": ", status.message(),
      "; take it out of the file, or start without the file and delete it by the API"));
}

void RunningServer::AddInfo(v1::GetServerInfoResponse& info) const {
  const StoreCondition store = flusher_.condition();
  info.set_store(options_.store() == config::v1::STORE_MEMORY ? "memory" : "sqlite");
  info.set_not_durable(store.not_durable);
  info.set_store_report(store.report);
  security_.Show(info);
  if (!reloader_.has_file()) return;
  const ConfigCondition config = reloader_.condition();
  info.set_config_error(config.error);
  *info.mutable_config_time() = ToProto(config.time);
}

void RunningServer::AddCondition(http::v1::ServerCondition& condition) const {
  condition.set_version(FUSEBOX_VERSION);
  *condition.mutable_time() = ToProto(engine_.WallNow());
  condition.set_not_durable(flusher_.condition().not_durable);
  condition.set_takes_changes(!options_.identities().empty());
}

RunningServer::~RunningServer() { Shutdown(absl::ZeroDuration()); }

absl::Status RunningServer::StartGrpc(const std::vector<grpc::Service*>& extra_services) {
  for (const std::string& address : options_.listen()) {
    const absl::StatusOr<ListenAddress> parsed = ParseListenAddress(address);
    if (!parsed.ok()) return parsed.status();
    if (!parsed->unix_path.empty() && IsListenedOn(parsed->unix_path)) return CannotListen(address);
  }
  SetServing(false);  // Until all of it serves.
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  grpc::ServerBuilder builder;
  SetLimits(options_, builder);
  std::vector<int> ports(options_.listen_size());
  for (int i = 0; i < options_.listen_size(); ++i) {
    const std::string& address = options_.listen(i);
    builder.AddListeningPort(address, security_.CredentialsFor(address), &ports[i]);
  }
  builder.RegisterService(&breaker_service_);
  builder.RegisterService(&admin_service_);
  builder.RegisterService(&health_service_);
  for (grpc::Service* service : extra_services) builder.RegisterService(service);
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
  interceptors.push_back(grpc_metrics_.MakeInterceptorFactory());
  builder.experimental().SetInterceptorCreators(std::move(interceptors));
  grpc_ = builder.BuildAndStart();
  for (int i = 0; i < options_.listen_size(); ++i) {
    if (ports[i] == 0) return CannotListen(options_.listen(i));
    grpc_addresses_.push_back(WithPort(options_.listen(i), ports[i]));
  }
  if (grpc_ == nullptr) return absl::UnavailableError("gRPC did not start; its log says why");
  grpc::ChannelArguments within;
  within.SetMaxReceiveMessageSize(-1);
  gateway_.SetChannel(grpc_->InProcessChannel(within));
  return absl::OkStatus();
}

absl::Status RunningServer::StartHttp() {
  if (options_.http_listen().empty()) return absl::OkStatus();
  absl::StatusOr<std::unique_ptr<HttpServer>> http =
      HttpServer::Start(options_.http_listen(), HttpRoutes(), http_counts_,
                        options_.http_tls() ? &security_.certificate() : nullptr);
  if (!http.ok()) return http.status();
  http_ = *std::move(http);
  http_address_ = WithPort(options_.http_listen(), http_->port());
  return absl::OkStatus();
}

// Metrics and health are for everybody who can connect; but on loopback, not for whatever page
// somebody's browser shows.
std::vector<HttpRoute> RunningServer::HttpRoutes() {
  const bool is_local = IsLocal(*ParseListenAddress(options_.http_listen()));
  const std::vector<std::string> names(options_.http_name().begin(), options_.http_name().end());
  std::vector<HttpRoute> routes = {
      is_local ? ForOwnPages(MetricsRoute(), names) : MetricsRoute(), HealthzRoute(),
      ReadyzRoute([this] { return std::string(draining_ ? "draining" : ""); },
                  [this] { return flusher_.condition().not_durable; })};
  std::vector<HttpRoute> own = pages_.Routes();
  for (HttpRoute& route : gateway_.Routes()) own.push_back(std::move(route));
  for (HttpRoute& route : own) {
    route.refuse = [this, is_local](const HttpRequest&) { return WhyNoPages(is_local); };
    routes.push_back(ForOwnPages(std::move(route), names));
  }
  return routes;
}

std::optional<HttpResponse> RunningServer::WhyNoPages(bool is_local) const {
  if (!is_local && !options_.http_tls() && !options_.http_insecure()) {
    return HttpResponse{
        .status = 403,
        .body =
            "This port is reached by other machines, in plaintext; only metrics and health "
            "are served there. Set --http-tls, or --http-listen to a loopback address, or "
            "--http-insecure if nobody else is on the way.\n"};
  }
  if (!options_.tls_client_ca().empty() && options_.identities().empty()) {
    return HttpResponse{
        .status = 403,
        .body =
            "Who calls this server shows a certificate, which this port cannot ask for; set "
            "--identities, so that callers here can show a token.\n"};
  }
  return std::nullopt;
}

HttpRoute RunningServer::MetricsRoute() const {
  return {.path = "/metrics", .summary = "for Prometheus", .handler = [this](const HttpRequest&) {
            return HttpResponse{
                .content_type = kMetricsContentType,
                .body = RenderMetrics({&engine_metrics_, &grpc_metrics_, &process_metrics_,
                                       &store_metrics_, &config_metrics_, &reload_metrics_,
                                       &http_metrics_, &session_metrics_})};
          }};
}

void RunningServer::StartMaintenance() {
  maintenance_ = std::thread([this] {
    TransitionLog log(engine_.events(), engine_.events().last_number());
    Tick due = engine_.Now() + kMaintenancePeriod;
    while (!maintenance_ends_.WaitFor(absl::ZeroDuration())) {
      // Turns may be due at any moment; the rest is as before.
      engine_.SleepUntilTurn(due - engine_.Now());
      engine_.Maintain();
      if (engine_.Now() < due) continue;
      health_service_.Maintain();
      pages_.Maintain();
      log.Write();
      LogLostLines();
      due = engine_.Now() + kMaintenancePeriod;
    }
  });
}

// On a thread of its own: files may be on a disk that does not answer.
void RunningServer::StartReloading() {
  if (security_.files().empty()) return;
  reloading_ = std::thread([this] {
    while (!maintenance_ends_.WaitFor(kReloadPeriod)) security_.Load().IgnoreError();  // It logs.
  });
}

// "liveness" is about the process and stays as it is until the end.
void RunningServer::SetServing(bool serving) {
  for (const char* service : {"", kBreakerService, kAdminService, "readiness"}) {
    health_service_.SetServing(service, serving);
  }
  health_service_.SetServing("liveness", true);
}

void RunningServer::RecheckWatches() {
  admin_service_.RecheckWatches();
  sessions_.Recheck();
  health_service_.RecheckWatches();
}

void RunningServer::Drain() {
  draining_ = true;
  admin_service_.SetDraining();
  SetServing(false);
  const absl::Duration lame_duck = FromProto(options_.lame_duck());
  sessions_.SendAway(lame_duck);
  hurry_.WaitFor(lame_duck);
  admin_service_.Drain();
  sessions_.EndAll(DrainingError());
  engine_.EndWaits();
  health_service_.Drain();
  Shutdown(FromProto(options_.drain_timeout()) - lame_duck);
}

void RunningServer::Shutdown(absl::Duration grace) {
  const std::shared_ptr<grpc::Channel> within = gateway_.SetChannel(nullptr);
  if (grpc_ != nullptr) CloseGrpc(grace);
  http_.reset();
  maintenance_ends_.Stop();
  if (maintenance_.joinable()) maintenance_.join();
  sessions_.Stop();
  if (reloading_.joinable()) reloading_.join();
  reloader_.Stop();
  flusher_.Stop();
}

// Asks every client to go and waits for calls in flight. Then cuts what is left: connections of
// clients that have nothing to ask and do not notice, and streams that would never end.
void RunningServer::CloseGrpc(absl::Duration grace) {
  StopSignal closed;
  std::thread closing([this, &closed] {
    // gRPC's own deadline would wait for idle clients, too; and nothing ends it early.
    grpc_->Shutdown(gpr_inf_future(GPR_CLOCK_MONOTONIC));
    closed.Stop();
  });
  for (absl::Duration waited; waited < grace - kCutTime; waited += kDrainPeriod) {
    if (grpc_metrics_.InFlight() == 0 || hurry_.WaitFor(absl::ZeroDuration())) break;
    if (closed.WaitFor(kDrainPeriod)) break;
    if (waited >= kWatchPatience) admin_service_.Cut();
  }
  // Answers that were given a moment ago are still on their way out.
  bool done = closed.WaitFor(std::clamp(grace, absl::ZeroDuration(), kCutTime));
  for (; !done; done = closed.WaitFor(kDrainPeriod)) {
    grpc_server_cancel_all_calls(grpc_->c_server());
  }
  closing.join();
  grpc_->Wait();
  grpc_.reset();
}

}  // namespace fusebox
