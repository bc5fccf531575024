#include "server/http/health_routes.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace fusebox {

HttpRoute HealthzRoute() {
  return {.path = "/healthz", .summary = "whether the process lives", .handler = [] {
            return HttpResponse{.body = "ok\n"};
          }};
}

HttpRoute ReadyzRoute(std::function<std::string()> why_not) {
  return {.path = "/readyz",
          .summary = "whether it takes work",
          .handler = [why_not = std::move(why_not)] {
            const std::string reason = why_not();
            if (reason.empty()) return HttpResponse{.body = "ready\n"};
            return HttpResponse{.status = 503, .body = absl::StrCat(reason, "\n")};
          }};
}

}  // namespace fusebox
