#ifndef FUSEBOX_SERVER_SERVING_RUNNING_SERVER_H_
#define FUSEBOX_SERVER_SERVING_RUNNING_SERVER_H_

#include <grpcpp/grpcpp.h>

#include <atomic>
#include <cstdint>
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
#include "server/http/request_counts.h"
#include "server/metrics/engine_metrics.h"
#include "server/metrics/grpc_metrics.h"
#include "server/metrics/http_metrics.h"
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
#include "server/serving/server.h"
#include "server/serving/stop_signal.h"
#include "server/session/sessions.h"

namespace fusebox {

// The parts of a server, and how they stand to each other.
class RunningServer final : public Server {
 public:
  RunningServer(const Options& options, const EngineConfiguration& configuration,
                const Clock& clock, uint64_t life, std::unique_ptr<Store> store);
  ~RunningServer() override;

  // Serves, with what was kept. Errors: as Server::Start()'s.
  absl::Status Serve(const Options& options, const absl::StatusOr<Kept>& kept,
                     const std::vector<grpc::Service*>& extra_services);

  const std::vector<std::string>& grpc_addresses() const override { return grpc_addresses_; }
  const std::string& http_address() const override { return http_address_; }
  void Drain() override;
  void HurryUp() override { hurry_.Stop(); }
  void Reload() override { reloader_.Reload(); }
  uint64_t life() const override { return engine_.life(); }
  Engine& engine() override { return engine_; }

 private:
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
  RequestCounts http_counts_;
  HttpMetrics http_metrics_{http_counts_};
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

#endif  // FUSEBOX_SERVER_SERVING_RUNNING_SERVER_H_
