#include "server/rpc/health_target.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/error.h"
#include "core/name.h"

namespace fusebox {

HealthTarget ParseHealthTarget(absl::string_view service) {
  using Kind = HealthTarget::Kind;
  Kind kind = Kind::kService;
  if (absl::ConsumePrefix(&service, "breaker:")) {
    kind = Kind::kBreaker;
  } else if (absl::ConsumePrefix(&service, "prefix:")) {
    kind = Kind::kPrefix;
  }
  return {.kind = kind, .name = std::string(service)};
}

absl::Status CheckHealthTarget(const HealthTarget& target) {
  if (target.kind == HealthTarget::Kind::kService) return absl::OkStatus();
  const absl::Status checked = target.kind == HealthTarget::Kind::kBreaker
                                   ? CheckBreakerName(target.name)
                                   : CheckBreakerPrefix(target.name);
  if (checked.ok()) return checked;
  return MakeError(checked.code(), ErrorReason(checked), checked.message(), "service");
}

absl::Status NoSuchTarget(const HealthTarget& target, absl::string_view field) {
  const std::string name = QuoteForError(target.name);
  if (target.kind == HealthTarget::Kind::kService) {
    return MakeError(absl::StatusCode::kNotFound, "SERVICE_NOT_FOUND",
                     absl::StrCat("this server has no service ", name,
                                  "; ask for one that it has, for breaker:NAME or prefix:PATH, or "
                                  "for none, which is the server as a whole"),
                     field);
  }
  const bool is_breaker = target.kind == HealthTarget::Kind::kBreaker;
  return MakeError(absl::StatusCode::kNotFound, "BREAKER_NOT_FOUND",
                   absl::StrCat(is_breaker ? absl::StrCat("breaker ", name, " does not exist")
                                           : absl::StrCat("there is no breaker under ", name),
                                "; breakers appear with their first Allow, and idle ones are "
                                "forgotten"),
                   field);
}

// A prefix that leaves no room for the rest of a glob is near the longest name, and has few under
// it; then all are matched.
Glob BreakersOf(const HealthTarget& target) {
  if (target.name.empty()) return Glob::All();
  const bool is_prefix = target.kind == HealthTarget::Kind::kPrefix;
  absl::StatusOr<Glob> glob = Glob::Parse(absl::StrCat(target.name, is_prefix ? "/**" : ""));
  return glob.ok() ? *std::move(glob) : Glob::All();
}

HealthViewer ViewerOf(const Caller& caller, const HealthTarget& prefix) {
  if (caller.MayAll(Role::kReader, BreakersOf(prefix))) return {};
  return {.id = caller.fingerprint(),
          .may_see = [caller](absl::string_view name) { return caller.May(Role::kReader, name); }};
}

}  // namespace fusebox
