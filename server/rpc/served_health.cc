#include "server/rpc/served_health.h"

#include "absl/strings/str_cat.h"
#include "core/error.h"

namespace fusebox {
namespace {

using grpc::health::v1::HealthCheckResponse;

// What is DEGRADED takes calls, and may need them to recover.
HealthLook::Status StatusOf(Health health) {
  return health == Health::kUnhealthy ? HealthCheckResponse::NOT_SERVING
                                      : HealthCheckResponse::SERVING;
}

}  // namespace

void ServedHealth::SetServing(const std::string& service, bool serving) {
  MutexLock lock(&mutex_);
  services_[service] = serving;
}

absl::StatusOr<ServedHealth::Seat> ServedHealth::TakeSeat() {
  Seat seat(&service_watches_, [](std::atomic<size_t>* taken) { taken->fetch_sub(1); });
  if (service_watches_.fetch_add(1) < max_service_watches_) return seat;
  return MakeError(absl::StatusCode::kResourceExhausted, "TOO_MANY_WATCHERS",
                   absl::StrCat("all ", max_service_watches_,
                                " watches of services are in use; end one, or ask another server"));
}

absl::StatusOr<std::optional<HealthLook>> ServedHealth::Look(const HealthTarget& target,
                                                             const HealthViewer& viewer) {
  if (target.kind == HealthTarget::Kind::kService) return LookAtService(target.name);
  if (target.kind == HealthTarget::Kind::kBreaker) return LookAtBreaker(target.name);
  const absl::StatusOr<std::shared_ptr<const HealthReport>> report =
      engine_.HealthOf(target.name, viewer);
  if (!report.ok()) return report.status();
  if (*report == nullptr) return std::nullopt;
  HealthLook look{.since = (*report)->since};
  const std::optional<Health> health = (*report)->rollup.health();
  if (health.has_value()) look.status = StatusOf(*health);
  return look;
}

HealthLook ServedHealth::LookAtService(const std::string& service) {
  MutexLock lock(&mutex_);
  const auto found = services_.find(service);
  if (found == services_.end()) return {};
  return {.status =
              found->second ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING};
}

HealthLook ServedHealth::LookAtBreaker(const std::string& breaker) {
  const absl::StatusOr<Condition> condition = engine_.ConditionOf(breaker);
  if (!condition.ok()) return {};
  return {.status = StatusOf(condition->health)};
}

}  // namespace fusebox
