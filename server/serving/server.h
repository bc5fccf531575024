#ifndef FUSEBOX_SERVER_SERVING_SERVER_H_
#define FUSEBOX_SERVER_SERVING_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/control/control.h"
#include "server/engine/clock.h"
#include "server/engine/engine.h"
#include "server/flusher/flusher.h"
#include "server/gateway/gateway.h"
#include "server/http/http_server.h"
#include "server/metrics/engine_metrics.h"
#include "server/metrics/grpc_metrics.h"
#include "server/metrics/process_metrics.h"
#include "server/metrics/reload_metrics.h"
#include "server/metrics/session_metrics.h"
#include "server/metrics/store_metrics.h"
#include "server/options/options.h"
#include "server/pages/pages.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/breaker_service.h"
#include "server/rpc/health_service.h"
#include "server/serving/config_metrics.h"
#include "server/serving/configuration.h"
#include "server/serving/reloader.h"
#include "server/serving/security.h"
#include "server/serving/stop_signal.h"
#include "server/session/sessions.h"

namespace fusebox {

// A whole server in one object: engine, gRPC, HTTP and the threads that look after time and files.
//
//   ASSIGN_OR_RETURN(auto server, Server::Start(options, clock));
//   ... until SIGTERM ...
//   server->Drain();
//
// Start() returns when all of it serves. Drain() says "not serving" to health checks, goes on
// serving for `lame_duck`, ends watches, waits for calls in flight until `drain_timeout`, and cuts
// connections and health watches that are left.
class Server {
 public:
  // `clock` and `extra_services` must outlive the server. Errors: INVALID_ARGUMENT for what the
  // configuration says; FAILED_PRECONDITION (reason STORE_IN_USE) when another server has the data
  // directory; UNAVAILABLE when an address cannot be listened on. A store that fails is none.
  static absl::StatusOr<std::unique_ptr<Server>> Start(
      const Options& options, const Clock& clock,
      const std::vector<grpc::Service*>& extra_services = {});
  ~Server();

  // Where it listens, with the ports that were found for port 0.
  const std::vector<std::string>& grpc_addresses() const { return grpc_addresses_; }
  // Empty when HTTP is off.
  const std::string& http_address() const { return http_address_; }

  // Stops serving, as above. Stop waiting early with HurryUp(), from any thread.
  void Drain();
  void HurryUp() { hurry_.Stop(); }

  // Reads the configuration's file again; see Reloader.
  void Reload() { reloader_.Reload(); }

  Engine& engine() { return engine_; }

 private:
  Server(const Options& options, const EngineConfiguration& configuration, const Clock& clock,
         uint64_t life, std::unique_ptr<Store> store);

  absl::Status GoOn(const Options& options, const absl::StatusOr<Kept>& kept);
  void AddInfo(v1::GetServerInfoResponse& info) const;
  void AddCondition(http::v1::ServerCondition& condition) const;
  absl::Status StartGrpc(const std::vector<grpc::Service*>& extra_services);
  absl::Status StartHttp();
  HttpRoute MetricsRoute() const;
  std::vector<HttpRoute> HttpRoutes();
  std::optional<HttpResponse> WhyNoPages(bool is_local) const;
  void StartMaintenance();
  void StartReloading();
  void Shutdown(absl::Duration grace);
  void CloseGrpc(absl::Duration grace);
  void SetServing(bool serving);
  void RecheckWatches();

  const config::v1::ServerOptions options_;
  Security security_;
  Engine engine_;
  Control control_;
  const std::unique_ptr<Store> store_;
  Flusher flusher_;
  Reloader reloader_;
  EngineMetrics engine_metrics_;
  StoreMetrics store_metrics_;
  ConfigMetrics config_metrics_;
  GrpcMetrics grpc_metrics_;
  ProcessMetrics process_metrics_;
  ReloadMetrics reload_metrics_;
  Sessions sessions_;
  SessionMetrics session_metrics_;
  BreakerService breaker_service_;
  AdminService admin_service_;
  HealthService health_service_;
  Gateway gateway_;
  Pages pages_;
  std::unique_ptr<grpc::Server> grpc_;
  std::unique_ptr<HttpServer> http_;
  std::vector<std::string> grpc_addresses_;
  std::string http_address_;

  std::atomic<bool> draining_{false};
  StopSignal hurry_;
  StopSignal maintenance_ends_;
  std::thread maintenance_;
  std::thread reloading_;
};

}  // namespace fusebox

#endif  // FUSEBOX_SERVER_SERVING_SERVER_H_
