// A whole server whose time stands still until a test moves it: see control.proto. Takes the
// server's own flags, but serves on a free port and not over HTTP.
#include <grpcpp/grpcpp.h>
#include <pthread.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "proto/convert/convert.h"
#include "server/engine/engine.h"
#include "server/errors/errors.h"
#include "server/options/options.h"
#include "server/serving/configuration.h"
#include "server/serving/server.h"
#include "testing/control.grpc.pb.h"
#include "testing/fake_clock.h"

namespace fusebox {
namespace {

class TestControl final : public testing::v1::TestControl::CallbackService {
 public:
  explicit TestControl(FakeClock& clock) : clock_(clock) {}

  // Before the first call; the engine comes with the server that serves this.
  void SetEngine(Engine& engine) { engine_ = &engine; }

  grpc::ServerUnaryReactor* Advance(grpc::CallbackServerContext* context,
                                    const testing::v1::AdvanceRequest* request,
                                    testing::v1::AdvanceResponse*) override {
    const absl::Duration by = FromProto(request->by());
    if (by < absl::ZeroDuration()) {
      return Finish(context, absl::InvalidArgumentError("by is negative; time goes forward"));
    }
    clock_.Advance(by);
    engine_->Maintain();
    return Finish(context, absl::OkStatus());
  }

  grpc::ServerUnaryReactor* SetPolicies(grpc::CallbackServerContext* context,
                                        const testing::v1::SetPoliciesRequest* request,
                                        testing::v1::SetPoliciesResponse*) override {
    Options options;
    *options.config.mutable_policies() = request->policies();
    *options.config.mutable_retry_budgets() = request->retry_budgets();
    const absl::StatusOr<EngineConfiguration> configuration = ConfigureEngine(options);
    if (!configuration.ok()) return Finish(context, configuration.status());
    return Finish(context, engine_->SetPolicies(configuration->policies, configuration->budgets));
  }

  grpc::ServerUnaryReactor* Override(grpc::CallbackServerContext* context,
                                     const testing::v1::OverrideRequest* request,
                                     testing::v1::OverrideResponse*) override {
    absl::StatusOr<fusebox::Override> override =
        FromProto(request->override(), {clock_.Now(), clock_.WallNow()});
    if (!override.ok()) return Finish(context, override.status());
    return Finish(context, engine_->SetOverride(request->breaker(), *std::move(override)));
  }

  grpc::ServerUnaryReactor* ClearOverride(grpc::CallbackServerContext* context,
                                          const testing::v1::ClearOverrideRequest* request,
                                          testing::v1::ClearOverrideResponse*) override {
    return Finish(context, engine_->ClearOverride(request->breaker()));
  }

 private:
  FakeClock& clock_;
  Engine* engine_ = nullptr;
};

int Serve(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  std::vector<const char*> arguments = {"virtual_time_server", "--listen=127.0.0.1:0",
                                        "--http-listen=", "--lame-duck=0s", "--store=MEMORY"};
  arguments.insert(arguments.end(), argv + 1, argv + argc);
  const absl::StatusOr<Options> options =
      ParseOptions(static_cast<int>(arguments.size()), arguments.data(),
                   [](absl::string_view) { return std::optional<std::string>(); });
  if (!options.ok()) {
    std::fprintf(stderr, "%s\n", std::string(options.status().message()).c_str());
    return 2;
  }
  FakeClock clock;
  TestControl control(clock);
  const absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(*options, clock, {&control});
  if (!server.ok()) {
    std::fprintf(stderr, "%s\n", std::string(server.status().message()).c_str());
    return 1;
  }
  control.SetEngine((*server)->engine());
  std::printf("listening %s\n", (*server)->grpc_addresses().front().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  (*server)->Drain();
  return 0;
}

}  // namespace
}  // namespace fusebox

int main(int argc, char** argv) { return fusebox::Serve(argc, argv); }
