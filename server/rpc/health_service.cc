#include "server/rpc/health_service.h"

#include <optional>
#include <utility>

#include "server/errors/errors.h"
#include "server/rpc/refused_stream.h"
#include "server/rpc/repeat.h"
#include "server/rpc/sight.h"

namespace fusebox {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;
using Kind = HealthTarget::Kind;

HealthViewer ViewerFor(const Caller& caller, const HealthTarget& target) {
  return target.kind == Kind::kPrefix ? ViewerOf(caller, target) : HealthViewer();
}

}  // namespace

void HealthService::SetServing(const std::string& service, bool serving) {
  served_.SetServing(service, serving);
  for (const std::shared_ptr<HealthStream>& watch : LiveWatches()) watch->Recheck();
}

void HealthService::Maintain() {
  const Tick now = engine_.Now();
  for (const std::shared_ptr<HealthStream>& watch : LiveWatches()) watch->Maintain(now);
}

void HealthService::RecheckWatches() {
  for (const std::shared_ptr<HealthStream>& watch : LiveWatches()) watch->Recheck();
}

void HealthService::Drain() {
  {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  for (const std::shared_ptr<HealthStream>& watch : LiveWatches()) watch->End(DrainingError());
}

// Who asks about breakers is asked who they are before anything is said of the name.
absl::StatusOr<Caller> HealthService::Admit(const grpc::CallbackServerContext& context,
                                            const HealthTarget& target,
                                            absl::string_view method) const {
  if (target.kind == Kind::kService) return Caller();
  const Scope scope = target.kind == Kind::kBreaker ? Scope::Name(target.name) : Scope::Some();
  absl::StatusOr<Caller> caller = authorizer_.Check(context, Role::kReader, scope, method);
  if (!caller.ok()) return caller;
  if (absl::Status status = CheckHealthTarget(target); !status.ok()) return status;
  return caller;
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context,
                                               const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  HealthTarget target = ParseHealthTarget(request->service());
  const absl::StatusOr<Caller> caller = Admit(*context, target, "Check");
  if (!caller.ok()) return Finish(context, caller.status());
  HealthViewer viewer = ViewerFor(*caller, target);
  return AnswerWhenDone(
      context,
      [this, response, target = std::move(target),
       viewer = std::move(viewer)]() -> std::optional<absl::Status> {
        const absl::StatusOr<std::optional<HealthLook>> looked = served_.Look(target, viewer);
        if (!looked.ok()) return looked.status();
        const std::optional<HealthLook>& look = *looked;
        if (!look.has_value()) return std::nullopt;
        const bool is_there = look->status != HealthCheckResponse::SERVICE_UNKNOWN;
        response->set_status(look->status);
        return is_there ? absl::OkStatus() : NoSuchTarget(target, "service");
      });
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(
    grpc::CallbackServerContext* context, const HealthCheckRequest* request) {
  using Refused = RefusedStream<grpc::ServerWriteReactor<HealthCheckResponse>>;
  HealthTarget target = ParseHealthTarget(request->service());
  absl::StatusOr<Caller> caller = Admit(*context, target, "Watch");
  if (!caller.ok()) return new Refused(caller.status());
  HealthViewer viewer = ViewerFor(*caller, target);
  const std::shared_ptr<HealthStream> stream =
      HealthStream::Make(served_, engine_, std::move(target),
                         Sight(authorizer_, *std::move(caller)), std::move(viewer));
  // Before it looks, so that it is told of all that changes afterwards.
  if (!Enlist(stream)) return new Refused(DrainingError());
  stream->Start();
  return stream.get();
}

bool HealthService::Enlist(const std::shared_ptr<HealthStream>& stream) {
  constexpr size_t kFew = 16;
  MutexLock lock(&mutex_);
  if (closed_) return false;
  if (watches_.size() >= tidy_at_) {
    std::erase_if(watches_, [](const std::weak_ptr<HealthStream>& w) { return w.expired(); });
    tidy_at_ = 2 * watches_.size() + kFew;
  }
  watches_.push_back(stream);
  return true;
}

std::vector<std::shared_ptr<HealthStream>> HealthService::LiveWatches() {
  std::vector<std::shared_ptr<HealthStream>> live;
  MutexLock lock(&mutex_);
  for (const std::weak_ptr<HealthStream>& weak : watches_) {
    if (std::shared_ptr<HealthStream> watch = weak.lock()) live.push_back(std::move(watch));
  }
  return live;
}

}  // namespace fusebox
